"""Answer with the probability of each option's label instead of words, in one pass."""

import copy
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pluralign.core import Ask, FloatArray, Reply
from pluralign.respondents.local.chat import LocalChatModel, batches
from pluralign.respondents.local.generation import left_padded, positions

Tokens = tuple[int, ...]
_WORTH = 16


class LikelihoodRespondent:
    """Answers with the probability of every option.

    The probability of an option is the probability of its label as the continuation, relative to
    all labels of the ask. If a label is the prefix of another one (1 and 10), the probability of
    the longer label is subtracted from its own. A common prefix of prompts is read once.

    Args:
        model: The model.
        shares_prefix: Whether common prefixes are read once; the answers are the same without.
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
        """Fingerprint of the model."""
        return f"likelihood {self.model.fingerprint}"

    def answer(
        self, asks: Sequence[Ask], heard: Callable[[int, Reply], None] | None = None
    ) -> list[Reply]:
        """Answer with the label of the likeliest option; see `pluralign.core.ports.Respondent`."""
        replies: dict[int, Reply] = {}
        step = 256  # so that answers are recorded while others are still computed
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
        rows: list[Tokens] = []
        wanted: list[list[int]] = []
        for prompt, own, heads in zip(prompts, labels, contexts, strict=True):
            rows += [prompt + context for context in heads]
            wanted += [_next_tokens(context, own) for context in heads]
        fitting = [i for i, row in enumerate(rows) if len(row) <= self.model.longest]
        chances = self._next(rows, fitting, wanted)
        replies, row = [], 0
        for ask, own, heads in zip(asks, labels, contexts, strict=True):
            found = {context: chances.get(row + k) for k, context in enumerate(heads)}
            row += len(heads)
            replies.append(_reply(ask, own, found, self.model.longest))
        return replies

    def _next(
        self, rows: Sequence[Tokens], indices: Sequence[int], wanted: Sequence[list[int]]
    ) -> dict[int, dict[int, float]]:
        """Log-probabilities of the wanted tokens after each row."""
        found: dict[int, dict[int, float]] = {}
        for prefix, group in _groups(rows, indices) if self._shares else [((), list(indices))]:
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
        """Log-probabilities of the next token after each tail, shape (N, vocabulary)."""
        import torch

        model = self.model.loaded.model
        ids, mask = left_padded(tails, self.model.loaded.tokenizer.pad_token_id, model.device)
        places = positions(mask) + before
        more: dict[str, Any] = {"use_cache": False}
        if cache is not None:
            own = copy.deepcopy(cache)
            own.batch_repeat_interleave(len(tails))
            more = {"past_key_values": own, "use_cache": True}
            mask = torch.cat([mask.new_ones(len(tails), before), mask], dim=1)
        with torch.inference_mode():
            out = model(
                input_ids=ids, attention_mask=mask, position_ids=places, logits_to_keep=1, **more
            )
            return torch.log_softmax(out.logits[:, -1].float(), dim=-1)


def _contexts(labels: Sequence[Tokens]) -> list[Tokens]:
    """The proper prefixes of the labels, the empty one among them: they follow the prompt."""
    prefixes: set[Tokens] = set()
    for label in labels:
        prefixes.update(label[:k] for k in range(len(label)))
    return sorted(prefixes, key=lambda prefix: (len(prefix), prefix))


def _next_tokens(prefix: Tokens, labels: Sequence[Tokens]) -> list[int]:
    """The tokens that follow a prefix in labels."""
    size = len(prefix)
    longer = [label for label in labels if label[:size] == prefix and len(label) > size]
    return sorted({label[size] for label in longer})


def label_tokens(tokenizer: Any, labels: Sequence[str]) -> list[Tokens]:
    """Tokens of each label as an answer, with a space before it if there is no chat template."""
    lead = "" if tokenizer.chat_template else " "
    encoded = [tokenizer(lead + label, add_special_tokens=False) for label in labels]
    return [tuple(one["input_ids"]) for one in encoded]


def label_shares(logs: Sequence[float], longer: Sequence[Sequence[int]]) -> FloatArray:
    """The probability of each label over all labels of an ask.

    Args:
        logs: Log-probability of each label as the continuation.
        longer: For each label, the indices of the labels that it begins, as `begun_by` gives them;
            their probability is subtracted.

    Returns:
        Shares, summing to 1.

    >>> label_shares([-1.0, -1.0, -2.0], [[2], [], []]).round(2).tolist()  # labels 1, 2 and 10
    [0.32, 0.5, 0.18]
    """
    chance = np.exp(np.array(logs) - max(logs))
    rest = [chance[i] - chance[list(others)].sum() for i, others in enumerate(longer)]
    own = np.maximum(rest, 0.0)
    shares: FloatArray = own / own.sum()
    return shares


def begun_by(labels: Sequence[Tokens]) -> list[list[int]]:
    """For each label, the indices of the labels that it begins: 1 begins 10 if digits are tokens.

    >>> begun_by([(5,), (6,), (5, 4)])
    [[2], [], []]
    """
    found: list[list[int]] = []
    for label in labels:
        size = len(label)
        longer = [j for j, other in enumerate(labels) if len(other) > size]
        found.append([j for j in longer if labels[j][:size] == label])
    return found


def _log_probability(label: Tokens, found: Mapping[Tokens, Any]) -> Any:
    """The sum over the tokens of a label, each after the tokens before it."""
    return sum(found[label[:k]][label[k]] for k in range(len(label)))


def _reply(ask: Ask, labels: Sequence[Tokens], found: dict[Tokens, Any], longest: int) -> Reply:
    if any(chances is None for chances in found.values()):
        return Reply(
            "", failure=f"the prompt must have at most {longest} tokens for this model, got more"
        )
    logs = [_log_probability(label, found) for label in labels]
    own = label_shares(logs, begun_by(labels))
    probs = np.empty(len(labels))
    probs[list(ask.order)] = own
    return Reply(ask.labels[int(own.argmax())], tuple(probs.tolist()))


def _groups(rows: Sequence[Tokens], indices: Sequence[int]) -> Iterator[tuple[Tokens, list[int]]]:
    """Groups of rows with their common prefix, which leaves at least one token of each row."""
    group: list[int] = []
    common: Tokens = ()
    for i in sorted(indices, key=lambda i: rows[i]):
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
