import itertools

import pytest

from pluralign.core import AcceptedAnswer, KnowledgeQuestion, KnowledgeTest, NotEnoughData
from pluralign.metrics import answer_agreement, people_agreement


def ask(id_: str, *counts: int | None, topic: str = "") -> KnowledgeQuestion:
    answers = tuple(AcceptedAnswer({"en": (f"a{k}",)}, n) for k, n in enumerate(counts))
    return KnowledgeQuestion(id_, "GBR", "en", {"en": "?"}, answers, topic=topic)


@pytest.mark.parametrize("counts", [(3, 1), (2, 2, 1), (4,), (1, 1, 1)])
def test_agreement_is_the_share_of_pairs_of_answers_that_are_the_same(
    counts: tuple[int, ...],
) -> None:
    given = [k for k, n in enumerate(counts) for _ in range(n)]
    pairs = list(itertools.combinations(given, 2))
    same = sum(a == b for a, b in pairs) / len(pairs)
    assert answer_agreement(ask("q", *counts)) == pytest.approx(same)


def test_one_answer_or_no_counts_have_no_agreement() -> None:
    assert answer_agreement(ask("q", 1)) is None
    assert answer_agreement(ask("q", None, None)) is None


def test_people_who_agree_on_one_topic_only_are_found() -> None:
    food = [ask(f"f{k}", 5, topic="Food") for k in range(6)]
    work = [ask(f"w{k}", 1, 1, 1, 1, topic="Work") for k in range(6)]
    every, of_food, of_work = people_agreement(
        KnowledgeTest("planted", (*food, *work, ask("x", 1, topic="Food")))
    )
    assert (every.topic, of_food.topic, of_work.topic) == ("", "Food", "Work")
    assert (of_food.agreement.value, of_work.agreement.value) == (1, 0)
    assert of_food.person.value == 1
    assert (of_food.questions, of_food.answers) == (6, 30)
    assert every.agreement.value == pytest.approx(0.5)
    assert every.answers == 54


def test_a_test_without_counts_is_refused() -> None:
    with pytest.raises(NotEnoughData, match="no question has counts of people"):
        people_agreement(KnowledgeTest("bare", (ask("q", None),)))
