"""The words around knowledge questions, in the languages that have templates."""

import string
from pathlib import Path

import pytest

from pluralign.asking import place_name, template, template_languages
from pluralign.asking.knowledge_templates import _templates
from pluralign.core import ANSWER_FORMS, AnswerForm, InvalidSettings


@pytest.mark.parametrize("language", template_languages())
@pytest.mark.parametrize("form", ANSWER_FORMS)
@pytest.mark.parametrize("named", [True, False])
def test_each_language_has_every_template_with_its_fields(
    language: str, form: AnswerForm, named: bool
) -> None:
    found = template(form, language, named)
    fields = {name for _, name, _, _ in string.Formatter().parse(found.text) if name}
    assert found.language == language
    assert ("place" in fields) == named and ("options" in fields) == (form == "options")
    assert found.machine_written == (not found.signed_by)


def test_a_language_without_templates_gets_the_english_words_and_their_tag() -> None:
    assert template("short", "xx", True) == template("short", "en", True)
    assert template("short", "en-GB", True).language == "en"


def test_a_place_is_named_in_the_language_and_otherwise_in_english() -> None:
    assert place_name("IRN", "fa") == "ایران"
    assert place_name("IRN", "xx") == "Iran"
    assert place_name("NGA/north", "en") == place_name("NGA/north", "xx") == "Northern Nigeria"
    assert place_name("NGA/kano", "ha") == "Kano, Nijeriya"
    assert place_name("~yoruba", "en") == "Yoruba"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("machine_written = true", "short"),
        ("machine_written = 1", "machine_written"),
        ("machine_writen = true", "unknown key"),
        ("machine_written = true\nshort.named = '{question}'\nshort.unnamed = ''", "{place}"),
        ("=", "not valid TOML"),
    ],
)
def test_a_file_of_templates_that_is_not_valid_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "xx.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidSettings, match=message):
        _templates(path)
