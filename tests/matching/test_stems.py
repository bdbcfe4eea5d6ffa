import sys
from pathlib import Path
from random import Random

import pytest
from answer_matching import held_out_matches
from hypothesis import given
from hypothesis import strategies as st

from pluralign.core import AcceptedAnswer, KnowledgeQuestion
from pluralign.matching import STEMMED_LANGUAGES, stemmed
from pluralign.metrics import (
    Match,
    answer_credit,
    answer_words,
    match_answer,
    person_credit,
    score_answers,
)
from pluralign.sources import BlendKnowledge, read_knowledge

BLEND = ("am", "ar", "as", "az", "el", "en", "es", "fa", "ha", "id", "ko", "su", "zh")


def ask(language: str, *answers: tuple[str, int]) -> KnowledgeQuestion:
    """A question whose answers are given as "variant | variant" with the number of people."""
    return KnowledgeQuestion(
        id="q",
        community="GBR",
        language=language,
        texts={language: "?"},
        answers=tuple(
            AcceptedAnswer({language: tuple(v.strip() for v in text.split("|"))}, count)
            for text, count in answers
        ),
    )


@pytest.mark.parametrize(
    ("language", "variant", "text"),
    [
        ("en", "sandwiches", "sandwich"),
        ("en", "going for a walk", "go for walks"),
        ("es", "tamales", "un tamal"),
        ("es-MX", "huevos revueltos", "huevo revuelto"),
        ("el", "σούπες", "η σούπα"),
        ("fa", "کتاب", "كتابها"),  # the plural, with an Arabic kaf
        ("ar", "معلم", "المعلمون"),  # the plural, with the article
        ("ar", "كعكة", "كعك"),
        ("id", "makanan", "makan"),
    ],
)
def test_forms_of_one_word_are_matched_by_their_stems(
    language: str, variant: str, text: str
) -> None:
    question = ask(language, ("xyz", 3), (variant, 1))
    assert match_answer(text, question, language) is None
    assert match_answer(text, question, language, stemmed) == Match(1, "stemmed")


@pytest.mark.parametrize(
    ("language", "variant", "text"),
    [
        ("en", "news", "new year"),
        ("es", "año", "ano"),
        ("es", "papa", "papel"),
        ("el", "ψωμί", "ψάρι"),
        ("fa", "نان", "نانوا"),
        ("ar", "كتاب", "مكتب"),
        ("id", "makan", "mainan"),
    ],
)
def test_other_words_are_not_matched(language: str, variant: str, text: str) -> None:
    assert match_answer(text, ask(language, (variant, 1)), language, stemmed) is None


def test_an_exact_answer_counts_before_one_of_the_same_stem() -> None:
    question = ask("en", ("fishing", 5), ("fish", 1))
    assert match_answer("fish", question, "en", stemmed) == Match(1, "exact")
    assert match_answer("fishes", question, "en", stemmed) == Match(0, "stemmed")  # of more people


def test_stems_do_not_count_within_longer_answers() -> None:
    question = ask("es", ("tamales", 3), ("pan", 1))
    assert match_answer("un tamal con pan", question, "es", stemmed) == Match(1, "contained")
    assert match_answer("un tamal con atole", question, "es", stemmed) is None


@pytest.mark.parametrize("language", sorted(set(BLEND) - set(STEMMED_LANGUAGES)))
def test_words_of_languages_without_a_stemmer_stay_as_they_are(language: str) -> None:
    assert stemmed(("ice", "creams"), language) == ("ice", "creams")


@given(st.text(max_size=30), st.sampled_from(BLEND))
def test_every_word_has_a_stem(text: str, language: str) -> None:
    words = answer_words(text, language)
    stems = stemmed(words, language)
    assert len(stems) == len(words)
    assert all(stems)


def test_stems_are_those_of_one_version_even_where_another_stemmer_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "Stemmer", None)
    assert stemmed(("houses",), "en") == ("hous",)


def test_a_score_has_the_share_of_answers_that_stems_match() -> None:
    question = ask("es", ("tamales", 4), ("pan", 2))
    score = score_answers([question], {"q": "tamal"}, "es", stems=stemmed)
    assert (score.credit.value, score.exact, score.stemmed, score.contained) == (1, 0, 1, 0)
    assert score_answers([question], {"q": "tamal"}, "es").credit.value == 0


def test_held_out_answers_are_counted_by_hand() -> None:
    question = ask("en", ("egg | eggs", 3), ("fried egg", 1), ("bread rolls", 1), ("bread roll", 1))
    found = held_out_matches([question], "en", stemmed)
    assert found.ways == 5
    # egg and eggs match each other; bread rolls and bread roll are two answers for these people.
    assert sorted(right for right, _ in found.right["stems"]) == [False, False, True, True]
    # "fried egg" contains another answer.
    assert [right for right, _ in found.right["within"]] == [False]
    assert (found.collisions, found.pairs) == (1, 6)
    assert found.share("stems").value == 0.5


@pytest.mark.shared
@pytest.mark.parametrize(
    ("region", "language"),
    [
        ("Algeria", "ar"),
        ("Greece", "el"),
        ("UK", "en"),
        ("Mexico", "es"),
        ("Iran", "fa"),
        ("Indonesia", "id"),
    ],
)
def test_nine_in_ten_answers_that_stems_match_are_matched_as_people_did(
    region: str, language: str, shared_data: Path
) -> None:
    test = read_knowledge(BlendKnowledge(shared_data / "blend" / f"{region}.jsonl.gz"))
    found = held_out_matches(test.questions, language, stemmed)
    assert found.share("stems").value >= 0.9
    assert found.collisions <= 0.001 * found.pairs


WORDS = st.sampled_from(["tamal", "tamales", "pan", "panes", "el pan", "pan dulce", "atole"])
ANSWERS = st.lists(
    st.tuples(st.lists(WORDS, min_size=1, max_size=4), st.integers(1, 4)), min_size=1, max_size=4
)


def credit(answers: list[tuple[list[str], int]], text: str) -> float:
    question = ask("es", *((" | ".join(variants), count) for variants, count in answers))
    match = match_answer(text, question, "es", stemmed)
    return answer_credit(question, None if match is None else match.answer)


@given(ANSWERS, st.randoms(use_true_random=False), WORDS)
def test_the_order_and_repetition_of_variants_and_answers_change_no_score(
    answers: list[tuple[list[str], int]], random: Random, text: str
) -> None:
    shuffled = [([*variants, *variants], count) for variants, count in answers]
    for variants, _ in shuffled:
        random.shuffle(variants)
    random.shuffle(shuffled)
    assert credit(shuffled, text) == credit(answers, text)


@given(ANSWERS, st.integers(2, 9), WORDS)
def test_counts_in_another_unit_change_no_score(
    answers: list[tuple[list[str], int]], by: int, text: str
) -> None:
    many = [(variants, count * by) for variants, count in answers]
    assert credit(many, text) == pytest.approx(credit(answers, text))


@given(ANSWERS)
def test_own_words_score_at_least_what_people_score_on_average(
    answers: list[tuple[list[str], int]],
) -> None:
    question = ask("es", *((" | ".join(variants), count) for variants, count in answers))
    own = [min(credit(answers, text) for text in variants) for variants, _ in answers]
    for answer, least in enumerate(own):
        assert least >= answer_credit(question, answer)
    average = sum(a * w for a, w in zip(own, question.weights, strict=True)) / question.mentions
    person = person_credit(question)
    assert person is None or average >= person
