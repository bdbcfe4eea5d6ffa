import csv
import sys
import types
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from pluralign.core import (
    InvalidInput,
    MissingExtra,
    NotEnoughData,
    PairSource,
    SurveySource,
    Tally,
    community,
)
from pluralign.sources import GlobalOpinions, is_non_answer

ROW = {
    "question": "Is tea good?",
    "selections": "defaultdict(<class 'list'>, "
    "{'Britain': [0.6, 0.3, 0.1], 'Mexico': [0.2, 0.7, 0.1]})",
    "options": "['Yes', 'No', 'DK/Refused']",
    "source": "GAS",
}


def write(folder: Path, *rows: dict[str, str]) -> Path:
    path = folder / "goqa.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(ROW))
        writer.writeheader()
        writer.writerows(rows)
    return path


def selections(text: str) -> dict[str, str]:
    return ROW | {"selections": f"defaultdict(<class 'list'>, {text})"}


def test_non_answers_are_left_out_and_shares_stay_as_published(tmp_path: Path) -> None:
    survey = GlobalOpinions(write(tmp_path, ROW)).survey()
    (question,) = survey.questions.values()
    assert (question.options, question.codes) == (("Yes", "No"), ("1", "2"))
    found = survey.distribution(question.id, "GBR")
    assert found is not None
    assert found.probs_O == (0.6, 0.3)


def test_pairs_prefer_the_option_more_people_gave(tmp_path: Path) -> None:
    tally = Tally()
    pairs = list(GlobalOpinions(write(tmp_path, ROW)).pairs(tally))
    assert [(p.community, p.chosen, p.rejected) for p in pairs] == [
        ("GBR", "Yes", "No"),
        ("MEX", "No", "Yes"),
    ]
    assert (tally.read, tally.kept, pairs[0].license, pairs[0].rater) == (
        1,
        1,
        "CC-BY-NC-SA-4.0",
        None,
    )


def test_an_id_comes_from_the_content_not_the_position(tmp_path: Path) -> None:
    other = ROW | {"question": "Is coffee good?"}
    first = GlobalOpinions(write(tmp_path, ROW, other)).survey()
    again = GlobalOpinions(write(tmp_path, other, ROW)).survey()
    assert set(first.questions) == set(again.questions)
    assert all(id_.startswith("GOQA-") for id_ in first.questions)


@pytest.mark.parametrize(
    "text",
    [
        "DK/Refused",
        "Don't know",
        "Don´t know",
        "Refused (VOL)",
        "No answer",
        "Missing; Unknown",
        "N/A",
        "Not asked in survey",
        "Other missing; Multiple answers Mail (EVS)",
        "Don't know/Refused",
        "Don't know or refused",
        "",
        " Total   N=",
        "[DO NOT READ] Don't know",
        "Don't know [DK]",
        "99. DK",
        "98 = Don't know",
        "-1. Refused",
        "DK_REF",
        "Não sabe",
        "No sé",
        "Sin respuesta",
        "Ne sait pas",
        "Keine Angabe",
        "Weiß nicht",
    ],
)
def test_a_non_answer_is_recognised(text: str) -> None:
    assert is_non_answer(text)


@pytest.mark.parametrize(
    "text",
    [
        "Neither (VOL)",
        "Depends",
        "Never heard of",
        "No",
        "None",
        "Other (VOL)",
        "Haven't heard enough (VOL)",
        "NATO",
        "No, I do not know anyone",
        "Not at all",
        "Refuse to pay taxes",
        "Missing children are a problem",
        "Can't say no",
        "No (refused)",
        "1. Yes",
        "2 or more",
        "10",
    ],
)
def test_a_real_option_is_kept(text: str) -> None:
    assert not is_non_answer(text)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (
            ROW | {"selections": "{'Mexico': __import__('os').getcwd()}"},
            "selections is not a literal",
        ),
        (ROW | {"selections": "nonsense"}, "selections is not a literal"),
        (ROW | {"selections": "{" * 5000 + "}" * 5000}, "selections is not a literal"),
        (ROW | {"selections": "{1, 2}"}, "selections is not a mapping"),
        (ROW | {"options": "[x for x in 'abc']"}, "options is not a literal"),
        (selections("{'Mexico': [0.5, 0.5]}"), "shares and options differ"),
        (selections("{'Mexico': [1.5, 0.0, 0.0]}"), "shares are not in [0, 1]"),
        (selections("{'Mexico': [1e999, 0.0, 0.0]}"), "shares are not in [0, 1]"),
        (selections("{'Mexico': 'all'}"), "shares are not in [0, 1]"),
    ],
)
def test_anything_but_a_literal_is_named_with_its_row_or_counted(
    tmp_path: Path, row: dict[str, str], reason: str
) -> None:
    path = write(tmp_path, ROW, row)
    with pytest.raises(InvalidInput, match=r"goqa\.csv:3"):
        GlobalOpinions(path).survey()
    tally = Tally()
    GlobalOpinions(path, skip_bad=True).survey(tally)
    assert tally.dropped == {reason: 1}


def test_the_best_sample_of_a_country_is_kept_and_the_others_counted(tmp_path: Path) -> None:
    text = (
        "{'India (Old national sample)': [0.1, 0.9, 0.0], 'India (Non-national sample)': [0.2, "
        "0.8, 0.0], "
        "'India (Current national sample)': [0.3, 0.7, 0.0], 'China (Non-national sample)': [1.0, "
        "0.0, 0.0]}"
    )
    tally = Tally()
    survey = GlobalOpinions(write(tmp_path, selections(text))).survey(tally)
    assert {d.community: d.probs_O[0] for d in survey.distributions} == {"IND": 0.3, "CHN": 1.0}
    assert tally.left_out == {
        "second sample of a country: old national sample": 1,
        "second sample of a country: non-national sample": 1,
    }
    assert tally.notes == {"current national sample": 1, "non-national sample": 1}


def test_odd_sums_are_flagged_and_unknown_labels_counted(tmp_path: Path) -> None:
    tally = Tally()
    text = "{'Mexico': [0.5, 0.3, 0.0], 'Atlantis': [1.0, 0.0, 0.0]}"
    survey = GlobalOpinions(write(tmp_path, selections(text))).survey(tally)
    assert survey.communities == ("MEX",)
    assert (tally.flagged, tally.left_out) == (
        {"shares do not sum to 1": 1},
        {"unresolved label: Atlantis": 1},
    )


def test_a_question_given_twice_is_merged(tmp_path: Path) -> None:
    tally = Tally()
    text = "{'Mexico': [0.9, 0.1, 0.0], 'Chile': [0.8, 0.2, 0.0]}"
    survey = GlobalOpinions(write(tmp_path, ROW, selections(text))).survey(tally)
    assert (len(survey.questions), survey.communities) == (1, ("CHL", "GBR", "MEX"))
    assert tally.left_out == {"question given twice for one country": 1}


def test_repeated_and_empty_options_make_no_pairs(tmp_path: Path) -> None:
    row = selections("{'Mexico': [0.5, 0.3, 0.2]}")
    tally = Tally()
    source = GlobalOpinions(write(tmp_path, row | {"options": "['Yes', 'Yes', 'No']"}))
    assert len(list(source.pairs(tally))) == 2
    assert tally.left_out == {"repeated option": 1}
    assert (
        len(list(GlobalOpinions(write(tmp_path, row | {"options": "['Yes', '', 'No']"})).pairs()))
        == 1
    )
    with pytest.raises(NotEnoughData):
        GlobalOpinions(write(tmp_path, row | {"options": "['Yes', '', 'Refused']"})).survey()


@pytest.mark.parametrize("name", ["Britain", "GBR"])
def test_a_label_or_a_community_can_be_left_out(tmp_path: Path, name: str) -> None:
    tally = Tally()
    assert GlobalOpinions(write(tmp_path, ROW), exclude=(name,)).survey(tally).communities == (
        "MEX",
    )
    assert tally.left_out == {"excluded: Britain": 1}


def test_leaving_out_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="Austarlia"):
        GlobalOpinions(write(tmp_path, ROW), exclude=("Austarlia",)).survey()


def test_exactly_one_origin_is_required(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="neither path nor hub"):
        GlobalOpinions()
    with pytest.raises(InvalidInput, match="both path and hub"):
        GlobalOpinions(tmp_path, hub=True)
    source = TypeAdapter(GlobalOpinions).validate_python(
        {"path": str(tmp_path), "exclude": ["Australia"]}
    )
    assert isinstance(source, PairSource)
    assert isinstance(source, SurveySource)
    assert source.exclude == ("Australia",)


def test_the_hub_gives_the_same_survey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("datasets")
    monkeypatch.setattr(module, "load_dataset", lambda *_, **__: [ROW], raising=False)
    monkeypatch.setitem(sys.modules, "datasets", module)
    assert GlobalOpinions(hub=True).survey() == GlobalOpinions(write(tmp_path, ROW)).survey()


def test_without_the_library_or_the_network_the_error_names_the_missing_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ConnectionError("no route")

    module = types.ModuleType("datasets")
    monkeypatch.setattr(module, "load_dataset", fail, raising=False)
    monkeypatch.setitem(sys.modules, "datasets", module)
    with pytest.raises(
        InvalidInput, match=r"Anthropic/llm_global_opinions cannot be loaded.*no route"
    ):
        GlobalOpinions(hub=True).survey()
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtra, match=r"pluralign\[hub\]"):
        GlobalOpinions(hub=True).survey()


@pytest.mark.shared
def test_every_real_label_is_resolved(shared_data: Path) -> None:
    tally = Tally()
    source = GlobalOpinions(shared_data / "global_opinions" / "llm_global_opinions_part.csv")
    survey = source.survey(tally)
    assert not any(reason.startswith("unresolved") for reason in tally.dropped)
    assert (tally.read, len(survey.questions), tally.kept, len(survey.communities)) == (
        1299,
        1299,
        1299,
        107,
    )
    assert all(community(id_).id == id_ for id_ in survey.communities)
    assert 450 < len({question.stem for question in survey.questions.values()}) < 650
