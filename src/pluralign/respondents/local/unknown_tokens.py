"""The share of a text that a tokenizer cannot represent."""

from collections.abc import Iterable
from typing import Any


def unknown_share(tokenizer: Any, texts: Iterable[str]) -> float:
    """The share of tokens that stand for anything unknown, such as ``[UNK]``, in [0, 1].

    It is 0 for tokenizers that write unknown characters as bytes.

    Args:
        tokenizer: A tokenizer of Transformers.
        texts: Texts in one language.
    """
    if tokenizer.unk_token_id is None:
        return 0.0
    tokens = [
        token for text in texts for token in tokenizer(text, add_special_tokens=False)["input_ids"]
    ]
    return tokens.count(tokenizer.unk_token_id) / max(1, len(tokens))
