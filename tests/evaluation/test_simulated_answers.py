import numpy as np
import pytest

from pluralign.core import (
    AcceptedAnswer,
    KnowledgeAnswer,
    KnowledgeQuestion,
    KnowledgeTest,
    Tally,
)
from pluralign.evaluation.knowledge import AnswerScorer, knowledge_rows

TEA, MILK = (AcceptedAnswer({"en": (text,)}, n) for text, n in (("tea", 3), ("milk", 1)))


def numbers(question: KnowledgeQuestion, *answers: KnowledgeAnswer) -> dict[str, float]:
    test = KnowledgeTest("t", (question,))
    rows = knowledge_rows(AnswerScorer(test).score(answers, Tally()), test)
    return {row.metric: row.value for row in rows if row.model == "m"}


def test_several_draws_have_simbench_s_score_and_what_they_can_attain() -> None:
    question = KnowledgeQuestion("q", "GBR", "en", {"en": "Drink?"}, (TEA, MILK))
    draws = ["tea", "tea", "milk", "coffee"]
    answers = [KnowledgeAnswer("m", "q", "GBR", text, "en", draw=k) for k, text in enumerate(draws)]
    found = numbers(question, *answers)
    # Shares 0.5, 0.25 and another 0.25 are 0.25 from people; so are equal shares.
    assert found["simbench_score"] == pytest.approx(0)
    assert 0 < found["simbench_attainable"] < 100
    assert "simbench_score" not in numbers(question, answers[0])  # one draw has no spread


def test_likelihoods_of_a_question_s_own_options_have_simbench_s_score() -> None:
    question = KnowledgeQuestion(
        "q", "GBR", "en", {"en": "Drink?"}, (TEA, MILK), {"en": ("tea", "milk")}
    )
    answer = KnowledgeAnswer(
        *("m", "q", "GBR", "", "en"),
        form="options",
        options=("milk", "tea"),
        log_probs=tuple(np.log([0.3, 0.7]).tolist()),
    )
    # 0.05 from people, equal shares 0.25.
    assert numbers(question, answer)["simbench_score"] == pytest.approx(80)
    assert numbers(question, answer)["simbench_attainable"] == 100
