import time

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binomtest

from pluralign.core import InvalidInput, NotEnoughData, UnknownCommunity, rng_for
from pluralign.metrics import pairwise_accuracy
from pluralign.simulation import (
    PlantedBias,
    PlantedTaste,
    SimulatedCommunity,
    Society,
    default_society,
    read_traits,
)


def alone(taste=None, **settings):
    """A society of one community of equally reliable people."""
    settings = {"reliability_sd": 0.0} | settings
    return Society((SimulatedCommunity("~river", PlantedTaste(taste or {}), **settings),))


def wins_of_longer(pairs):
    words = [(len(p.chosen.split()), len(p.rejected.split())) for p in pairs]
    return binomtest(sum(c > r for c, r in words), sum(c != r for c, r in words))


def shown_first(pairs):
    return binomtest(sum(p.extra["first"] == "chosen" for p in pairs), len(pairs))


def test_choices_follow_the_planted_sigmoid():
    society = alone({"family": 1.2, "money": -0.7, "warm": 0.4})
    pairs = society.pairs(20_000, rng_for(0))
    first = [p.chosen if p.extra["first"] == "chosen" else p.rejected for p in pairs]
    second = [p.rejected if p.extra["first"] == "chosen" else p.chosen for p in pairs]
    chance = expit(society.utilities(first, "~river") - society.utilities(second, "~river"))
    took_first = np.array([p.extra["first"] == "chosen" for p in pairs])
    for low in np.arange(0, 1, 0.1):
        here = (chance >= low) & (chance < low + 0.1)
        error = np.sqrt((chance[here] * (1 - chance[here])).sum()) / here.sum()
        assert took_first[here].mean() == pytest.approx(chance[here].mean(), abs=4 * error)


def test_without_a_taste_everything_is_a_coin_toss():
    pairs = alone().pairs(4000, rng_for(0))
    assert wins_of_longer(pairs).pvalue > 1e-3
    assert shown_first(pairs).pvalue > 1e-3
    z = read_traits([p.chosen for p in pairs], ["family"]) - read_traits(
        [p.rejected for p in pairs], ["family"]
    )
    assert abs(z.mean()) < 0.06
    assert alone().best_possible_accuracy(pairs) == 0.5


def test_length_bias_shows_only_where_it_is_planted():
    swayed = SimulatedCommunity("~coast", PlantedTaste({}), PlantedBias(length=1.5))
    fair = SimulatedCommunity("~river", PlantedTaste({}))
    pairs = Society((swayed, fair)).pairs(3000, rng_for(0))
    assert wins_of_longer([p for p in pairs if p.community == "~coast"]).statistic > 0.6
    assert wins_of_longer([p for p in pairs if p.community == "~river"]).pvalue > 1e-3
    assert all(
        shown_first([p for p in pairs if p.community == c]).pvalue > 1e-3
        for c in ("~coast", "~river")
    )


def test_position_bias_shows_only_where_it_is_planted():
    swayed = SimulatedCommunity("~marsh", PlantedTaste({}), PlantedBias(position=0.5))
    fair = SimulatedCommunity("~river", PlantedTaste({}))
    pairs = Society((swayed, fair)).pairs(3000, rng_for(0))
    assert shown_first([p for p in pairs if p.community == "~marsh"]).statistic == pytest.approx(
        expit(0.5), abs=0.03
    )
    assert shown_first([p for p in pairs if p.community == "~river"]).pvalue > 1e-3
    assert wins_of_longer(pairs).pvalue > 1e-3


def test_the_true_taste_reaches_the_ceiling():
    society = alone(
        {"family": 1.2, "money": -0.7, "warm": 0.4}, taste_sd=0.5, reliability_sd=0.5, n_raters=300
    )
    pairs = society.pairs(20_000, rng_for(0))
    ceiling = society.best_possible_accuracy(pairs)
    margins = society.utilities([p.chosen for p in pairs], "~river")
    margins -= society.utilities([p.rejected for p in pairs], "~river")
    assert pairwise_accuracy(margins) == pytest.approx(ceiling, abs=0.012)
    assert 0.6 < ceiling < 0.8


def test_the_margin_of_a_pair_changes_sign_with_the_pair_and_depends_on_who_judges():
    society = default_society()
    pair = society.pairs({"~hill": 1}, rng_for(3))[0]
    hill, river = (society.true_margin(pair, c) for c in ("~hill", "~river"))
    assert hill != river
    shares = society.shares
    world = sum(shares[c] * society.true_margin(pair, c) for c in shares)
    assert society.true_margin(pair, "~world") == pytest.approx(world)


def test_raters_differ_in_reliability_and_taste_as_planted_and_stay_the_same_people():
    society = alone({"warm": 1.0}, n_raters=4000, reliability=2.0, reliability_sd=0.4, taste_sd=0.3)
    people = society.raters("~river")
    assert np.log(people.reliability_R).mean() == pytest.approx(np.log(2), abs=0.03)
    assert np.log(people.reliability_R).std() == pytest.approx(0.4, abs=0.02)
    assert people.taste_R_D.std(axis=0) == pytest.approx(0.3, abs=0.02)
    np.testing.assert_array_equal(society.raters("~river").taste_R_D, people.taste_R_D)
    assert people.ids[12] == "~river/r012"


def test_the_world_panel_is_drawn_in_proportion_to_population():
    big = SimulatedCommunity("~river", PlantedTaste({"warm": 1.0}), population=3)
    small = SimulatedCommunity("~hill", PlantedTaste({"warm": -1.0}), population=1)
    society = Society((big, small), panel=2000)
    assert (society.raters("~world").taste_R_D.max(axis=1) > 0).mean() == pytest.approx(
        0.75, abs=0.04
    )
    pairs = society.pairs({"~world": 50}, rng_for(0))
    assert {p.community for p in pairs} == {"~world"}
    assert all(p.rater.startswith("~world/r") for p in pairs)


def test_a_number_for_all_leaves_the_world_panel_out():
    pairs = default_society().pairs(3, rng_for(0))
    assert [p.community for p in pairs] == [c for c in default_society().shares for _ in range(3)]
    assert len({p.id for p in pairs}) == len(pairs)


def test_the_same_seed_gives_the_same_pairs():
    assert default_society(1).pairs(20, rng_for(5)) == default_society(1).pairs(20, rng_for(5))
    assert default_society(1).pairs(20, rng_for(5)) != default_society(1).pairs(20, rng_for(6))
    assert default_society(1).pairs(20, rng_for(5)) != default_society(2).pairs(20, rng_for(5))


def test_ten_thousand_pairs_take_about_a_second():
    start = time.process_time()
    assert len(default_society().pairs({"~world": 10_000}, rng_for(0))) == 10_000
    assert time.process_time() - start < 3  # about 0.3 s of the processor


@pytest.mark.parametrize(
    "settings",
    [
        {"communities": ()},
        {"communities": (SimulatedCommunity("~river", PlantedTaste({})),) * 2},
        {"communities": (SimulatedCommunity("~world", PlantedTaste({})),)},
        {"communities": (SimulatedCommunity("~river", PlantedTaste({})),), "traits": ("thrift",)},
        {
            "communities": (SimulatedCommunity("~river", PlantedTaste({"warm": 1})),),
            "traits": ("money",),
        },
        {"communities": (SimulatedCommunity("~river", PlantedTaste({}), population=0),)},
        {"communities": (SimulatedCommunity("~river", PlantedTaste({})),), "panel": 0},
    ],
)
def test_a_society_that_cannot_be_is_refused(settings):
    with pytest.raises(InvalidInput):
        Society(**settings)


def test_people_that_cannot_be_are_refused():
    with pytest.raises(InvalidInput, match="community id"):
        SimulatedCommunity("River", PlantedTaste({}))
    with pytest.raises(InvalidInput, match="~river"):
        SimulatedCommunity("~river", PlantedTaste({}), n_raters=0)
    with pytest.raises(InvalidInput, match="finite"):
        PlantedTaste({"warm": float("nan")})


def test_asking_for_what_is_not_there_is_refused():
    society = default_society()
    with pytest.raises(UnknownCommunity, match=r"~river, .*~world"):
        society.pairs({"~atlantis": 1}, rng_for(0))
    with pytest.raises(InvalidInput, match="got -1"):
        society.pairs(-1, rng_for(0))
    with pytest.raises(NotEnoughData):
        society.best_possible_accuracy([])
