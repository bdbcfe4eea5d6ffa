"""Strategies in the languages of BLEnD: all are there, and marked until they are signed."""

import re
from itertools import product
from pathlib import Path

import pytest

from pluralign.asking import Putting, load_strategy, place_name, put, strategies, template
from pluralign.core import (
    ANSWER_FORMS,
    AnswerDistribution,
    InvalidInput,
    InvalidSettings,
    Refusal,
    Survey,
    SurveyQuestion,
    read_answer,
)
from pluralign.metrics.scripts import foreign_share
from pluralign.sources.knowledge_blend import REGIONS

LANGUAGES = {language for _, language in REGIONS.values()} - {"en"}
COMMUNITIES = tuple(sorted(community for community, _ in REGIONS.values()))
TRANSLATED = tuple(name for name in strategies() if name != "culture_unaware")
QUESTIONS = tuple(SurveyQuestion(f"Q{i}", f"{i}?", ("yes", "no")) for i in range(3))
SURVEY = Survey(
    "test",
    {q.id: q for q in QUESTIONS},
    tuple(AnswerDistribution(q.id, c, (0.6, 0.4)) for q in QUESTIONS for c in COMMUNITIES),
)
LOCAL = Putting(languages=("local",))


def copy_of(name: str, folder: Path, old: str, new: str) -> Path:
    text = load_strategy(name).path.read_text(encoding="utf-8")
    assert old in text
    path = folder / f"{name}.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", TRANSLATED)
def test_every_strategy_that_names_a_community_is_in_the_twelve_other_languages_of_blend(
    name: str,
) -> None:
    assert set(load_strategy(name).translations) >= LANGUAGES


@pytest.mark.parametrize("name", TRANSLATED)
def test_the_words_are_in_the_script_of_their_language(name: str) -> None:
    for language, translation in load_strategy(name).translations.items():
        words = translation.system + translation.user
        words += translation.answer if load_strategy(name).shows_gold else ""
        assert foreign_share(re.sub(r"\{\w+\}", "", words), language) == 0, language


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_places_have_names_in_the_script_of_each_language(language: str) -> None:
    for community in COMMUNITIES:
        assert foreign_share(place_name(community, language), language) == 0, community


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_knowledge_templates_are_in_the_script_of_each_language(language: str) -> None:
    for form, named in product(ANSWER_FORMS, (True, False)):
        found = template(form, language, named)
        assert (found.language, found.machine_written) == (language, True)
        assert foreign_share(re.sub(r"\{\w+\}", "", found.text), language) == 0


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_an_answer_after_the_answer_word_of_the_examples_is_read(language: str) -> None:
    words = load_strategy("self_alignment").translations[language].answer
    options, labels = ("Tea", "Coffee", "Water"), ("1", "2", "3")
    assert read_answer(f"{words} 2", options, labels) == 1
    assert isinstance(read_answer(f"{words} 4", options, labels), Refusal)
    assert read_answer(f"{words} B", options, ("A", "B", "C")) == 1


def test_a_greek_letter_alone_is_the_label_in_its_place() -> None:
    read = [read_answer(text, ("Tea", "Coffee", "Water"), ("A", "B", "C")) for text in "ΑΒΓγ"]
    assert read == [0, 1, 2, 2]
    assert isinstance(read_answer("Δ", ("Tea", "Coffee", "Water"), ("A", "B", "C")), Refusal)


@pytest.mark.parametrize("name", TRANSLATED)
def test_each_region_of_blend_is_asked_in_its_own_language(name: str) -> None:
    asks = put(load_strategy(name), SURVEY, COMMUNITIES, ["Q0"], putting=LOCAL)
    assert {ask.community: ask.language for ask in asks} == dict(REGIONS.values())
    for ask in asks:
        assert ask.machine_written == (ask.language != "en")
        assert "{" not in "".join(message.content for message in ask.conversation)


def test_strategies_are_asked_in_english_unless_the_settings_have_other_languages() -> None:
    aware = load_strategy("culture_aware")
    both = Putting(languages=("en", "local"))
    asked = [
        [ask.language for ask in put(aware, SURVEY, ["IRN", "GBR"], ["Q0"], putting=putting)]
        for putting in (Putting(), LOCAL, both)
    ]
    assert asked == [["en", "en"], ["fa", "en"], ["en", "fa", "en"]]
    unaware = put(load_strategy("culture_unaware"), SURVEY, ["IRN"], ["Q0"], putting=both)
    assert [(ask.language, ask.machine_written) for ask in unaware] == [("en", False)]
    with pytest.raises(InvalidInput, match="en, local or both"):
        Putting(languages=())


def test_places_and_lists_of_places_are_named_in_the_language_of_the_words() -> None:
    strategy = load_strategy("cross_culture_thinking")
    ask = put(strategy, SURVEY, ["IRN", "GRC", "MEX", "CHN"], ["Q0"], putting=LOCAL)[0]
    system = ask.conversation[0].content
    assert ask.language == "fa"
    assert "زندگی می‌کنید: ایران." in system
    assert foreign_share(system, "fa") == 0


def test_a_signed_translation_is_no_longer_marked_as_machine_written(tmp_path: Path) -> None:
    unsigned = '[translations.fa]\nmachine_written = true\nsigned_by = ""'
    signed = unsigned.replace('""', '"Sara Ahmadi, 2026-12-01"')
    strategy = load_strategy(copy_of("culture_aware", tmp_path, unsigned, signed))
    assert strategy.translations["fa"].signed_by == "Sara Ahmadi, 2026-12-01"
    asks = put(strategy, SURVEY, ["IRN", "GRC"], ["Q0"], putting=LOCAL)
    assert {ask.language: ask.machine_written for ask in asks} == {"fa": False, "el": True}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("می‌کنید: {culture}.", "می‌کنید.", "{culture} is in one of them only"),
        ('signed_by = ""', 'signed = ""', "unknown key"),
        ("machine_written = true", 'machine_written = "yes"', "must be true or false"),
        ('language = "en"', 'language = "fa"', "must be en or local"),
    ],
)
def test_a_translation_that_was_damaged_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(InvalidSettings) as error:
        load_strategy(copy_of("culture_aware", tmp_path, old, new))
    assert said in str(error.value)
    assert "culture_aware.toml" in str(error.value)


def test_a_template_of_ones_own_with_translations_is_asked_locally(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    words = '"{question} {options}"'
    path.write_text(f"user = {words}\n[translations.fa]\nuser = {words}\n", encoding="utf-8")
    strategy = load_strategy(path)
    assert (strategy.language, strategy.translations["fa"].machine_written) == ("local", False)
