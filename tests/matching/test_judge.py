from pathlib import Path

import pytest
from tests.matching.planted_judge import PlantedJudge

from pluralign.core import (
    AcceptedAnswer,
    InvalidInput,
    KnowledgeQuestion,
    KnowledgeTest,
    NotEnoughData,
    Reply,
    Tally,
    rng_for,
)
from pluralign.matching import JudgedMatching
from pluralign.matching.judge import judge_conversation, read_judgement
from pluralign.metrics import (
    FreeAnswer,
    LabelledAnswer,
    Match,
    held_out_labels,
    judge_agreement,
)
from pluralign.sources.judge_labels import read_judge_labels


def ask(id_: str = "fruit", **counts: int) -> KnowledgeQuestion:
    answers = counts or {"naranja": 4, "plátano": 2, "mango": 1}
    return KnowledgeQuestion(
        id_,
        "MEX",
        "es",
        {"es": "¿Qué fruta?"},
        tuple(AcceptedAnswer({"es": (text,)}, n) for text, n in answers.items()),
        topic="Food",
    )


def test_a_judge_decides_where_whole_answers_differ() -> None:
    judge = PlantedJudge()
    texts = ["Naranja", "mangos", "mandarina", "perro", "jugo de naranja", "", "musa"]
    found = JudgedMatching(judge).judge([FreeAnswer(text, ask(), "es") for text in texts])
    assert [judgement.match for judgement in found] == [
        Match(0, "exact"),
        Match(2, "stemmed"),
        Match(0, "judged"),
        None,
        None,  # it contains naranja, but the judge does not know it
        None,
        Match(1, "judged"),
    ]
    assert judge.asked == ["mandarina", "perro", "jugo de naranja", "musa"]
    assert [judgement.reply is None for judgement in found] == [
        True, True, False, False, False, True, False,
    ]  # fmt: skip


def test_the_judge_does_not_learn_which_answer_is_common() -> None:
    few, many = ask(naranja=1, mango=9), ask(naranja=9, mango=1)
    words = [judge_conversation(FreeAnswer("uva", q, "es"))[-1].content for q in (few, many)]
    assert words[0] == words[1]
    assert "1. mango\n2. naranja\n" in words[0]


@pytest.mark.parametrize(
    ("text", "match", "unread"),
    [
        ("2", Match(0, "judged"), ""),
        ("The number is 2.", Match(0, "judged"), ""),
        ("٢", Match(0, "judged"), ""),
        ("<think>1 or 3?</think>\n2", Match(0, "judged"), ""),
        ("0", None, ""),
        ("1 or 2", None, "not one number"),
        ("4", None, "not one number"),
        ("I do not know.", None, "not one number"),
        ("", None, "not one number"),
    ],
)
def test_a_reply_is_read_as_one_number_or_not_at_all(
    text: str, match: Match | None, unread: str
) -> None:
    found = read_judgement(FreeAnswer("mandarina", ask(), "es"), Reply(text))
    assert (found.match, found.unread) == (match, unread)


def test_a_failed_request_is_not_an_answer() -> None:
    found = read_judgement(FreeAnswer("x", ask(), "es"), Reply("2", failure="timed out"))
    assert (found.match, found.unread) == (None, "failed")


def labels(n: int) -> list[LabelledAnswer]:
    """Answers to n questions; their labels are what the words mean."""
    texts = [("mandarina", 0), ("perro", None), ("musa", 1), ("piedra", None)]
    return [
        LabelledAnswer(FreeAnswer(texts[k % 4][0], ask(f"q{k}"), "es"), texts[k % 4][1])
        for k in range(n)
    ]


def test_a_judge_without_errors_agrees_and_a_planted_error_is_measured() -> None:
    rows = labels(40)
    answers = [row.answer for row in rows]

    def measured(judge: PlantedJudge) -> list[int | None]:
        found = JudgedMatching(judge).judge(answers)
        return [None if one.match is None else one.match.answer for one in found]

    perfect = judge_agreement(rows, measured(PlantedJudge()))
    assert perfect.same.value == 1
    assert perfect.kappa is not None
    assert perfect.kappa.value == 1
    assert perfect.credit_error.value == 0
    assert (perfect.accepted_wrongly, perfect.missed) == ((0, 20), (0, 20))
    # Every fourth decision is wrong: the ten "piedra", for which it names mango (credit 1 / 4).
    wrong = judge_agreement(rows, measured(PlantedJudge(errs_each=4)))
    assert wrong.same.value == pytest.approx(0.75)
    assert wrong.same.n == 40
    assert wrong.accepted_wrongly == (10, 20)
    assert wrong.missed == (0, 20)
    assert wrong.credit_error.value == pytest.approx(10 * 0.25 / 40)
    # Decisions: yes-yes 20, no-yes 10, no-no 10. Chance: (20 * 30 + 20 * 10) / 40 ** 2 = 0.5.
    assert wrong.kappa is not None
    assert wrong.kappa.value == pytest.approx((0.75 - 0.5) / (1 - 0.5))
    assert wrong.kappa.low is not None
    assert wrong.kappa.high is not None
    assert wrong.kappa.low < wrong.kappa.value < wrong.kappa.high < 1


def test_another_accepted_answer_is_not_the_same_though_both_say_yes() -> None:
    found = judge_agreement(labels(2), [1, None])
    assert found.same.value == 0.5
    assert found.credit_error.value == pytest.approx(-0.25)  # half the credit, in one of two
    assert (found.accepted_wrongly, found.missed) == ((0, 1), (0, 1))


def test_kappa_is_undefined_where_all_decisions_are_alike() -> None:
    rows = labels(8)[1::2]
    assert judge_agreement(rows, [None] * 4).kappa is None
    with pytest.raises(NotEnoughData, match="no labels"):
        judge_agreement([], [])


def test_answers_of_one_question_are_one_cluster() -> None:
    rows = [LabelledAnswer(FreeAnswer("perro", ask(), "es"), None) for _ in range(9)]
    assert judge_agreement(rows, [None] * 5 + [0] * 4).same.low is None


def test_ways_of_writing_an_answer_are_labels_of_people() -> None:
    question = KnowledgeQuestion(
        "drink",
        "MEX",
        "es",
        {"es": "¿Qué beben?"},
        (
            AcceptedAnswer({"es": ("agua", "Agua", "agua fresca"), "en": ("water",)}, 3),
            AcceptedAnswer({"es": ("refresco",)}, 2),
        ),
    )
    found = held_out_labels([question], "es", 9, rng_for(1, "labels"))
    assert [(row.answer.text, row.label) for row in found] == [
        ("agua", 0),
        ("agua fresca", 0),
        ("refresco", None),
    ]
    left = [row.answer.question.answers for row in found]
    assert left[0][0].variants == {"es": ("agua fresca",), "en": ("water",)}
    assert left[1][0].variants["es"] == ("agua", "Agua")
    assert len(left[2]) == 1
    assert len(held_out_labels([question], "es", 2, rng_for(1, "labels"))) == 2
    assert held_out_labels([ask(uva=1)], "es", 9, rng_for(1, "labels")) == []


HEAD = "question_id,community,language,answer,label,rater\n"


def test_labels_of_people_are_read_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    rows = ["fruit,MEX,es,mandarina,Naranja,ana", "fruit,Mexico,es,perro,none,", "fruit,MEX,es,x,,"]
    path.write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    tally = Tally()
    found = read_judge_labels(path, KnowledgeTest("t", (ask(),)), tally)
    assert [(row.answer.text, row.label, row.rater) for row in found] == [
        ("mandarina", 0, "ana"),
        ("perro", None, ""),
    ]
    assert tally.balanced
    assert tally.dropped == {"not labelled yet": 1}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("fruit,MEX,es,x,sandía,", r"labels\.csv:2: the label 'sandía' is not a variant"),
        ("drink,MEX,es,x,none,", r"labels\.csv:2: the test has no question 'drink' of MEX"),
    ],
)
def test_a_label_that_names_no_answer_is_refused(row: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(HEAD + row + "\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match=message):
        read_judge_labels(path, KnowledgeTest("t", (ask(),)), Tally())


def test_a_file_without_labels_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(HEAD + "fruit,MEX,es,x,,\n", encoding="utf-8")
    with pytest.raises(NotEnoughData, match="no row has a label"):
        read_judge_labels(path, KnowledgeTest("t", (ask(),)), Tally())
