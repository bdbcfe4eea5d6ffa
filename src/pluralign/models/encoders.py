"""Encoders of texts, by the names that settings give them."""

from pluralign.core import Encoder
from pluralign.encoders import encoder_named


def open_encoder(name: str) -> Encoder:
    """Open an encoder, without a cache around it.

    Args:
        name: A name as in ``trunk.encoder``: ``minilm``, ``static``, ``hash``, or that of a
            sentence-transformers model.

    Raises:
        InvalidInput: If there is no such model, or the hub cannot be reached.
        MissingExtra: If the extra ``embed`` is not installed.
    """
    return encoder_named(name)
