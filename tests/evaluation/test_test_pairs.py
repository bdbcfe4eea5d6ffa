from collections.abc import Callable, Sequence

import numpy as np
import pytest

from pluralign.core import FloatArray, NotEnoughData, PreferencePair, RewardRequest, Steer, rng_for
from pluralign.encoders import HashEncoder
from pluralign.evaluation import TestPairs, margins_by_steer, own_margins
from pluralign.rewards import EmbeddingTrunk, LengthReward, LinearRewardModel

PAIRS = [
    PreferencePair("a", "Tea?", "Yes, please", "No", "MEX", rater="ana"),
    PreferencePair("b", "Tea?", "No", "Yes, please", "GBR", rater="ben"),
    PreferencePair("c", "Rain?", "No", "Never, thanks", "GBR", rater="ben"),
]


class Counting(LinearRewardModel):
    """Remembers what it was asked."""

    asked: list[RewardRequest]

    def score_all(self, requests: Sequence[RewardRequest]) -> FloatArray:
        object.__setattr__(self, "asked", list(requests))
        return super().score_all(requests)


@pytest.fixture
def model() -> Counting:
    rng = rng_for(0, "heads")
    return Counting(
        EmbeddingTrunk(HashEncoder(16)),
        rng.normal(size=32),
        ("GBR", "MEX"),
        rng.normal(size=(2, 32)),
    )


def test_margins_are_those_of_the_model_under_each_steer(model: Counting) -> None:
    margins = margins_by_steer(model, PAIRS)
    assert list(margins) == ["GBR", "MEX"]
    for community, margin_N in margins.items():
        sides = [
            model.score(
                [RewardRequest(p.prompt, getattr(p, side)) for p in PAIRS], Steer.to(community)
            )
            for side in ("chosen", "rejected")
        ]
        np.testing.assert_allclose(margin_N, sides[0] - sides[1], atol=1e-12)


def test_each_distinct_text_is_scored_once(model: Counting) -> None:
    margins_by_steer(model, PAIRS)
    assert [(r.prompt, r.response) for r in model.asked] == [
        ("Tea?", "Yes, please"),
        ("Tea?", "No"),
        ("Rain?", "No"),
        ("Rain?", "Never, thanks"),
    ]


def test_a_model_that_does_not_steer_is_asked_once() -> None:
    margins = margins_by_steer(LengthReward(), PAIRS)
    assert list(margins) == [""]
    assert np.sign(margins[""]).tolist() == [1, -1, -1]


def test_no_pairs_are_an_error(model: Counting) -> None:
    with pytest.raises(NotEnoughData):
        margins_by_steer(model, [])
    with pytest.raises(NotEnoughData):
        TestPairs.of([], np.zeros(0))


def test_own_margins_are_those_under_the_steer_to_the_rater_s_community() -> None:
    judged = TestPairs.of(PAIRS, np.array([1.0, 2.0, 3.0]))
    margins = {"GBR": np.array([10.0, 20.0, 30.0])}
    assert own_margins(margins, judged).tolist() == [1.0, 20.0, 30.0]
    assert judged.reference_N.tolist() == [1.0, 2.0, 3.0]
    assert own_margins({"": np.array([7.0, 8.0, 9.0])}, judged).tolist() == [7.0, 8.0, 9.0]


def test_a_pair_without_a_rater_is_clustered_by_its_stem_and_the_others_by_their_raters() -> None:
    judged = TestPairs.of(PAIRS, np.zeros(3))
    assert (judged.cluster_N.tolist(), judged.raters) == (["ana", "ben", "ben"], True)
    assert judged.people() == 2
    mixed = [*PAIRS, PreferencePair("d", "Sun?", "Yes", "No", "GBR", stem="weather")]
    judged = TestPairs.of(mixed, np.zeros(4))
    assert judged.cluster_N.tolist() == ["ana", "ben", "ben", "weather"]
    assert judged.person_N.tolist() == [True, True, True, False]
    assert judged.people() == 2
    joined = TestPairs.join([judged, judged.take(np.array([3]))])
    assert joined.person_N.tolist() == [True, True, True, False, False]


def test_pairs_of_shares_are_clustered_by_stem_and_have_no_people() -> None:
    pairs = [PreferencePair(id_, "Sun?", "Yes", "No", "GBR", stem="weather") for id_ in "ab"]
    judged = TestPairs.of(pairs, np.zeros(2))
    assert (judged.raters, judged.people(), judged.nobody_N) == (False, None, None)
    assert judged.cluster_N.tolist() == ["weather"] * 2


def test_a_long_stem_costs_no_memory_and_stays_itself() -> None:
    long = [
        PreferencePair(str(i), "x" * 100_000 + end, "Yes", "No", "GBR")
        for i, end in enumerate(("", "", "y", "short"))
    ]
    cluster_N = TestPairs.of(long, np.zeros(4)).cluster_N
    assert cluster_N.nbytes < 10_000
    assert len(np.unique(cluster_N)) == 3
    assert cluster_N[0] == cluster_N[1]


def test_joined_repeats_keep_every_row(columns: Callable[..., TestPairs]) -> None:
    one = columns({"GBR": 3, "MEX": 2})
    both = TestPairs.join([one, one])
    assert len(both) == 2 * len(one)
    assert both.reference_N.tolist() == [*one.reference_N, *one.reference_N]
    assert both.raters
