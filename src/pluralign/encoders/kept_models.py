"""Models that are made once and kept in the cache folder, each in a folder with a card."""

import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from pluralign.core import file_digest, parse_json
from pluralign.encoders.cache_folders import MODEL_CARD

_log = logging.getLogger(__name__)


def keep_model(
    folder: Path, weights: str, card: Mapping[str, str], write: Callable[[Path], object]
) -> None:
    """Write a model into a temporary folder and rename it, unless another process was first.

    Args:
        folder: Where the model will lie.
        weights: Name of the file whose digest is on the card.
        card: Further entries of the card.
        write: Writes the model into a folder that does not exist yet.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".part-") as temporary:
        part = Path(temporary) / "model"
        write(part)
        written = json.dumps({**card, "sha256": file_digest(part / weights)})
        (part / MODEL_CARD).write_text(written, encoding="utf-8", newline="\n")
        try:
            part.rename(folder)
        except OSError:
            if not is_whole(folder, weights):
                raise


def is_whole(folder: Path, weights: str) -> bool:
    """Whether there is a model as it was written; a damaged one is deleted with a warning."""
    if not folder.exists():
        return False
    try:
        expected = parse_json((folder / MODEL_CARD).read_bytes())["sha256"]
        if file_digest(folder / weights) == expected:
            return True
    except (OSError, ValueError, KeyError, TypeError):
        pass
    _log.warning("the model in %s is damaged; it was deleted and will be made again", folder)
    shutil.rmtree(folder, ignore_errors=True)
    return False
