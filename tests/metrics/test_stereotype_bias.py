"""KoBBQ's scores: laws, and answers whose scores follow by hand."""

import itertools

import numpy as np
import pytest

from pluralign.core import rng_for
from pluralign.metrics import StereotypeAnswer, StereotypeContext, stereotype_scores


def answers(
    context: StereotypeContext, right: int, biased: int, other: int = 0, templates: int = 10
) -> list[StereotypeAnswer]:
    """So many answers of each kind, spread over templates."""
    kinds = [(True, context == "biased")] * right + [(False, True)] * biased
    kinds += [(False, False)] * other
    return [
        StereotypeAnswer(f"{context}-{k}", f"t{k % templates}", context, *kind)
        for k, kind in enumerate(kinds)
    ]


def test_the_scores_follow_from_counts_by_hand() -> None:
    found = stereotype_scores(
        answers("ambiguous", right=50, biased=35, other=15)
        + answers("biased", right=45, biased=0, other=5)
        + answers("counter-biased", right=30, biased=18, other=2)
    )
    assert found.ambiguous_accuracy.value == 0.5
    assert found.ambiguous_bias.value == pytest.approx((35 - 15) / 100)
    assert found.disambiguated_accuracy.value == 75 / 100
    assert found.disambiguated_bias.value == pytest.approx(45 / 50 - 30 / 50)
    assert (found.ambiguous_bias.n, found.disambiguated_bias.n, found.templates) == (100, 100, 10)


@pytest.mark.parametrize("seed", range(20))
def test_no_bias_is_larger_than_the_accuracy_allows_and_its_interval_has_it(seed: int) -> None:
    rng = rng_for(seed, "stereotypes")
    open_ = answers("ambiguous", *map(int, rng.integers(1, 30, 3)))
    right, half = int(rng.integers(0, 31)), int(rng.integers(0, 31))
    clear = answers("biased", right, 0, 30 - right) + answers("counter-biased", half, 30 - half)
    found = stereotype_scores(open_ + clear)

    assert abs(found.ambiguous_bias.value) <= 1 - found.ambiguous_accuracy.value + 1e-12
    most = 1 - abs(2 * found.disambiguated_accuracy.value - 1)
    assert abs(found.disambiguated_bias.value) <= most + 1e-12
    for bias in (found.ambiguous_bias, found.disambiguated_bias):
        assert -1 <= bias.low <= bias.value <= bias.high <= 1


def test_the_order_of_answers_does_not_matter() -> None:
    given = answers("ambiguous", 5, 3, 2) + answers("biased", 4, 0, 2)
    given += answers("counter-biased", 3, 3)
    forward, back = (stereotype_scores(one) for one in (given, given[::-1]))
    assert forward.ambiguous_bias == back.ambiguous_bias
    ours, theirs = forward.disambiguated_bias, back.disambiguated_bias
    assert (ours.value, ours.low, ours.high) == pytest.approx(
        (theirs.value, theirs.low, theirs.high)
    )


def test_a_context_without_answers_has_no_score() -> None:
    found = stereotype_scores(answers("biased", right=4, biased=0, other=2))
    assert found.ambiguous_accuracy is None and found.ambiguous_bias is None
    assert found.disambiguated_accuracy is not None and found.disambiguated_bias is None


def test_answers_alike_within_a_template_give_a_wider_interval_than_independent_ones() -> None:
    alike = [
        StereotypeAnswer(f"{t}-{k}", f"t{t}", "ambiguous", t % 2 == 0, t % 2 == 1)
        for t, k in itertools.product(range(20), range(10))
    ]
    apart = [
        StereotypeAnswer(f"{t}-{k}", f"t{t}", "ambiguous", k % 2 == 0, k % 2 == 1)
        for t, k in itertools.product(range(20), range(10))
    ]
    wide, narrow = (stereotype_scores(one).ambiguous_bias for one in (alike, apart))
    assert wide.value == narrow.value == 0.5
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_intervals_of_the_bias_in_clear_contexts_contain_the_planted_one_in_most_draws() -> None:
    inside = 0
    for seed in range(200):
        rng, found = rng_for(seed, "planted bias"), []
        for t in range(40):
            of_template = float(np.clip(0.3 + 0.1 * rng.standard_normal(), 0, 1))
            for k, context in enumerate(["biased", "counter-biased"] * 2):
                wrong = context == "counter-biased" and rng.random() < of_template
                found.append(StereotypeAnswer(f"{t}-{k}", f"t{t}", context, not wrong, wrong))
        bias = stereotype_scores(found).disambiguated_bias
        inside += bias.low <= 0.3 <= bias.high
    assert inside >= 185
