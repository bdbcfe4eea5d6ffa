import csv
import gzip

import numpy as np
import pytest

from pluralign.core import InvalidInput, NotEnoughData, rng_for
from pluralign.metrics import human_ceiling, krippendorff_alpha

_ = float("nan")
# Krippendorff, "Computing Krippendorff's alpha-reliability" (2011), example C: four observers,
# twelve units.
EXAMPLE = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
]


@pytest.mark.parametrize(
    ("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_krippendorffs_own_example_comes_out(level, alpha):
    assert krippendorff_alpha(EXAMPLE, level) == pytest.approx(alpha, abs=5e-4)


def test_krippendorffs_two_observer_examples_come_out():
    binary = [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]
    assert krippendorff_alpha(binary) == pytest.approx(0.095, abs=5e-4)
    nominal = [[1, 1, 2, 2, 4, 3, 3, 3, 5, 4, 4, 1], [2, 1, 2, 2, 2, 3, 3, 3, 5, 4, 4, 4]]
    assert krippendorff_alpha(nominal) == pytest.approx(0.692, abs=5e-4)


def test_alpha_does_not_depend_on_who_is_listed_first_or_on_names_of_nominal_values():
    ratings = np.array(EXAMPLE)
    order = rng_for(0).permutation(12)
    for level in ("nominal", "ordinal", "interval"):
        assert krippendorff_alpha(ratings[::-1][:, order], level) == pytest.approx(
            krippendorff_alpha(ratings, level)
        )
    assert krippendorff_alpha(-ratings * 7) == pytest.approx(krippendorff_alpha(ratings))
    assert krippendorff_alpha(ratings * 3 + 5, "interval") == pytest.approx(
        krippendorff_alpha(ratings, "interval")
    )


def test_chance_agreement_is_near_zero():
    assert krippendorff_alpha(rng_for(0).integers(3, size=(4, 4000))) == pytest.approx(0, abs=0.02)


def test_alpha_of_nothing_or_of_no_variation_is_an_error():
    with pytest.raises(NotEnoughData, match="two raters"):
        krippendorff_alpha([[1, _], [_, 2]])
    with pytest.raises(NotEnoughData, match="variation"):
        krippendorff_alpha([[1, 1], [1, 1]])
    with pytest.raises(InvalidInput, match="ratio"):
        krippendorff_alpha(EXAMPLE, "ratio")


def judged(p, items=400, raters=40, seed=0):
    """Every rater judges every item; a choice is 1 with the item's probability, p or 1 - p."""
    rng = rng_for(seed, "judged")
    item, rater = np.repeat(np.arange(items), raters), np.tile(np.arange(raters), items)
    likely = rng.random(items) < 0.5
    return item, (rng.random(item.size) < np.where(likely, p, 1 - p)[item]).astype(int), rater


def test_with_many_raters_the_ceiling_is_the_planted_one():
    ceiling = human_ceiling(*judged(0.8))
    assert ceiling.low <= 0.8 <= ceiling.high
    assert ceiling.value == pytest.approx(0.8, abs=0.01)
    assert (ceiling.n, ceiling.n_raters) == (400, 40)


def test_two_raters_reach_the_chance_that_they_agree():
    ceiling = human_ceiling(*judged(0.8, items=20_000, raters=2))
    assert ceiling.value == pytest.approx(0.8**2 + 0.2**2, abs=0.01)


def test_which_response_is_called_first_does_not_matter():
    item, choice, rater = judged(0.7, items=50, raters=5)
    assert human_ceiling(item, 1 - choice, rater) == human_ceiling(item, choice, rater)


def test_a_rater_who_judges_twice_is_not_their_own_company():
    with pytest.raises(NotEnoughData, match="two different raters"):
        human_ceiling(["i", "i", "j"], [1, 1, 0], ["ana", "ana", "ben"])


def test_a_tie_among_the_others_earns_half():
    ceiling = human_ceiling(["i"] * 3, [1, 0, 1], ["ana", "ben", "eve"])
    assert ceiling.value == pytest.approx((0.5 + 0 + 0.5) / 3)


def test_a_choice_other_than_one_of_two_is_refused():
    with pytest.raises(InvalidInput, match="neither 0 nor 1"):
        human_ceiling(["i", "i"], [1, 2], ["ana", "ben"])


@pytest.mark.shared
def test_people_of_the_global_dialogues_agree_beyond_chance(shared_data):
    with gzip.open(
        shared_data / "global_dialogues" / "gd6_global_votes.csv.gz", "rt", encoding="utf-8"
    ) as file:
        votes = [row for row in csv.DictReader(file) if row["vote"] in {"Thought A", "Thought B"}]
    chosen = [row["thought_a"] if row["vote"] == "Thought A" else row["thought_b"] for row in votes]
    couples = [sorted((row["thought_a"], row["thought_b"])) for row in votes]
    choice = [int(c == pair[1]) for c, pair in zip(chosen, couples, strict=True)]
    ceiling = human_ceiling(["|".join(c) for c in couples], choice, [r["rater_id"] for r in votes])
    assert 0.55 < ceiling.low < ceiling.high < 0.8
    assert ceiling.n > 300
