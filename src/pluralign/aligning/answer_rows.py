"""Properties of the answers of the start model and of every policy, apart from their rewards."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from pluralign.aligning.result_rows import (
    START_MODEL,
    MeasuredPolicy,
    mean_row,
    share_change_row,
    share_row,
)
from pluralign.aligning.work import AlignWork
from pluralign.core import FloatArray, PolicyPrompt, RewardRequest
from pluralign.encoders import CachedEncoder
from pluralign.metrics import (
    distance_beyond_chance,
    distinct_share,
    lexical_distances,
    refuses,
    repeated_share,
    variety_within,
    vector_distances,
)
from pluralign.models import open_encoder
from pluralign.rewards import scorable

Texts = Sequence[Sequence[str]]
"""Answers of a policy, a list for each prompt."""
_WITHIN, _BETWEEN = "within_variety", "between_distance"
_WORDS = "_words"
_VALUES: Mapping[str, Callable[[str], float]] = {
    "refusals": lambda text: float(refuses(text)),
    "repetition": repeated_share,
}


@dataclass(frozen=True, slots=True)
class _Read:
    """Answers of a policy without what was thought before them.

    Attributes:
        texts: The answers, a list for each prompt; answers without words are left out.
        invalid_P: Share of answers that are left out, shape (P,).
        vectors: Their vectors, an array (n, D) for each prompt; empty without an encoder, and where
            all answers are left out.
    """

    texts: list[list[str]]
    invalid_P: FloatArray
    vectors: list[FloatArray]


def answer_rows(
    work: AlignWork, prompts: Sequence[PolicyPrompt], written: Mapping[MeasuredPolicy, Texts]
) -> Iterator[dict[str, Any]]:
    """Rows about the answers to the test prompts, with intervals over prompts.

    Args:
        work: The run.
        prompts: The prompts, P of them.
        written: Policy -> its answers; with the start model's.
    """
    vectors = _encoder(work)
    read = {policy: _read(prompts, texts, vectors) for policy, texts in written.items()}
    fewest = min(len(own) for texts in written.values() for own in texts)
    before, variety_before = read[START_MODEL], dict(_varieties(read[START_MODEL]))
    for policy, own in read.items():
        yield share_row(policy, "invalid", None, own.invalid_P)
        if policy != START_MODEL:
            yield share_change_row(policy, "invalid_change", before.invalid_P, own.invalid_P)
        yield from _level_and_change(policy, own, before)
        yield mean_row(policy, "distinct_n", None, _distinct(own, fewest))
        for metric, variety_P in _varieties(own):
            yield mean_row(policy, metric, None, variety_P)
            if policy != START_MODEL and metric in variety_before:
                changed_P = variety_P - variety_before[metric]
                yield mean_row(policy, f"{metric}_change", None, changed_P)
    yield from _between_rows(work.communities, read)


def value_of_answers(metric: str, texts: Texts) -> FloatArray:
    """A number about each answer, shape (P, N); nan where an answer is too short for it.

    Args:
        metric: ``refusals`` or ``repetition``.
        texts: Answers, N to each prompt.
    """
    return np.array([[_VALUES[metric](text) for text in own] for own in texts], dtype=np.float64)


ANSWER_METRICS = tuple(_VALUES)
"""Numbers about single answers."""


def _level_and_change(
    policy: MeasuredPolicy, own: _Read, before: _Read
) -> Iterator[dict[str, Any]]:
    for metric in ANSWER_METRICS:
        now_P = _means(metric, own.texts)
        yield share_row(policy, metric, None, now_P)
        if policy != START_MODEL:
            was_P = _means(metric, before.texts)
            yield share_change_row(policy, f"{metric}_change", was_P, now_P)


def _means(metric: str, texts: Texts) -> FloatArray:
    """Mean over the answers to each prompt that have a value; nan where none has."""
    of_prompts = [np.array([_VALUES[metric](text) for text in own]) for own in texts]
    known = [values[~np.isnan(values)] for values in of_prompts]
    return np.array([own.mean() if own.size else np.nan for own in known], dtype=np.float64)


def _distinct(own: _Read, fewest: int) -> FloatArray:
    """distinct-2 of equally many answers of every policy; nan where a prompt has fewer."""
    return np.array([distinct_share(t[:fewest]) if len(t) >= fewest else np.nan for t in own.texts])


def _varieties(own: _Read) -> Iterator[tuple[str, FloatArray]]:
    yield (
        f"{_WITHIN}{_WORDS}",
        np.array([variety_within(lexical_distances(texts, texts)) for texts in own.texts]),
    )
    if own.vectors:
        yield (
            _WITHIN,
            np.array([variety_within(vector_distances(one, one)) for one in own.vectors]),
        )


def _between_rows(
    communities: Sequence[str], read: Mapping[MeasuredPolicy, _Read]
) -> Iterator[dict[str, Any]]:
    """For each method: the distance of every two communities' policies, and the mean over them."""
    specific = [policy for policy in read if policy.steer in communities]
    for method in dict.fromkeys(policy.method for policy in specific):
        own = [policy for policy in specific if policy.method == method]
        found: dict[str, list[FloatArray]] = {}
        for first, second in combinations(own, 2):
            for metric, distance_P in _distances(read[first], read[second]):
                yield mean_row(first, metric, second.steer, distance_P)
                found.setdefault(metric, []).append(distance_P)
        for metric, distances in found.items():
            mean_P = np.mean(distances, axis=0)
            yield mean_row(MeasuredPolicy(method, None), metric, None, mean_P)


def _distances(first: _Read, second: _Read) -> Iterator[tuple[str, FloatArray]]:
    words = [
        distance_beyond_chance(
            lexical_distances(a, a), lexical_distances(b, b), lexical_distances(a, b)
        )
        for a, b in zip(first.texts, second.texts, strict=True)
    ]
    yield f"{_BETWEEN}{_WORDS}", np.array(words)
    if first.vectors and second.vectors:
        meant = [
            distance_beyond_chance(
                vector_distances(a, a), vector_distances(b, b), vector_distances(a, b)
            )
            for a, b in zip(first.vectors, second.vectors, strict=True)
        ]
        yield _BETWEEN, np.array(meant)


_Vectors = Callable[[Sequence[RewardRequest]], FloatArray]


def _read(prompts: Sequence[PolicyPrompt], texts: Texts, vectors: _Vectors | None) -> _Read:
    found: list[list[RewardRequest]] = []
    for prompt, own in zip(prompts, texts, strict=True):
        read = [scorable(RewardRequest(prompt.prompt, text)).request for text in own]
        found.append([request for request in read if request is not None])
    invalid = [1 - len(kept) / len(own) for kept, own in zip(found, texts, strict=True)]
    answers = [[request.response for request in own] for own in found]
    return _Read(answers, np.array(invalid), _by_prompt(found, vectors))


def _by_prompt(
    found: Sequence[Sequence[RewardRequest]], vectors: _Vectors | None
) -> list[FloatArray]:
    requests = [request for own in found for request in own]
    if vectors is None or not requests:
        return []
    vector_N_D = vectors(requests)
    return np.split(vector_N_D, np.cumsum([len(own) for own in found])[:-1])


def _encoder(work: AlignWork) -> _Vectors | None:
    """Vectors of answers by ``evaluate.encoder``, else by the reward model's own features.

    Of features, those of the response alone are taken where they are known. A reward model behind
    a server has none.
    """
    name = work.settings.evaluate.encoder
    if name is not None:
        encoder = CachedEncoder(open_encoder(name), progress=work.reporter.progress)
        return lambda requests: encoder.encode([one.response for one in requests])
    trunk = getattr(work.rewards.model, "trunk", None)
    if trunk is None:
        work.reporter.note(
            "the variety of answers is measured by their words alone: the reward model gives no "
            "features; evaluate.encoder names an encoder"
        )
        return None
    own = trunk.kinds.get("response", slice(None))
    return lambda requests: trunk.features(requests)[:, own]
