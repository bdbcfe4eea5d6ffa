from itertools import product

import numpy as np
import pytest

from pluralign.asking import load_strategy, put
from pluralign.core import InvalidInput, NotEnoughData, Survey, SurveyQuestion, Tally
from pluralign.methods.culturespa import (
    AnswerPair,
    agreement_with_people,
    collect_shifted,
    culture_map,
    pair_answers,
    shift_rates,
    take_fraction,
    tuning_rows,
)

RNG = np.random.default_rng


def pairs_of(aware: dict[str, list[int | None]], unaware: list[int | None]) -> list[AnswerPair]:
    return [
        AnswerPair(f"g{q}", c, unaware[q], option)
        for c, options in aware.items()
        for q, option in enumerate(options)
    ]


def test_a_skipped_question_shifts_no_other() -> None:
    """The published code pairs answers by their place in the list."""
    pairs = pair_answers(
        {"g0": 0, "g2": 2}, {("g0", "MEX"): 0, ("g1", "MEX"): 1, ("g2", "MEX"): 2}, tally := Tally()
    )
    assert [(p.question, p.shifted) for p in pairs] == [("g0", False), ("g2", False)]
    assert tally.dropped == {"no culture-unaware answer to the question": 1}


def test_only_readable_answers_that_differ_are_collected_and_the_rest_is_counted() -> None:
    tally = Tally()
    kept = collect_shifted(pairs_of({"MEX": [1, 1, None, 1]}, [0, 1, 0, None]), tally)
    assert [p.question for p in kept] == ["g0"]
    assert tally.kept + sum(tally.dropped.values()) == 4


def test_the_share_of_shifted_answers_counts_readable_questions_only() -> None:
    rate = shift_rates(pairs_of({"MEX": [1, 1, None, 0]}, [0, 1, 0, 0]))["MEX"]
    assert (rate.value, rate.n) == (pytest.approx(1 / 3), 3)
    assert 0 <= rate.low < rate.value < rate.high <= 1  # type: ignore[operator]
    with pytest.raises(NotEnoughData):
        shift_rates(pairs_of({"MEX": [None]}, [0]))


def test_a_smaller_fraction_is_part_of_a_larger_one() -> None:
    pairs = pairs_of({c: [1] * 40 for c in ("MEX", "NGA")}, [0] * 40)
    parts = [set(take_fraction(pairs, f, seed=3)) for f in (0.25, 0.5, 1.0)]
    assert [len(part) for part in parts] == [20, 40, 80]
    assert parts[0] < parts[1] < parts[2] == set(pairs)
    assert set(take_fraction(pairs, 0.25, seed=4)) != parts[0]
    with pytest.raises(InvalidInput):
        take_fraction(pairs, 0.0, seed=3)


def test_rows_teach_the_models_own_answer_to_the_words_that_named_the_culture() -> None:
    question = SurveyQuestion("g0", "Is work important?", ("Yes", "A little", "No"))
    asks = put(load_strategy("culture_aware"), Survey("s", {"g0": question}, ()), ["MEX", "NGA"])
    rows = tuning_rows([AnswerPair("g0", "NGA", 0, 2)], asks)
    assert (rows[0].answer, rows[0].community, rows[0].conversation) == (
        "3",
        "NGA",
        asks[1].conversation,
    )
    with pytest.raises(InvalidInput, match="g9"):
        tuning_rows([AnswerPair("g9", "NGA", 0, 2)], asks)


def planted_map() -> list[AnswerPair]:
    """Two pairs of twins: A and B shift alike, C and D shift alike, in another way."""
    rng = RNG(0)
    unaware = [0] * 120
    first, second = rng.integers(1, 4, 120), rng.integers(1, 4, 120)
    noise = {c: rng.random(120) < 0.15 for c in "ABCD"}
    rows = {"A": first, "B": first, "C": second, "D": second}
    return pairs_of(
        {
            f"~{c}": [int(x) if not n else 0 for x, n in zip(rows[c], noise[c], strict=True)]
            for c in "ABCD"
        },
        unaware,
    )


def test_the_map_finds_the_cultures_that_were_planted_alike() -> None:
    found = culture_map(planted_map())
    assert found.nearest() == {"~A": "~B", "~B": "~A", "~C": "~D", "~D": "~C"}
    assert {frozenset(found.communities[:2]), frozenset(found.communities[2:])} == {
        frozenset({"~A", "~B"}),
        frozenset({"~C", "~D"}),
    }
    twins, strangers = [], []
    for row in found.rows():
        assert row["low"] <= row["alike"] <= row["high"]
        (
            twins if {row["community"], row["other"]} in ({"~A", "~B"}, {"~C", "~D"}) else strangers
        ).append(row)
    assert min(r["low"] for r in twins) > max(r["high"] for r in strangers)


def test_the_map_is_symmetric_and_its_picture_puts_twins_together() -> None:
    found = culture_map(planted_map())
    np.testing.assert_allclose(found.alike_C_C, found.alike_C_C.T)
    assert (np.diag(found.alike_C_C) == 1).all()
    place = dict(zip(found.communities, found.place_C_2, strict=True))
    assert np.linalg.norm(place["~A"] - place["~B"]) < np.linalg.norm(place["~A"] - place["~C"]) / 2


def test_the_order_of_the_answers_does_not_matter() -> None:
    pairs = planted_map()
    shuffled = [pairs[i] for i in RNG(5).permutation(len(pairs))]
    one, other = culture_map(pairs), culture_map(shuffled)
    assert one.communities == other.communities
    np.testing.assert_allclose(one.alike_C_C, other.alike_C_C)


def test_the_map_agrees_with_people_who_are_alike_in_the_same_way_and_not_with_others() -> None:
    found = culture_map(planted_map())
    twins = {frozenset({"~A", "~B"}), frozenset({"~C", "~D"})}
    alike = {
        a: {b: float(frozenset({a, b}) in twins) for b in found.communities}
        for a in found.communities
    }
    unlike = {a: {b: -value for b, value in others.items()} for a, others in alike.items()}
    right, wrong = (agreement_with_people(found, people) for people in (alike, unlike))
    assert right.value > 0.7
    assert right.low <= right.value <= right.high <= 1
    assert (wrong.value, wrong.low) == pytest.approx((-right.value, -right.high))


@pytest.mark.parametrize("aware", [{"~A": [1, 1]}, {"~A": [0, 0], "~B": [0, 0]}])
def test_one_culture_or_nothing_shifted_makes_no_map(aware: dict[str, list[int | None]]) -> None:
    with pytest.raises(NotEnoughData):
        culture_map(pairs_of(aware, [0, 0]))


def test_two_cultures_make_a_map() -> None:
    found = culture_map(pairs_of({"~A": [1, 2, 0], "~B": [1, 0, 0]}, [0, 0, 0]))
    assert [(r["alike"], r["n"]) for r in found.rows()] == [(0.5, 2)]


def test_two_cultures_that_answer_alike_on_few_questions_may_differ_on_others() -> None:
    found = culture_map(pairs_of({"~A": [1] * 8, "~B": [1] * 8, "~C": [2] * 8}, [0] * 8))
    ends = {(r["community"], r["other"]): (r["low"], r["high"]) for r in found.rows()}
    alike = ends.get(("~A", "~B")) or ends["~B", "~A"]
    assert 0.5 < alike[0] < 0.7
    assert alike[1] == 1.0


def test_every_pair_of_communities_is_in_the_rows_once() -> None:
    rows = culture_map(planted_map()).rows()
    names = [frozenset({r["community"], r["other"]}) for r in rows]
    assert len(set(names)) == len(names) == len(list(product("AB", "CD"))) + 2
