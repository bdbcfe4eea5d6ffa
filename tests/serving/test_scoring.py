"""Many callers' requests in one pass are scored as each alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from pluralign.core import FloatArray, RewardRequest, Steer, rng_for
from pluralign.encoders import HashEncoder
from pluralign.rewards import EmbeddingTrunk, LinearRewardModel
from pluralign.runs import Refits
from pluralign.serving.scoring import LinearScorer, PartsScorer, ScoreRequest, scorer_of

COMMUNITIES = ("GBR", "MEX", "MEX/oaxaca")
STEERS = (
    None,
    Steer.to("MEX"),
    Steer.to("GBR", 2.0),
    Steer({"GBR": 0.25, "MEX/oaxaca": 0.5, "~world": 0.25}, 0.5),
    Steer.to("MEX", 0.0),
)
REQUESTS = tuple(RewardRequest(f"prompt {i % 3}", f"response number {i}") for i in range(12))


def made_model(seed: int, communities: Sequence[str] = COMMUNITIES) -> LinearRewardModel:
    trunk = EmbeddingTrunk(HashEncoder(dimensions=32))
    rng = rng_for(seed, "heads")
    heads = rng.normal(size=(1 + len(COMMUNITIES), trunk.dimensions))
    rows = [1 + COMMUNITIES.index(id_) for id_ in communities]
    return LinearRewardModel(trunk, heads[0], tuple(communities), heads[rows])


@pytest.fixture(scope="module")
def fits() -> tuple[LinearRewardModel, ...]:
    """Three fits; the last lacks a community."""
    return made_model(0), made_model(1), made_model(2, ("MEX/oaxaca", "GBR"))


@pytest.fixture(scope="module")
def scorer(fits: tuple[LinearRewardModel, ...]) -> LinearScorer:
    return LinearScorer(fits[0], Refits(fits, held_out=0.2, about="made up"))


def test_every_steer_of_every_fit_is_scored_as_the_fit_scores_it(
    scorer: LinearScorer, fits: tuple[LinearRewardModel, ...]
) -> None:
    (reward_B_N_S,) = scorer.score([ScoreRequest(REQUESTS, STEERS, repeated=True)])
    assert reward_B_N_S.shape == (3, 12, 5)
    for fit, reward_N_S in zip(fits, reward_B_N_S, strict=True):
        for steer, reward_N in zip(STEERS, reward_N_S.T, strict=True):
            asked = steer if steer and steer.strength else None
            lacks = asked is not None and not set(asked.shares) <= {*fit.communities, "~world"}
            expected = np.full(12, np.nan) if lacks else fit.score(REQUESTS, asked)
            assert reward_N == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_requests_of_others_change_nothing(scorer: LinearScorer) -> None:
    rng = rng_for(0, "callers")
    wanted = [
        ScoreRequest(
            tuple(REQUESTS[i] for i in rng.integers(12, size=rng.integers(1, 6))),
            tuple(STEERS[i] for i in rng.integers(5, size=rng.integers(1, 4))),
            bool(rng.integers(2)),
        )
        for _ in range(40)
    ]
    for one, found in zip(wanted, scorer.score(wanted), strict=True):
        assert found.shape == (3 if one.repeated else 1, len(one.requests), len(one.steers))
        assert found == pytest.approx(scorer.score([one])[0], abs=1e-9, nan_ok=True)


def test_a_model_that_is_steered_to_the_world_has_it_apart_from_the_reference() -> None:
    trunk = EmbeddingTrunk(HashEncoder(dimensions=32))
    heads = rng_for(3, "heads").normal(size=(2, trunk.dimensions))
    model = LinearRewardModel(trunk, heads[0], ("~world",), heads[1:])
    scorer = scorer_of(model, Refits((model,), 0.0, "alone"))
    (found,) = scorer.score([ScoreRequest(REQUESTS, (None, Steer.to("~world")))])
    assert found[0, :, 0] == pytest.approx(model.score(REQUESTS), abs=1e-9)
    assert found[0, :, 1] == pytest.approx(model.score(REQUESTS, Steer.to("~world")), abs=1e-9)


class Steered:
    """A model of any other kind: by length and strength."""

    communities = COMMUNITIES

    def score(self, requests: Sequence[RewardRequest], steer: Steer | None = None) -> FloatArray:
        return np.array(
            [len(one.response) + (steer.strength if steer else 0.0) for one in requests]
        )


def test_a_model_of_another_kind_is_asked_as_it_can_be() -> None:
    model: Any = Steered()
    scorer = scorer_of(model, Refits((), 0.0, "none"))
    assert isinstance(scorer, PartsScorer)
    wanted = [
        ScoreRequest(REQUESTS[:3], STEERS[:2], repeated=True),
        ScoreRequest(REQUESTS[3:], (STEERS[2],)),
    ]
    for one, found in zip(wanted, scorer.score(wanted), strict=True):
        expected = np.stack([model.score(one.requests, steer) for steer in one.steers], axis=1)
        assert np.array_equal(found, expected[None])
