"""Pages exist in four languages, each with its own numbers and names; no text is untranslated."""

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from string import Formatter

import pytest
from tests.reports.folders import (
    finding_row,
    people_row,
    policy_row,
    write_audit,
    write_object,
    write_policies,
    write_rewards,
    write_survey,
)
from tests.reports.test_policies import PASS

from pluralign.audits import (
    MISIDENTIFICATION,
    PARTICIPATION,
    REASONING,
    REWARD_BIAS,
    SIMPLIFICATION,
    Amount,
    Context,
    Place,
    Sentence,
    Share,
    run_audits,
)
from pluralign.audits.planted import FAULTS, sound
from pluralign.core import InvalidSettings
from pluralign.languages import LANGUAGES, Speech
from pluralign.languages.messages import messages
from pluralign.languages.speech import catalog, language_of
from pluralign.reports import Run, community_page, html_of, page, page_of, read_run

TRANSLATED = [language for language in LANGUAGES if language != "en"]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return messages()


@pytest.mark.parametrize(
    ("language", "number", "percent"),
    [
        ("en", "1,234,567.9", "25.4%"),
        ("es", "1.234.567,9", "25,4\xa0%"),
        ("hi", "1,234,567.9", "25.4%"),
        ("ar", "1,234,567.9", "25.4%"),
    ],
)
def test_numbers_are_written_as_readers_write_them(
    language: str, number: str, percent: str
) -> None:
    say = Speech(language)
    marks = "\u200e\u200f\u061c"
    assert say.number(1234567.89).translate(dict.fromkeys(map(ord, marks))) == number
    assert say.percent(0.2544).translate(dict.fromkeys(map(ord, marks))) == percent


def test_a_number_has_the_decimals_asked_for() -> None:
    say = Speech()
    assert [say.number(2 / 3, digits) for digits in (0, 1, 3)] == ["1", "0.7", "0.667"]
    assert [say.number(7, digits) for digits in (0, 1)] == ["7", "7.0"]
    assert [say.number(v) for v in (-0.5, -0.04, -0.0)] == ["-0.5", "0.0", "0.0"]
    assert say.percent(-0.0004) == "0.0%"


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("en", ["Mexico", "Oaxaca (Mexico)", "Kosovo", "World", "all communities"]),
        ("es", ["México", "Oaxaca (México)", "Kosovo", "Mundo", "todas las comunidades"]),
        ("ar", ["المكسيك", "Oaxaca (المكسيك)", "كوسوفو", "العالم", "كل المجتمعات"]),
        ("hi", ["मैक्सिको", "Oaxaca (मैक्सिको)", "कोसोवो", "दुनिया", "सभी समुदाय"]),
    ],
)
def test_places_have_the_names_that_readers_give_them(language: str, names: list[str]) -> None:
    say = Speech(language)
    assert [say.place(c) for c in ("MEX", "MEX/oaxaca", "XKX", "~world", None)] == names


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_people_without_a_country_and_an_unknown_one_keep_their_name(language: str) -> None:
    say = Speech(language)
    assert "Yoruba" in say.place("~yoruba")
    assert say.place("MEX/san-luis").startswith("San Luis (")
    assert say.place("no such place") == "no such place"


def test_arabic_alone_is_written_from_right_to_left() -> None:
    assert [language for language in LANGUAGES if Speech(language).rtl] == ["ar"]


@pytest.mark.parametrize(
    ("language", "name"), [("en", "English"), ("es", "español"), ("ar", "العربية"), ("hi", "हिन्दी")]
)
def test_a_language_is_called_what_its_speakers_call_it(language: str, name: str) -> None:
    assert Speech(language).name == name


@pytest.mark.parametrize("language", ["fr", "", "EN", "es_MX", "../es"])
def test_a_language_that_we_lack_is_refused_with_those_that_we_have(language: str) -> None:
    with pytest.raises(InvalidSettings, match="en, es, ar, hi"):
        Speech(language)


@pytest.mark.parametrize(
    ("community", "language"),
    [
        ("MEX", "es"), ("MEX/oaxaca", "es"), ("BOL", "es"), ("PRY", "es"), ("GNQ", "es"),
        ("EGY", "ar"), ("MAR", "ar"), ("IND", "hi"), ("IND/kerala", "hi"), ("USA", "en"),
        ("GBR", "en"), ("PHL", "en"), ("JPN", "en"), ("ISR", "en"), ("XKX", "en"),
        ("~yoruba", "en"), ("~world", "en"), ("no such place", "en"), ("", "en"),
    ],
)  # fmt: skip
def test_a_community_is_spoken_to_in_its_country_s_language_where_we_have_it(
    community: str, language: str
) -> None:
    assert language_of(community) == language


def test_a_claim_is_written_with_its_places_and_numbers() -> None:
    template = (
        "The answers that {subject} gives in the name of {community} are nearer to the "
        "answers of {other}, by {amount} points."
    )
    values = {
        "subject": "m",
        "community": Place("BRA"),
        "other": Place("USA"),
        "amount": Amount(10.32),
    }
    assert Speech().sentence(Sentence(template, values)) == template.format(
        subject="m", community="Brazil", other="the United States", amount="10.3"
    )
    spanish = Speech("es").sentence(Sentence(template, values))
    assert all(word in spanish for word in ("Brasil", "Estados Unidos", "10,3"))
    assert (
        Speech("es").sentence(Sentence("{a} {b}", {"a": Share(0.5), "b": 1200})) == "50\xa0% 1.200"
    )


def test_braces_in_names_are_kept_as_they_are() -> None:
    assert Speech("es")("{who} ({run})", who="{x}", run="{0}") == "{x} ({0})"
    assert (
        Speech().sentence(Sentence("{subject} 100 %", {"subject": "{community.id}"}))
        == "{community.id} 100 %"
    )


def test_every_sentence_of_every_check_can_be_translated(texts: list[str]) -> None:
    society, said = sound(0), set[str]()
    for audit in (SIMPLIFICATION, MISIDENTIFICATION, REASONING, PARTICIPATION, REWARD_BIAS):
        for check in audit.checks:
            found, _ = run_audits(
                [audit], FAULTS[audit.name, check.name][0](society), Context(draws=100)
            )
            assert check.name in {f.check for f in found}
            said |= {
                text for f in found for text in (f.claim.template, f.look, f.causes, f.remedies)
            }
    assert said - set(texts) == set()


# Catalogues.


def _fields(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def test_there_is_much_to_translate_and_each_text_once(texts: list[str]) -> None:
    assert len(texts) > 200
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_translates_every_text_and_no_other(language: str, texts: list[str]) -> None:
    assert set(texts) - catalog(language).keys() == set()
    assert catalog(language).keys() - set(texts) == set()


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_keeps_the_fields(language: str) -> None:
    changed = {
        text: told for text, told in catalog(language).items() if _fields(text) != _fields(told)
    }
    assert changed == {}


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_keeps_what_is_typed_and_what_is_a_percentage(language: str) -> None:
    for text, told in catalog(language).items():
        assert re.findall(r"`[^`]*`", text) == re.findall(r"`[^`]*`", told), text
        assert told == told.strip()
        assert "95" not in text or "95" in told, text


def test_arabic_and_hindi_are_in_their_own_script() -> None:
    for language, script in (("ar", r"[\u0600-\u06ff]"), ("hi", r"[\u0900-\u097f]")):
        bare = [text for text, told in catalog(language).items() if not re.search(script, told)]
        assert [text for text in bare if _words(text)] == [], language


def _words(text: str) -> str:
    return re.sub(r"\{\w+\}|[^A-Za-z]", "", text)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """All texts that are asked for."""
    found: set[str] = set()
    speak = Speech.__call__

    def listen(self: Speech, text: str, **values: str) -> str:
        found.add(text)
        return speak(self, text, **values)

    monkeypatch.setattr(Speech, "__call__", listen)
    yield found


def _told_by(run: Run) -> set[str]:
    """Texts that a run brings along and pages copy: reasons, names of numbers, fates of rows."""
    data, audit = run.record.get("data", {}), run.audit
    tallies = [*data.get("sources", ()), *(data[k] for k in ("survey", "answers") if k in data)]
    tallies += audit.get("evidence", {}).get("read", {}).values()
    fates = {
        fate for tally in tallies for key in ("dropped", "flagged", "notes") for fate in tally[key]
    }
    names = {name.replace("_", " ") for f in run.findings for name in f.numbers}
    return {"read", "kept"} | fates | names | {t["reason"] for t in audit.get("thresholds", ())}


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Runs, surveys and audits with all that a page can speak of, and nearly nothing."""
    full = write_rewards(
        tmp_path / "full", {f"~p-{k}": 0.5 + k / 100 for k in range(45)} | {"MEX": 0.6}, matrix=True
    )
    found = [finding_row(f"~p-{k}") for k in range(45)]
    people = [people_row("MEX", groups={"gender": {"women": 20, "fewer": 9}})]
    write_audit(full / "audit", found, people)
    scores = {
        ("m", strategy): {"MEX": 50.0, "EGY": 60.0}
        for strategy in ("culture_aware", "culture_unaware")
    }
    survey = write_survey(tmp_path / "survey", scores)
    one = write_rewards(tmp_path / "one", {"~hill": 0.6}, people={"~hill": None}, curve=False)
    extra = [policy_row("refusals", "raft", 0.1), policy_row("regret", "raft", 0.1)]
    policies = write_policies(tmp_path / "policies", extra=extra)
    write_object(policies / "pass.json", PASS)
    alone = write_policies(tmp_path / "alone", ["MEX"], judged=None, tuned=())
    return [full, survey, one, write_audit(tmp_path / "sound"), policies, alone]


def test_every_text_of_a_page_can_be_translated(
    said: set[str],
    texts: list[str],
    monkeypatch: pytest.MonkeyPatch,
    folders: list[Path],
    tastes: Path,
    answers: Path,
) -> None:
    monkeypatch.setattr(page, "svg_of", lambda *_: "")
    runs = [read_run(folder) for folder in [*folders, tastes, answers]]
    for run in runs:
        html_of(page_of([run], Speech()), interactive=False)
        html_of(community_page([run], "MEX", Speech()), interactive=False)
    assert len(said) > 150
    assert said - set(texts) - {text for run in runs for text in _told_by(run)} == set()


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_page_in_another_language_keeps_none_of_our_english(
    language: str, texts: list[str], monkeypatch: pytest.MonkeyPatch, folders: list[Path]
) -> None:
    monkeypatch.setattr(page, "svg_of", lambda *_: "")
    runs = [read_run(folder) for folder in folders]
    found = page_of(runs, Speech(language))
    charts = " ".join(
        json.dumps(f.spec, ensure_ascii=False) for part in found.sections for f in part.figures
    )
    text = _without_markup(html_of(found, interactive=False)) + charts
    ours = [m for m in texts if len(m.split()) > 3 and "{" not in m and catalog(language)[m] != m]
    assert [m for m in ours if m in text] == []


def _without_markup(html: str) -> str:
    body = re.sub(r"<(style|script)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())
