"""JSON Schemas of the files that pluralign reads and writes, and checks of files against them."""

from pluralign.schemas.checking import CheckedFile, RowFault, check_file
from pluralign.schemas.kinds import KINDS, Kind, kind_named

__all__ = ["KINDS", "CheckedFile", "Kind", "RowFault", "check_file", "kind_named"]
