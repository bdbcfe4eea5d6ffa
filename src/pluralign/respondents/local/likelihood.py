"""Ask for probabilities instead of words: how likely each option's label is to come next, all in one pass."""

import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from pluralign.core import Ask, FloatArray, Reply
from pluralign.respondents.local.chat import LocalChatModel, batches, left_padded

Tokens = tuple[int, ...]
_WORTH = 16


class LikelihoodRespondent:
    """Answers with the probability of every option.

    The probability of an option is that of the model going on with its label, over all labels of
    the ask. A label that begins another one (1 and 10) counts without what goes on as the other.
    Prompts that begin alike are read once up to where they part.

    Args:
        model: The model.
        shares_prefix: Whether common beginnings are read once; the answers are the same without.
    """

    def __init__(self, model: LocalChatModel, shares_prefix: bool = True) -> None:
        self.model = model
        self._shares = shares_prefix

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.model.name

    @property
    def fingerprint(self) -> str:
        """Of the model."""
        return f"likelihood {self.model.fingerprint}"

    def answer(
        self, asks: Sequence[Ask], heard: Callable[[int, Reply], None] | None = None
    ) -> list[Reply]:
        """Answer; see `pluralign.core.ports.Respondent`. The text of a reply is the label of the likeliest option."""
        replies: dict[int, Reply] = {}
        step = 256  # so that answers are heard, and kept, while others are still computed
        for start in range(0, len(asks), step):
            for k, reply in enumerate(self._answer(asks[start : start + step])):
                replies[start + k] = reply
                if heard is not None:
                    heard(start + k, reply)
        return [replies[i] for i in range(len(asks))]

    def _answer(self, asks: Sequence[Ask]) -> list[Reply]:
        prompts = [tuple(self.model.tokens(ask.conversation)) for ask in asks]
        labels = [label_tokens(self.model.loaded.tokenizer, ask.labels) for ask in asks]
        contexts = [_contexts(own) for own in labels]
        rows = [
            prompt + context
            for prompt, own in zip(prompts, contexts, strict=True)
            for context in own
        ]
        wanted = [
            sorted(
                {
                    label[len(context)]
                    for label in own
                    if label[: len(context)] == context and len(label) > len(context)
                }
            )
            for own, heads in zip(labels, contexts, strict=True)
            for context in heads
        ]
        fitting = [i for i, row in enumerate(rows) if len(row) <= self.model.longest]
        chances = self._next(rows, fitting, wanted)
        replies, row = [], 0
        for ask, own, heads in zip(asks, labels, contexts, strict=True):
            found = {context: chances.get(row + k) for k, context in enumerate(heads)}
            row += len(heads)
            replies.append(_reply(ask, own, found, self.model.longest))
        return replies

    def _next(
        self, rows: Sequence[Tokens], places: Sequence[int], wanted: Sequence[list[int]]
    ) -> dict[int, dict[int, float]]:
        """Log-probabilities of the tokens wanted behind each row."""
        found: dict[int, dict[int, float]] = {}
        for prefix, group in _groups(rows, places) if self._shares else [((), list(places))]:
            cache = self._read(prefix) if prefix else None
            lengths = [len(row) - len(prefix) for row in rows]
            budget = max(self.model.batch_tokens - len(prefix), 1)
            for batch in batches(group, [length + len(prefix) // 8 for length in lengths], budget):
                tails = [list(rows[i][len(prefix) :]) for i in batch]
                logs = self._log_probs(tails, cache, len(prefix))
                for k, i in enumerate(batch):
                    found[i] = {token: float(logs[k, token]) for token in wanted[i]}
        return found

    def _read(self, prefix: Tokens) -> Any:
        import torch

        model = self.model.loaded.model
        with torch.inference_mode():
            ids = torch.tensor([list(prefix)], device=model.device)
            return model(input_ids=ids, use_cache=True, logits_to_keep=1).past_key_values

    def _log_probs(self, tails: Sequence[list[int]], cache: Any, before: int) -> Any:
        """Log-probabilities of what comes behind each tail, shape (N, vocabulary)."""
        import torch

        model = self.model.loaded.model
        ids, mask = left_padded(tails, self.model.loaded.tokenizer.pad_token_id, model.device)
        positions = (mask.cumsum(dim=1) - 1).clamp(min=0) + before
        more: dict[str, Any] = {"use_cache": False}
        if cache is not None:
            own = copy.deepcopy(cache)
            own.batch_repeat_interleave(len(tails))
            more = {"past_key_values": own, "use_cache": True}
            mask = torch.cat([mask.new_ones(len(tails), before), mask], dim=1)
        with torch.inference_mode():
            out = model(
                input_ids=ids, attention_mask=mask, position_ids=positions, logits_to_keep=1, **more
            )
            return torch.log_softmax(out.logits[:, -1].float(), dim=-1)


def _contexts(labels: Sequence[Tokens]) -> list[Tokens]:
    """What must be read behind the prompt: nothing, and every beginning of a label of several tokens."""
    return sorted(
        {label[:k] for label in labels for k in range(len(label))}, key=lambda c: (len(c), c)
    )


def label_tokens(tokenizer: Any, labels: Sequence[str]) -> list[Tokens]:
    """Tokens of each label as an answer: behind a chat template as it is, behind the plain form after a space."""
    lead = "" if tokenizer.chat_template else " "
    return [
        tuple(tokenizer(lead + label, add_special_tokens=False)["input_ids"]) for label in labels
    ]


def label_shares(logs: Sequence[float], longer: Sequence[Sequence[int]]) -> FloatArray:
    """The probability of each label over all labels of an ask.

    Args:
        logs: Log-probability of going on with each label.
        longer: For each label, the places of those that it begins, as `begun_by` gives them: they
            are taken out of it.

    Returns:
        Shares, summing to 1.

    >>> label_shares([-1.0, -1.0, -2.0], [[2], [], []]).round(2).tolist()  # labels 1, 2 and 10
    [0.32, 0.5, 0.18]
    """
    chance = np.exp(np.array(logs) - max(logs))
    own = np.array(
        [max(chance[i] - chance[list(others)].sum(), 0.0) for i, others in enumerate(longer)]
    )
    shares: FloatArray = own / own.sum()
    return shares


def begun_by(labels: Sequence[Tokens]) -> list[list[int]]:
    """For each label, the places of the labels that it begins: 1 begins 10 where digits are tokens.

    >>> begun_by([(5,), (6,), (5, 4)])
    [[2], [], []]
    """
    return [
        [
            j
            for j, other in enumerate(labels)
            if len(other) > len(label) and other[: len(label)] == label
        ]
        for label in labels
    ]


def _reply(ask: Ask, labels: Sequence[Tokens], found: dict[Tokens, Any], longest: int) -> Reply:
    if any(chances is None for chances in found.values()):
        return Reply(
            "", failure=f"the prompt is longer than the {longest} tokens that the model takes"
        )
    logs = [sum(found[label[:k]][label[k]] for k in range(len(label))) for label in labels]
    own = label_shares(logs, begun_by(labels))
    probs = np.empty(len(labels))
    probs[list(ask.order)] = own
    return Reply(ask.labels[int(own.argmax())], tuple(probs.tolist()))


def _groups(rows: Sequence[Tokens], places: Sequence[int]) -> Iterator[tuple[Tokens, list[int]]]:
    """Rows that begin alike, with what they have in common, at least one token of each row left to read."""
    group: list[int] = []
    common: Tokens = ()
    for i in sorted(places, key=lambda i: rows[i]):
        shared = _common(common or rows[i][:-1], rows[i][:-1])
        if group and len(shared) < max(_WORTH, len(common) // 2):
            yield (common if len(group) > 1 else ()), group
            group, shared = [], rows[i][:-1]
        group.append(i)
        common = shared
    if group:
        yield (common if len(group) > 1 else ()), group


def _common(first: Tokens, second: Tokens) -> Tokens:
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False))
    return tuple(token for token, _ in same)
