"""A static encoder distilled from another: one vector a token, many times faster on a CPU."""

import logging
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pluralign.core import FloatArray, MissingExtra
from pluralign.encoders.cache import Progress
from pluralign.encoders.cache_folders import static_folder
from pluralign.encoders.distilling import distilled
from pluralign.encoders.kept_models import is_whole, keep_model
from pluralign.encoders.sentence_encoder import SentenceEncoder
from pluralign.encoders.tokens import whole_characters
from pluralign.encoders.vectors import unit_rows

if TYPE_CHECKING:
    from model2vec import StaticModel

_log = logging.getLogger(__name__)
_WEIGHTS = "model.safetensors"


class StaticEncoder:
    """Encodes a text by the mean of vectors that its tokens have on their own.

    The vectors are distilled from a sentence encoder when they are first needed (`distilled`; half
    a minute for MiniLM on two cores) and kept in the cache folder; from then on no torch is needed.
    Word order is lost; texts of any length are read whole. A text without known tokens gives a row
    of zeros.

    Args:
        source: The encoder to distil from.
        folder: Cache folder; None means `cache_folder`.
        dimensions: Length of a vector, at most that of the source.
        progress: Called with (tokens done, tokens in all) while distilling.

    Attributes:
        fingerprint: Changes with the source and the dimensions.
        dimensions: As given.
        languages: Languages of the source.
        folder: Where the distilled model is kept.
        instant: True: once loaded, a short text takes less than a millisecond, without torch.

    Raises:
        MissingExtra: If model2vec is not installed.
    """

    instant = True

    def __init__(
        self,
        source: SentenceEncoder,
        folder: Path | None = None,
        dimensions: int = 256,
        progress: Progress | None = None,
    ) -> None:
        if find_spec("model2vec") is None:
            raise MissingExtra.named("embed", "model2vec")
        self.dimensions = dimensions
        self.languages = source.languages
        self.fingerprint = f"static-1-{dimensions}-{source.fingerprint}"
        self.folder = static_folder(folder, self.fingerprint)
        self._source = source
        self._progress = progress or (lambda done, total: None)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Encode a batch.

        Args:
            texts: Any texts.

        Returns:
            Shape (N, D), float32; rows of length 1, or of zeros for a text without known tokens.

        Raises:
            InvalidInput: If the source cannot be distilled.
        """
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        readable = [whole_characters(text) for text in texts]
        # use_multiprocessing would write to the environment; max_length=None reads texts whole.
        return unit_rows(self._model.encode(readable, max_length=None, use_multiprocessing=False))

    @cached_property
    def _model(self) -> "StaticModel":
        from model2vec import StaticModel

        if not is_whole(self.folder, _WEIGHTS):
            self._distil()
        return StaticModel.from_pretrained(self.folder, max_length=None, force_download=False)

    def _distil(self) -> None:
        """Distil once, and keep the result in the cache folder."""
        _log.info(
            "distilling a static encoder from %s: once, kept in %s",
            self._source.folder,
            self.folder,
        )
        model = distilled(self._source, self.dimensions, self._progress)
        card = {"fingerprint": self.fingerprint}
        keep_model(self.folder, _WEIGHTS, card, model.save_pretrained)
