"""Answers that were cut off or withheld are no refusals, and are counted apart."""

import pytest

from pluralign.core import NotEnoughData, RecordedAnswer, Survey, SurveyQuestion, Tally, rng_for
from pluralign.core.surveys import AnswerDistribution
from pluralign.evaluation.surveys import (
    REFUSALS,
    UNFINISHED_RATE,
    AnswerTable,
    Parser,
    Peoples,
    SurveySums,
    read_all,
    score_rows,
)
from pluralign.metrics import draw_questions

QUESTIONS = [SurveyQuestion(f"q{i}", "Is it so?", ("Yes", "No"), ("1", "2")) for i in range(4)]
SURVEY = Survey(
    "s",
    {q.id: q for q in QUESTIONS},
    tuple(AnswerDistribution(q.id, "MEX", (0.7, 0.3)) for q in QUESTIONS),
)


def answer(i: int, text: str, finish: str = "", not_sent: tuple[str, ...] = ()) -> RecordedAnswer:
    return RecordedAnswer("m", "s", "MEX", f"q{i}", text, finish_reason=finish, not_sent=not_sent)


def rates(
    answers: list[RecordedAnswer], parser: Parser = "strict"
) -> tuple[dict[str, float], Tally]:
    tally = Tally()
    read = read_all(answers, SURVEY, parser, "codes", tally)
    questions = list(SURVEY.questions)
    peoples = Peoples.of(SURVEY, questions, ["MEX"], tally)
    counts = draw_questions(4, rng_for(0, "test"), 10)
    rows = score_rows(SurveySums.of(AnswerTable.of(read, questions), peoples, counts))
    return {row.metric: row.value for row in rows}, tally


@pytest.mark.parametrize("parser", ["strict", "published"])
def test_each_answer_is_read_a_refusal_or_unfinished(parser: Parser) -> None:
    answers = [
        answer(0, "2.", "length"),
        answer(1, "Let me think about", "length"),
        answer(2, "", "content_filter"),
        answer(3, "I would rather not say."),
    ]
    found, tally = rates(answers, parser)

    assert (found[REFUSALS], found[UNFINISHED_RATE]) == (0.25, 0.5)
    (cut, withheld) = sorted(tally.flagged)
    assert "max_new_tokens" in cut
    assert "content filter" in withheld
    assert set(tally.flagged.values()) == {1}


def test_where_all_answers_are_finished_there_is_no_note() -> None:
    found, tally = rates(
        [answer(i, "1", "stop") for i in range(3)] + [answer(3, "no comment", "stop")]
    )

    assert found[REFUSALS] == 0.25
    assert UNFINISHED_RATE not in found
    assert not tally.flagged


def test_fields_that_a_server_refused_are_counted() -> None:
    _, tally = rates([answer(i, "1", not_sent=("seed", "top_p")) for i in range(3)])

    ((said, n),) = tally.flagged.items()
    assert ("seed, top_p" in said, n) == (True, 3)


def test_where_no_answer_is_finished_the_error_gives_the_reason() -> None:
    with pytest.raises(NotEnoughData, match=r"4 answers were cut off .*max_new_tokens"):
        rates([answer(i, "", "length") for i in range(4)])
