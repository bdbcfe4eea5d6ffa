from pathlib import Path

import pytest

from pluralign.core import AcceptedAnswer, KnowledgeQuestion, NotEnoughData
from pluralign.metrics import baselines_by_topic, choice_baselines
from pluralign.sources import MultipleChoice, read_knowledge


def ask(id_: str, right: int, *options: str, topic: str = "") -> KnowledgeQuestion:
    answer = AcceptedAnswer({"en": (options[right],)})
    return KnowledgeQuestion(id_, "GBR", "en", {"en": "?"}, (answer,), {"en": options}, topic)


def test_baselines_are_counted_by_hand() -> None:
    questions = [
        ask("1", 0, "long", "b", "c", "d"),  # the longest, at the usual position
        ask("2", 0, "a", "long", "c", "d"),  # at the usual position
        ask("3", 0, "tie", "tie2", "tie3", "d"),
        ask("4", 1, "longer", "longer2", "c", "d"),
    ]
    found = choice_baselines(questions, "en")
    assert found["random"].value == pytest.approx(0.25)
    assert found["longest"].value == pytest.approx((1 + 0 + 0 + 1) / 4)
    assert found["position"].value == pytest.approx(3 / 4)
    assert found["position"].n == 4


def test_the_position_of_a_question_is_learnt_from_the_others_only() -> None:
    apart = [ask("1", 0, "a", "b"), ask("2", 1, "a", "b")]
    assert choice_baselines(apart, "en")["position"].value == 0


def test_a_topic_whose_right_options_are_the_longest_gives_itself_away() -> None:
    away = [ask(f"a{k}", k % 4, *long_at(k % 4), topic="law") for k in range(40)]
    fair = [ask(f"f{k}", k % 4, *long_at(k // 4 % 4), topic="food") for k in range(40)]
    alone = ask("x", 0, "a", "b", topic="music")
    every, law, food = baselines_by_topic([*away, *fair, alone], "en")
    assert (every.topic, law.topic, food.topic) == ("", "law", "food")
    assert (every.questions, law.questions) == (81, 40)
    assert law.accuracies["longest"].value == 1
    assert law.gains["longest"].value == pytest.approx(0.75)
    gain = food.gains["longest"]
    assert gain.low is not None and gain.high is not None
    assert gain.low < 0 < gain.high


def long_at(position: int) -> list[str]:
    return [letter * (3 if k == position else 1) for k, letter in enumerate("abcd")]


def test_tied_lengths_share_the_credit() -> None:
    tied = [ask("1", 0, "ab", "cd", "e"), ask("2", 2, "ab", "cd", "e")]
    assert choice_baselines(tied, "en")["longest"].value == pytest.approx(0.25)


def test_too_few_questions_are_refused() -> None:
    with pytest.raises(NotEnoughData, match="options in 'fa'"):
        choice_baselines([ask("1", 0, "a", "b")] * 2, "fa")


def test_persian_questions_are_not_guessed_without_knowledge(shared_data: Path) -> None:
    path = shared_data / "parsinlu" / "multiple_choice_test.jsonl.gz"
    test = read_knowledge(MultipleChoice(path, "IRN", "fa", skip_bad=True))
    found = choice_baselines(test.questions, "fa")
    assert found["random"].n == 699
    assert all(0.2 < estimate.value < 0.36 for estimate in found.values())
