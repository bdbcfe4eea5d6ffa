"""The tokens of all-MiniLM-L6-v2."""

from pathlib import Path

from tokenizers import Tokenizer


class MiniLmTokens:
    """Tokenises texts for all-MiniLM-L6-v2; several threads may use it.

    Args:
        folder: Where the model lies.
        longest: How many tokens of a text are read.
    """

    def __init__(self, folder: Path, longest: int) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(longest)

    def of(self, texts: list[str]) -> tuple[dict[str, list[list[int]]], list[bool]]:
        """Ids of each text, cut where it is too long, and whether it was."""
        encodings = self._tokenizer.encode_batch(texts)
        return {"input_ids": [encoding.ids for encoding in encodings]}, [
            bool(e.overflowing) for e in encodings
        ]
