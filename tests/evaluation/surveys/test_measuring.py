"""Answers whose every number is known."""

from collections.abc import Sequence

import numpy as np
import pytest

from pluralign.core import (
    AnswerDistribution,
    NotEnoughData,
    RecordedAnswer,
    Survey,
    SurveyQuestion,
    Tally,
)
from pluralign.evaluation.surveys import AnswerTable, Peoples, ReadAnswer, SurveySums, read_all
from pluralign.surveying.survey_evaluation import measure

OPTIONS = ("Very", "Rather", "Little", "Not")
N = 40
RNG = np.random.default_rng(0)


def shares_of(gold: int) -> tuple[float, ...]:
    return tuple(0.7 if i == gold else 0.1 for i in range(4))


GOLD = {c: [int(x) for x in RNG.integers(0, 4, N)] for c in ("~hill", "~river", "~coast")}
QUESTIONS = {
    f"q{i}": SurveyQuestion(f"q{i}", f"Question {i}?", OPTIONS, ordered=True) for i in range(N)
}
SURVEY = Survey(
    "planted",
    QUESTIONS,
    tuple(
        AnswerDistribution(f"q{i}", c, shares_of(g))
        for c, golds in GOLD.items()
        for i, g in enumerate(golds)
    ),
)


def said(
    options: Sequence[int | None],
    community: str | None,
    strategy: str = "culture_aware",
    model: str = "m",
    **more: object,
) -> list[RecordedAnswer]:
    texts = ["I would rather not say." if o is None else str(o + 1) for o in options]
    return [
        RecordedAnswer(model, strategy, community, f"q{i}", text, **more)  # type: ignore[arg-type]
        for i, text in enumerate(texts)
    ]


def numbers(
    answers: Sequence[RecordedAnswer], communities: Sequence[str] = tuple(GOLD)
) -> dict[tuple[object, ...], float]:
    read = read_all(answers, SURVEY, "strict", "auto", Tally())
    rows, _, _ = measure(read, SURVEY, communities, Tally(), seed=0, draws=200)
    return {(r["metric"], r["model"], r["strategy"], r["community"]): r["value"] for r in rows}


def everybody(strategy: str = "culture_aware", model: str = "m") -> list[RecordedAnswer]:
    return [a for c, golds in GOLD.items() for a in said(golds, c, strategy, model)]


def test_the_peoples_own_answers_score_full_marks_and_rank_first() -> None:
    found = numbers(everybody())
    for community in GOLD:
        assert found["cultural_alignment_score", "m", "culture_aware", community] == 100
        assert found["exact_accuracy", "m", "culture_aware", community] == 1
        assert found["target_rank", "m", "culture_aware", community] == 1
    for metric in (
        "pairwise_diversity",
        "structural_diversity",
        "majority_choice_rate",
        "answer_diversity",
    ):
        assert (
            found[metric, "m", "culture_aware", None]
            == found[metric, "people: m", "culture_aware", None]
        )
    assert found["spread_ratio", "m", "culture_aware", None] == pytest.approx(1)


def test_a_respondent_that_gives_all_one_peoples_answers_is_flat_and_ranks_the_others_last() -> (
    None
):
    found = numbers([a for c in GOLD for a in said(GOLD["~river"], c)])
    assert found["pairwise_diversity", "m", "culture_aware", None] == 0
    assert found["spread_ratio", "m", "culture_aware", None] == 0
    assert found["majority_choice_rate", "m", "culture_aware", None] == 1
    assert found["target_rank", "m", "culture_aware", "~river"] == 1
    assert found["target_rank", "m", "culture_aware", "~hill"] > 1
    assert found["culture_effect", "m", "culture_aware", None] == 0


def test_refusals_are_counted_and_never_scored() -> None:
    half = [None if i % 2 else g for i, g in enumerate(GOLD["~hill"])]
    found = numbers(said(half, "~hill"), ["~hill"])
    assert found["refusal_rate", "m", "culture_aware", "~hill"] == 0.5
    assert found["cultural_alignment_score", "m", "culture_aware", "~hill"] == 100


def test_answers_that_name_no_community_are_compared_with_every_people() -> None:
    found = numbers(said(GOLD["~river"], None, "culture_unaware"))
    assert found["exact_accuracy", "m", "culture_unaware", "~river"] == 1
    agree = np.mean([a == b for a, b in zip(GOLD["~river"], GOLD["~hill"], strict=True)])
    assert found["exact_accuracy", "m", "culture_unaware", "~hill"] == pytest.approx(agree)


def test_similarity_is_that_of_the_distribution_where_probabilities_are_measured() -> None:
    exact = [
        RecordedAnswer("m", "culture_aware", "~hill", f"q{i}", str(g + 1), probs_O=shares_of(g))
        for i, g in enumerate(GOLD["~hill"])
    ]
    found = numbers(exact, ["~hill"])
    assert found["similarity", "m", "culture_aware", "~hill"] == pytest.approx(1)
    assert found["wasserstein", "m", "culture_aware", "~hill"] == pytest.approx(0)
    sure = numbers(said(GOLD["~hill"], "~hill"), ["~hill"])
    assert sure["similarity", "m", "culture_aware", "~hill"] < 0.8


def test_differences_use_only_questions_that_both_answered_readably() -> None:
    first = said(GOLD["~hill"], "~hill", model="a")
    wrong = [(g + 1) % 4 for g in GOLD["~hill"]]
    second = said(
        [
            None if i < 20 else g if i < 30 else w
            for i, (g, w) in enumerate(zip(GOLD["~hill"], wrong, strict=True))
        ],
        "~hill",
        model="b",
    )
    read = read_all(first + second, SURVEY, "strict", "auto", Tally())
    _, comparisons, _ = measure(read, SURVEY, ["~hill"], Tally(), seed=0, draws=200)
    (row,) = [r for r in comparisons if r["metric"] == "exact_accuracy" and r["model"] == "b"]
    assert (row["value"], row["n"], row["baseline_model"]) == (-0.5, 20, "a")
    assert row["low"] < row["value"] < row["high"] < 0


def test_a_flattening_is_seen_in_paired_differences_of_diversity() -> None:
    flat = [
        a for c in GOLD for a in said(GOLD["~river"] if c == "~coast" else GOLD[c], c, model="flat")
    ]
    read = read_all(everybody(model="start") + flat, SURVEY, "strict", "auto", Tally())
    _, comparisons, _ = measure(read, SURVEY, tuple(GOLD), Tally(), seed=0, draws=300)
    rows = {r["metric"]: r for r in comparisons if r["community"] is None and r["model"] == "flat"}
    for metric in (
        "pairwise_diversity",
        "structural_diversity",
        "answer_diversity",
        "spread_ratio",
    ):
        assert rows[metric]["high"] < 0, metric
    assert rows["majority_choice_rate"]["low"] > 0
    same = read_all(
        everybody(model="start") + everybody(model="again"), SURVEY, "strict", "auto", Tally()
    )
    _, nothing, _ = measure(same, SURVEY, tuple(GOLD), Tally(), seed=0, draws=100)
    assert {r["value"] for r in nothing} == {0.0}


def test_position_order_and_wording_effects_are_seen_where_they_are_and_not_elsewhere() -> None:
    own, turned = (0, 1, 2, 3), (3, 2, 1, 0)
    steady = said(GOLD["~hill"], "~hill", order=own) + [
        RecordedAnswer(
            "m",
            "culture_aware",
            "~hill",
            f"q{i}",
            str(4 - g),
            order=turned,
            labels=("1", "2", "3", "4"),
        )
        for i, g in enumerate(GOLD["~hill"])
    ]
    found = numbers(steady, ["~hill"])
    assert found["order_effect", "m", "culture_aware", None] == 0
    assert abs(found["position_bias", "m", "culture_aware", None]) < 0.1
    first = [
        RecordedAnswer(
            "m", "culture_aware", "~hill", f"q{i}", "1", order=o, labels=("1", "2", "3", "4")
        )
        for i in range(N)
        for o in (own, turned)
    ]
    found = numbers(first, ["~hill"])
    assert found["order_effect", "m", "culture_aware", None] == 1
    assert found["position_bias", "m", "culture_aware", None] == pytest.approx(0.75)
    worded = said(GOLD["~hill"], "~hill") + said(
        [(g + 1) % 4 for g in GOLD["~hill"]], "~hill", variant="form"
    )
    assert numbers(worded, ["~hill"])["paraphrase_effect", "m", "culture_aware", None] == 1
    spoken = said(GOLD["~hill"], "~hill") + said(
        [(g + 1) % 4 for g in GOLD["~hill"]], "~hill", language="es"
    )
    found = numbers(spoken, ["~hill"])
    assert found["language_effect", "m", "culture_aware", None] == 1
    assert ("paraphrase_effect", "m", "culture_aware", None) not in found


def test_reference_points_keep_their_order() -> None:
    found = numbers(everybody())
    points = [
        found["cultural_alignment_score", name, None, None]
        for name in ("worst possible", "random", "mid-scale", "rounded mean")
    ]
    assert points == sorted(points)


def test_unusable_answers_are_listed_and_counted() -> None:
    one = SurveyQuestion("one", "?", ("Yes",))
    survey = Survey("s", QUESTIONS | {"one": one}, SURVEY.distributions)
    tally = Tally()
    extra = [RecordedAnswer("m", "s", "~hill", q, "1") for q in ("Q999", "one")]
    read = read_all(said(GOLD["~hill"], "~hill") + extra, survey, "strict", "auto", tally)
    assert len(read) == N
    assert tally.dropped == {"unknown question: Q999": 1, "question with one option: one": 1}
    with pytest.raises(NotEnoughData, match="no answer is to a question"):
        read_all(extra[:1], survey, "strict", "auto", Tally())
    with pytest.raises(NotEnoughData, match="no answer can be read"):
        read_all(said([None] * N, "~hill"), survey, "strict", "auto", Tally())


def test_a_question_without_gold_is_left_out_of_the_score_and_noted() -> None:
    survey = Survey(
        "s",
        QUESTIONS,
        tuple(d for d in SURVEY.distributions if (d.question, d.community) != ("q0", "~hill")),
    )
    wrong_there = [3 if i == 0 else g for i, g in enumerate(GOLD["~hill"])]
    read, tally = read_all(said(wrong_there, "~hill"), survey, "strict", "auto", Tally()), Tally()
    rows, _, _ = measure(read, survey, ["~hill"], tally, seed=0, draws=50)
    (row,) = [
        r
        for r in rows
        if r["metric"] == "exact_accuracy" and r["community"] == "~hill" and r["model"] == "m"
    ]
    assert (row["value"], row["n"]) == (1, N - 1)
    assert tally.notes == {"question without gold in ~hill": 1}


def test_shares_that_do_not_sum_to_one_are_compared_among_those_who_answered() -> None:
    half = Survey("s", QUESTIONS, (AnswerDistribution("q0", "~hill", (0.35, 0.05, 0.05, 0.05)),))
    peoples = Peoples.of(half, ["q0"], ["~hill"], Tally())
    np.testing.assert_allclose(peoples.probs_C_Q_O[0, 0], [0.7, 0.1, 0.1, 0.1])


def test_numbering_is_recognised_by_the_answers_and_by_labels_where_rows_have_them() -> None:
    zero = Survey(
        "z",
        {
            f"q{i}": SurveyQuestion(f"q{i}", "?", OPTIONS, ("0", "1", "2", "3"), True)
            for i in range(N)
        },
        SURVEY.distributions,
    )
    from_one = [
        RecordedAnswer("one", "s", "~hill", f"q{i}", f"\\boxed{{{g + 1}}}")
        for i, g in enumerate(GOLD["~hill"])
    ]
    by_code = [
        RecordedAnswer("code", "s", "~hill", f"q{i}", str(g)) for i, g in enumerate(GOLD["~hill"])
    ]
    tally = Tally()
    read = read_all(from_one + by_code, zero, "strict", "auto", tally)
    assert [r.number for r in read] == GOLD["~hill"] * 2
    assert sum("options taken as numbered" in note for note in tally.notes) == 2
    told = [
        RecordedAnswer(
            "told", "s", "~hill", "q0", "B", labels=("A", "B", "C", "D"), order=(3, 2, 1, 0)
        )
    ]
    assert read_all(told, zero, "strict", "auto", Tally())[0].number == 2
    published = read_all(from_one, zero, "published", "codes", Tally())
    assert [r.number for r in published] == [g + 1 for g in GOLD["~hill"]]


def test_the_first_ask_of_a_question_is_the_base() -> None:
    rows = said(GOLD["~hill"], "~hill") + said(
        [(g + 1) % 4 for g in GOLD["~hill"]], "~hill", draw=1
    )
    table = AnswerTable.of(read_all(rows, SURVEY, "strict", "auto", Tally()), list(QUESTIONS))
    assert table.base_values([0], N).tolist() == [GOLD["~hill"]]


def test_scores_do_not_depend_on_the_order_of_the_answers() -> None:
    rows = everybody()
    turned = [rows[i] for i in RNG.permutation(len(rows))]
    assert numbers(rows) == pytest.approx(numbers(turned))


def test_an_answer_keeps_a_number_that_no_option_has_only_for_the_published_score() -> None:
    read = ReadAnswer(RecordedAnswer("m", "s", None, "q0", "9"), 9)
    assert read.option(QUESTIONS["q0"]) is None


def test_sums_of_a_profile_are_those_of_its_answers_alone() -> None:
    read = read_all(said(GOLD["~hill"], "~hill"), SURVEY, "strict", "auto", Tally())
    table = AnswerTable.of(read, list(QUESTIONS))
    scored = SurveySums.of(
        table, Peoples.of(SURVEY, list(QUESTIONS), ["~hill"], Tally()), np.ones((1, N))
    )
    assert scored.series("exact_accuracy").value_S.tolist() == [1]
