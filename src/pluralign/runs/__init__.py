"""Folders of runs: written file by file, listed with digests, resumed, and read again."""

from pluralign.runs.folder import RunFolder, read_rows
from pluralign.runs.matrix import read_matrix
from pluralign.runs.refits import Refits, refits_of

__all__ = ["Refits", "RunFolder", "read_matrix", "read_rows", "refits_of"]
