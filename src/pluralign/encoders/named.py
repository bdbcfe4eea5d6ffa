"""The names that settings use for encoders."""

from pathlib import Path

from pluralign.core import Encoder, InvalidSettings
from pluralign.encoders.hashing import HashEncoder
from pluralign.encoders.packaged import minilm, minilm_onnx
from pluralign.encoders.sentence_encoder import SentenceEncoder
from pluralign.encoders.static import StaticEncoder


def encoder_named(name: str, folder: Path | None = None) -> Encoder:
    """Make the encoder that a setting names.

    Args:
        name: ``minilm``; ``minilm-onnx`` (the same on onnxruntime); ``hash``; ``static`` (distilled
            from MiniLM) or ``static:NAME``; else the name or the folder of a sentence-transformers
            model.
        folder: Cache folder, for models that are distilled or written for onnxruntime; None means
            `cache_folder`.

    Returns:
        The encoder, without a cache around it.

    Raises:
        InvalidInput: If there is no such model, or the hub cannot be reached.
        InvalidSettings: If it is ``endpoint``, whose servers a name does not contain.
        MissingExtra: If the extra ``embed`` is not installed.
        DamagedFile: If the weights of MiniLM are not the published ones.

    >>> encoder_named("hash").dimensions
    256
    """
    if name == "hash":
        return HashEncoder()
    if name == "minilm-onnx":
        return minilm_onnx(folder)
    if name == "endpoint":
        raise InvalidSettings(
            "the encoder 'endpoint' needs the addresses of its servers",
            hint='write encoder = "endpoint" in [trunk], and [trunk.endpoint] with urls and model; '
            "other settings take no servers",
        )
    if name == "static" or name.startswith("static:"):
        return StaticEncoder(_sentence_encoder(name.partition(":")[2] or "minilm"), folder)
    return _sentence_encoder(name)


def _sentence_encoder(name: str) -> SentenceEncoder:
    return minilm() if name == "minilm" else SentenceEncoder(name)
