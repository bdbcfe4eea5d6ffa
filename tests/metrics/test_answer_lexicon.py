"""Answers in another language, by the words that people gave in both."""

from tests.knowledge_tests import small_test

from pluralign.core import AcceptedAnswer, KnowledgeQuestion
from pluralign.metrics import AnswerLexicon


def asked(*answers: AcceptedAnswer) -> KnowledgeQuestion:
    return KnowledgeQuestion("q", "CHN", "zh", {"zh": "?"}, answers)


def test_answers_are_found_whole_and_within_longer_ones() -> None:
    lexicon = AnswerLexicon.of(small_test().questions, "fa", "en")
    assert lexicon.find("نان") == ("bread",)
    assert lexicon.find("فکر می‌کنم نان یا چای") == ("bread",)
    assert lexicon.find("پیتزا") == lexicon.exact("فکر نان") == ()


def test_a_word_with_two_meanings_has_the_one_of_most_people_or_none() -> None:
    orange = AcceptedAnswer({"en": ("orange",), "zh": ("橘子",)}, 4)
    colour = AcceptedAnswer({"en": ("orange",), "zh": ("橙色",)}, 1)
    other = AcceptedAnswer({"en": ("orange",), "zh": ("橙",)}, 4)
    assert AnswerLexicon.of([asked(orange, colour)], "en", "zh").find("Orange") == ("橘子",)
    assert AnswerLexicon.of([asked(orange, colour, other)], "en", "zh").find("Orange") == ()


def test_answers_in_one_language_alone_take_nothing_from_a_majority() -> None:
    english = AcceptedAnswer({"en": ("tea",)}, 50)
    both = AcceptedAnswer({"en": ("tea",), "zh": ("茶",)}, 1)
    assert AnswerLexicon.of([asked(english, both)], "en", "zh").find("tea") == ("茶",)
