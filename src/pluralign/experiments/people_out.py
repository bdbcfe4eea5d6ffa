"""A person taken out of one repeat of a finished run: by a refit, or by one step for all."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from pluralign.core import FloatArray, IntArray, InvalidInput
from pluralign.evaluation import TestPairs, own_margins
from pluralign.experiments.finished_repeats import FinishedRepeat
from pluralign.experiments.linear_bench import LinearFit, UnsavedFit
from pluralign.experiments.repeats import judge, spoken_for
from pluralign.methods import Method, TrainingSet
from pluralign.rewards import EncodedPairs, LinearRewardModel
from pluralign.rewards.influence import heads_without


@dataclass(frozen=True, slots=True)
class TakenOut:
    """One person taken out of one repeat.

    Attributes:
        rater: Their id.
        community: A community in which they have training pairs.
        pairs: Number of these.
        without_n: Margins of the test pairs of this community without them, in logits, shape (n,).
        refitted: Whether the models were fitted again.
        elsewhere: Other community -> the largest change of a margin of its own test pairs; empty
            unless the models were fitted again.
    """

    rater: str
    community: str
    pairs: int
    without_n: FloatArray
    refitted: bool = False
    elsewhere: dict[str, float] = field(default_factory=dict)


def training_pairs(train: TrainingSet) -> Counter[tuple[str, str]]:
    """(Community, rater) -> training pairs."""
    pairs = train.encoded.pairs
    return Counter((p.community, p.rater) for p in pairs if p.rater is not None)


def by_refitting(
    repeat: FinishedRepeat,
    method: Method,
    raters: Iterable[str],
    judged: TestPairs,
    margin_N: FloatArray,
) -> Iterator[TakenOut]:
    """Take people out one at a time, by fitting reference and method again.

    Ridges and principal components stay those of the run.

    Args:
        repeat: The repeat.
        method: Any method of linear heads.
        raters: The people; a person without training pairs in this repeat is passed over.
        judged: Its test pairs.
        margin_N: Their margins with all people, each under its own community's steer, shape (N,).
    """
    counts = training_pairs(repeat.bench.train)
    for rater in raters:
        own = {community: n for (community, other), n in counts.items() if other == rater}
        if not own:
            continue
        bench = repeat.without(rater)
        alone = judge(repeat.test, bench.reference)
        without_N = own_margins(bench.fit(method).margins(repeat.test), alone)
        moved = _largest_changes(judged, without_N - margin_N)
        for community, pairs in own.items():
            elsewhere = {c: change for c, change in moved.items() if c != community}
            without_n = without_N[judged.community_N == community]
            yield TakenOut(rater, community, pairs, without_n, True, elsewhere)


def by_one_step(
    repeat: FinishedRepeat,
    method: Method,
    fitted: LinearFit | UnsavedFit,
    judged: TestPairs,
    margin_N: FloatArray,
) -> Iterator[TakenOut]:
    """Take each person out by one step of Newton's method, from one factorisation for a head.

    The weights that a method gives pairs stay as they are, also where the reference moves.

    Args:
        repeat: The repeat.
        method: A method that only weighs pairs.
        fitted: Its fit with all people.
        judged: Its test pairs.
        margin_N: As in `by_refitting`.

    Raises:
        InvalidInput: If choices are private: their loss is another one.
    """
    train = repeat.bench.train
    if train.flip_N.any():
        raise InvalidInput(
            "one step for all people is for choices that are not private",
            where=str(repeat.folder.path),
            hint="name people with --rater: the model is then fitted again without each",
        )
    assert isinstance(fitted, LinearFit), "a method that weighs pairs has linear heads"
    counts = training_pairs(train)
    people = sorted({rater for _, rater in counts})
    prior_R_D = _reference_steps(repeat, people)
    for community in np.unique(judged.community_N).tolist():
        own = [(k, rater) for k, rater in enumerate(people) if (community, rater) in counts]
        if not own:
            continue
        step_R_D = prior_R_D
        if community in fitted.model.communities:
            step_R_D = _head_steps(repeat, method, fitted.model, community, people, prior_R_D)
        if step_R_D is None:
            continue
        rows = np.flatnonzero(judged.community_N == community)
        step_P_D = step_R_D[[k for k, _ in own]]
        change_n_P = repeat.test.take(rows).margins(step_P_D.T)
        for p, (_, rater) in enumerate(own):
            without_n = margin_N[rows] + change_n_P[:, p]
            yield TakenOut(rater, community, counts[community, rater], without_n)


def _head_steps(
    repeat: FinishedRepeat,
    method: Method,
    model: LinearRewardModel,
    community: str,
    people: Sequence[str],
    prior_R_D: FloatArray | None,
) -> FloatArray:
    """How a community's head moves without each person, shape (R, D)."""
    train, config = repeat.bench.train, repeat.bench.config(method)
    own = train.of(*train.communities) if method.shared else train.of(community)
    assert method.weights is not None
    margin_n = own.encoded.margins(repeat.bench.reference.reference_D)
    weight_n = own.weight_N * method.weights(margin_n, config)
    head_D = model.heads()[model.communities.index(community)]
    unit_n = _numbers(own.encoded, people)
    prior_R_D = np.zeros((len(people), len(head_D))) if prior_R_D is None else prior_R_D
    return heads_without(own.encoded.features, head_D, config.ridge, unit_n, weight_n, prior_R_D)


def _reference_steps(repeat: FinishedRepeat, people: Sequence[str]) -> FloatArray | None:
    """How the reference moves without each person, shape (R, D); None where it was not fitted."""
    if repeat.reference_ridge is None:
        return None
    reference_D = repeat.bench.reference.reference_D
    own = spoken_for(repeat.bench.train, repeat.plan)
    unit_n = _numbers(own.encoded, people)
    still_R_D = np.zeros((len(people), len(reference_D)))
    return heads_without(
        own.encoded.features,
        reference_D,
        repeat.reference_ridge,
        unit_n,
        own.weight_N,
        still_R_D,
    )


def _numbers(encoded: EncodedPairs, people: Sequence[str]) -> IntArray:
    """The number of the person of each pair; -1 for a pair of nobody."""
    number = {rater: k for k, rater in enumerate(people)}
    found = [-1 if p.rater is None else number[p.rater] for p in encoded.pairs]
    return np.array(found, dtype=np.int64)


def _largest_changes(judged: TestPairs, change_N: FloatArray) -> dict[str, float]:
    """Community -> the largest change of a margin of its test pairs."""
    return {
        community: float(np.abs(change_N[judged.community_N == community]).max())
        for community in np.unique(judged.community_N).tolist()
    }
