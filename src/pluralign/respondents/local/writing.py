"""Whole answers of several adapters as one, and answers in pieces as they are written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pluralign.core import Sampling
from pluralign.respondents.local.adapted import AdaptedModel, AdapterMixture
from pluralign.respondents.local.chat import batches
from pluralign.respondents.local.decoding import Decoding

_UNFINISHED = "\ufffd"
"""The sign of a letter of which some bytes are not there yet."""


@dataclass(frozen=True, slots=True)
class WrittenAnswer:
    """An answer.

    Attributes:
        text: The words, without space around them.
        finish_reason: ``stop`` where the model or a stop text ended it, ``length`` where the limit
            of tokens did.
        tokens: Number of tokens that were drawn, the end included.
    """

    text: str
    finish_reason: Literal["stop", "length"]
    tokens: int


def write(
    adapted: AdaptedModel,
    prompts: Sequence[list[int]],
    mixtures: Sequence[AdapterMixture],
    sampling: Sampling,
    *,
    n: int = 1,
    stop: Sequence[str] = (),
    batch_tokens: int = 16384,
    keys: Sequence[str] | None = None,
) -> list[list[WrittenAnswer]]:
    """Continue each of P prompts n times by its mixture; the model reads each prompt once.

    Args:
        adapted: The model.
        prompts: Tokens of the prompts.
        mixtures: The models that continue each prompt; all are of the same number of names.
        sampling: How words are drawn.
        n: Number of continuations of each prompt, >= 1.
        stop: Texts that end an answer; they are not part of it.
        batch_tokens: Most tokens of one batch, padding and new tokens included.
        keys: Texts on which the draws of each prompt depend; see `Decoding`.

    Returns:
        The answers, shape (P, n).
    """
    found: list[list[WrittenAnswer]] = [[] for _ in prompts]
    rows = n * max((len(one.names) for one in mixtures), default=1)
    lengths = [rows * (len(prompt) + sampling.max_new_tokens) for prompt in prompts]
    for batch in batches(range(len(prompts)), lengths, batch_tokens):
        own = [prompts[i] for i in batch]
        named = None if keys is None else [keys[i] for i in batch]
        decoding = Decoding(adapted, own, [mixtures[i] for i in batch], sampling, n, named)
        pages = [_Page(adapted.loaded.tokenizer, decoding.ends, stop) for _ in range(len(own) * n)]
        for _ in range(sampling.max_new_tokens):
            tokens = [token for row in decoding.step() for token in row]
            for page, token in zip(pages, tokens, strict=True):
                page.add(token)
            if all(page.is_over for page in pages):
                break
        for at, i in enumerate(batch):
            found[i] = [page.written for page in pages[at * n : (at + 1) * n]]
    return found


def write_pieces(
    adapted: AdaptedModel,
    prompt: list[int],
    mixture: AdapterMixture,
    sampling: Sampling,
    stop: Sequence[str] = (),
) -> Iterator[str | WrittenAnswer]:
    """Continue one prompt: pieces of the text as they are written, and the whole answer last."""
    decoding = Decoding(adapted, [prompt], [mixture], sampling, 1)
    page = _Page(adapted.loaded.tokenizer, decoding.ends, stop)
    shown = ""
    for _ in range(sampling.max_new_tokens):
        page.add(decoding.step()[0][0])
        if page.is_over:
            break
        if len(page.settled) > len(shown) and page.settled.startswith(shown):
            yield page.settled[len(shown) :]
            shown = page.settled
    whole = page.written
    if len(whole.text) > len(shown) and whole.text.startswith(shown):
        yield whole.text[len(shown) :]
    yield whole


class _Page:
    """An answer that is being written.

    Args:
        tokenizer: The model's.
        ends: Tokens that end an answer.
        stop: Texts that end an answer.
    """

    def __init__(self, tokenizer: Any, ends: set[int], stop: Sequence[str]) -> None:
        self._tokenizer, self._ends, self._stop = tokenizer, ends, stop
        self._tokens: list[int] = []
        self._text = ""
        self.is_over = False

    def add(self, token: int) -> None:
        """Add a token; one after the end is ignored."""
        if self.is_over:
            return
        self._tokens.append(token)
        text = str(self._tokenizer.decode(self._tokens, skip_special_tokens=True))
        at = min((i for i in (text.find(one) for one in self._stop) if i >= 0), default=-1)
        self._text = text if at < 0 else text[:at]
        self.is_over = at >= 0 or token in self._ends

    @property
    def settled(self) -> str:
        """The text as far as later tokens cannot change it."""
        text = self._text.lstrip()
        held = max((_overlap(text, one) for one in self._stop), default=0)
        return text[: len(text) - held].rstrip(_UNFINISHED).rstrip()

    @property
    def written(self) -> WrittenAnswer:
        reason: Literal["stop", "length"] = "stop" if self.is_over else "length"
        return WrittenAnswer(self._text.strip(), reason, len(self._tokens))


def _overlap(text: str, stop: str) -> int:
    """Length of the longest beginning of a stop text with which a text ends.

    >>> _overlap("one, tw", "two"), _overlap("one", "two")
    (2, 0)
    """
    sizes = range(min(len(stop), len(text)), 0, -1)
    return next((size for size in sizes if text.endswith(stop[:size])), 0)
