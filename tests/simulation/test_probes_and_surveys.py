import numpy as np
import pytest
from scipy.stats import chisquare

from pluralign.core import (
    InvalidInput,
    NotEnoughData,
    Steer,
    SteerableRewardModel,
    pairs_from_survey,
    rng_for,
)
from pluralign.metrics import similarity
from pluralign.simulation import (
    TRAITS,
    PlantedReward,
    default_society,
    read_traits,
    recovered_taste,
    taste_correlation,
)


def test_a_probe_differs_in_its_trait_only():
    probes = default_society().probe(per_trait=6)
    assert len(probes) == 6 * len(TRAITS)
    for probe in probes:
        assert probe.positive.prompt == probe.negative.prompt
        shown, opposite = read_traits([probe.positive.response, probe.negative.response], TRAITS)
        assert [TRAITS[i] for i in np.flatnonzero(shown != opposite)] == [probe.trait]
        assert (shown - opposite).sum() == 2


def test_probing_the_planted_reward_recovers_each_planted_taste():
    society = default_society()
    probes, oracle = society.probe(), PlantedReward(society)
    positive, negative = (
        oracle.score_all([getattr(p, side) for p in probes]) for side in ("positive", "negative")
    )
    for column, home in enumerate(society.communities):
        found = recovered_taste(probes, positive[:, column], negative[:, column])
        assert taste_correlation(found, home.taste.weights) > 0.999
        if not home.bias.length:
            assert found == pytest.approx({t: home.taste.weights.get(t, 0) for t in TRAITS})


def test_probing_what_cannot_be_probed_is_refused():
    probes = default_society().probe(per_trait=1)
    with pytest.raises(NotEnoughData):
        recovered_taste([], np.array([]), np.array([]))
    with pytest.raises(InvalidInput, match="must have two scores, got 3"):
        recovered_taste(probes, np.zeros(3), np.zeros(3))
    with pytest.raises(InvalidInput, match="per_trait must be >= 1"):
        default_society().probe(per_trait=0)
    with pytest.raises(NotEnoughData):
        taste_correlation({"warm": 1, "money": 1, "faith": 1}, {"warm": 1})


def test_the_planted_reward_keeps_the_laws_of_steering():
    oracle = PlantedReward(default_society())
    assert isinstance(oracle, SteerableRewardModel)
    requests = [p.positive for p in default_society().probe(per_trait=2)]
    every, reference = oracle.score_all(requests), oracle.score(requests)
    for column, id_ in enumerate(oracle.communities):
        np.testing.assert_allclose(oracle.score(requests, Steer.to(id_)), every[:, column])
    half = oracle.score(requests, Steer.to("~hill", strength=0.5))
    np.testing.assert_allclose(half, (reference + oracle.score(requests, Steer.to("~hill"))) / 2)
    np.testing.assert_allclose(oracle.score(requests, Steer(default_society().shares)), reference)


def test_survey_shares_match_the_planted_softmax():
    society = default_society()
    survey = society.survey(30, 4000, rng_for(0))
    assert survey.communities == tuple(sorted(society.shares))
    p_values = []
    for d in survey.distributions:
        expected = society.true_shares(survey.questions[d.question], d.community) * d.n
        p_values.append(chisquare(np.array(d.probs_O) * d.n, expected).pvalue)
    assert min(p_values) > 1e-4
    assert np.mean(np.array(p_values) < 0.05) < 0.12


def test_neighbours_answer_alike_and_the_minority_does_not():
    society = default_society()
    questions = society.survey(60, 10, rng_for(0)).questions.values()

    def alike(one, other):
        return np.mean(
            [
                similarity(society.true_shares(q, one), society.true_shares(q, other))
                for q in questions
            ]
        )

    assert alike("~river", "~marsh") > alike("~river", "~hill") + 0.05


def test_a_survey_gives_pairs_and_half_of_its_questions_are_scales():
    survey = default_society().survey(10, 50, rng_for(1))
    assert [q.ordered for q in survey.questions.values()] == [True, False] * 5
    assert all(len(set(q.options)) == len(q.options) for q in survey.questions.values())
    assert len(list(pairs_from_survey(survey))) > 100
    assert survey == default_society().survey(10, 50, rng_for(1))


def test_the_world_answers_as_the_mean_of_its_people():
    society = default_society()
    question = next(iter(society.survey(1, 5, rng_for(0)).questions.values()))
    mixed = sum(s * society.true_shares(question, c) for c, s in society.shares.items())
    np.testing.assert_allclose(society.true_shares(question, "~world"), mixed)


def test_a_survey_of_nothing_is_refused():
    with pytest.raises(InvalidInput):
        default_society().survey(0, 10, rng_for(0))
    with pytest.raises(InvalidInput):
        default_society().survey(1, 0, rng_for(0))
