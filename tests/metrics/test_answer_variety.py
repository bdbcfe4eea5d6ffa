"""Variety of answers: policies that are the same have no distance, a planted one is found."""

import numpy as np
import pytest

from pluralign.metrics import (
    distance_beyond_chance,
    distinct_share,
    lexical_distances,
    repeated_share,
    variety_within,
    vector_distances,
    words_of,
)


def _answers(rng, favourite, n=6, share=0.0):
    """Answers of three of ten words; ``share`` of the first words are the policy's favourite."""
    words = [f"w{k}" for k in range(10)]
    answers = []
    for _ in range(n):
        own = rng.choice(words, 3, replace=False).tolist()
        answers.append(" ".join([favourite, *own[1:]] if rng.random() < share else own))
    return answers


def _mean_beyond_chance(share, prompts=400):
    rng = np.random.default_rng(0)
    found = []
    for _ in range(prompts):
        first, second = _answers(rng, "tea", share=share), _answers(rng, "rice", share=share)
        found.append(
            distance_beyond_chance(
                lexical_distances(first, first),
                lexical_distances(second, second),
                lexical_distances(first, second),
            )
        )
    return float(np.mean(found)), float(np.std(found) / np.sqrt(prompts))


def test_two_samples_of_one_policy_are_no_further_apart_than_chance():
    mean, error = _mean_beyond_chance(share=0.0)
    assert abs(mean) < 3 * error


def test_a_planted_difference_between_policies_is_found_and_grows_with_it():
    some, error = _mean_beyond_chance(share=0.5)
    whole, _ = _mean_beyond_chance(share=1.0)
    assert some > 5 * error
    assert whole > some


def test_the_distance_of_policies_does_not_depend_on_which_is_first():
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(4, 5)), rng.normal(size=(3, 5))
    one = vector_distances(first, first), vector_distances(second, second)
    between = vector_distances(first, second)
    assert distance_beyond_chance(*one, between) == pytest.approx(
        distance_beyond_chance(one[1], one[0], between.T)
    )


def test_equal_answers_have_no_variety_and_a_single_answer_has_none_to_measure():
    assert variety_within(lexical_distances(["tea"] * 3, ["tea"] * 3)) == 0
    assert np.isnan(variety_within(lexical_distances(["tea"], ["tea"])))
    assert np.isnan(distance_beyond_chance(np.zeros((1, 1)), np.zeros((2, 2)), np.ones((1, 2))))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ser o no ser.", ["ser", "o", "no", "ser"]),
        ("चाय पीजिए।", ["चाय", "पीजिए"]),
        ("ดื่มชา", list("ดื่มชา")),
        ("차를 마셔요", ["차를", "마셔요"]),
        ("… —!", []),
    ],
)
def test_words_are_found_in_every_script(text, words):
    assert words_of(text) == words


def test_a_loop_repeats_and_a_list_of_new_words_does_not():
    assert repeated_share("and then we go " * 20) > 0.9
    assert repeated_share(" ".join(f"w{k}" for k in range(50))) == 0


def test_distinct_n_falls_where_answers_are_copies():
    assert distinct_share(["drink hot tea now"] * 4) == pytest.approx(1 / 4)
    assert np.isnan(distinct_share(["tea", "rice"]))


def test_a_vector_of_zeros_has_no_distance():
    assert np.isnan(vector_distances(np.zeros((1, 3)), np.ones((2, 3)))).all()
