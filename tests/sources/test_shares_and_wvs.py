import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from pluralign.core import InvalidInput, NotEnoughData, SurveySource, Tally
from pluralign.sources import ShareTable, WvsMicrodata, report_on

QUESTIONS = [
    {"Q_id": "Q1", "question": "Is family important?", "option_lst": ["Very", "Rather", "Not"]},
    {"Q_id": "Q94", "question": "Are you a member?", "option_lst": ["No", "Inactive", "Active"]},
    {"Q_id": "Q48", "question": "How free are you?", "option_lst": ["1", "2"]},
    {"Q_id": "Q260", "question": "Sex?", "option_lst": ["Male", "Female"]},
    {"Q_id": "X1", "question": "How old?", "option_lst": []},
]
SHARES = {
    "MEX": {"Q1": {"1": 0.7, "3": 0.3}, "Q94": {"0": 0.5, "2": 0.2}, "Q260": {"1": 1.0}},
    "GBR": {"Q1": {"2": 0.4, "1": 0.6, "4": 0.1}, "Q94": {}},
}


def write(folder: Path, questions: object = QUESTIONS, shares: object = SHARES) -> Path:
    (folder / "questions.json").write_text(json.dumps(questions), "utf-8")
    (folder / "country_proportions.json").write_text(json.dumps(shares), "utf-8")
    return folder


def test_codes_find_their_options_and_what_is_missing_is_counted(tmp_path: Path) -> None:
    tally = Tally()
    survey = ShareTable(write(tmp_path)).survey(tally)
    shares = {(d.community, d.question): d.probs_O for d in survey.distributions}
    assert shares == {("GBR", "Q1"): (0.6, 0.4, 0.0), ("MEX", "Q1"): (0.7, 0.0, 0.3), ("MEX", "Q94"): (0.5, 0.0, 0.2)}
    assert survey.questions["Q94"].codes == ("0", "1", "2")
    assert tally.dropped == {
        "excluded question": 1,
        "fewer than two options": 1,
        "question without shares": 1,
    }
    assert tally.left_out == {"code without an option: Q1": 1, "no answers in GBR": 1}
    assert sum(tally.notes.values()) == 1
    assert (tally.read, tally.kept) == (5, 2)


def test_codes_start_at_zero_where_the_wave_says_so_even_if_nobody_gave_zero(tmp_path: Path) -> None:
    shares = {"MEX": {"Q94": {"1": 0.5, "2": 0.5}, "Q1": {"1": 0.5, "2": 0.5}}}
    survey = ShareTable(write(tmp_path, shares=shares)).survey()
    assert {d.question: d.probs_O for d in survey.distributions} == {"Q1": (0.5, 0.5, 0.0), "Q94": (0.0, 0.5, 0.5)}


def test_options_that_are_numbers_lie_on_a_scale(tmp_path: Path) -> None:
    survey = ShareTable(write(tmp_path, shares={"MEX": {"Q48": {"1": 1.0}, "Q1": {"1": 1.0}}})).survey()
    assert (survey.questions["Q48"].ordered, survey.questions["Q1"].ordered) == (True, None)


@pytest.mark.parametrize(
    "shares",
    [[], {}, {"Atlantis": {}}, {"MEX": []}, {"MEX": {"Q1": []}}, {"MEX": {"Q1": {"one": 0.5}}}]
    + [{"MEX": {"Q1": {"1": value}}} for value in ("0.5", 1.5, -0.1, float("nan"), True)]
    + [{"MEX": {"Q1": {"1": 1}}, "Mexico": {"Q1": {"1": 1}}}],
)
def test_a_table_not_in_the_layout_is_refused(tmp_path: Path, shares: object) -> None:
    with pytest.raises(InvalidInput, match="country_proportions"):
        ShareTable(write(tmp_path, shares=shares)).survey()


@pytest.mark.parametrize("questions", [{}, [{"Q_id": "Q1"}], ["Q1"], [QUESTIONS[0], QUESTIONS[0]]])
def test_questions_not_in_the_layout_are_refused(tmp_path: Path, questions: object) -> None:
    with pytest.raises(InvalidInput, match=r"questions\.json"):
        ShareTable(write(tmp_path, questions)).survey()


def test_missing_and_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"questions\.json"):
        ShareTable(tmp_path).survey()
    write(tmp_path)
    (tmp_path / "country_proportions.json").write_bytes(b"\xff")
    with pytest.raises(InvalidInput, match="not JSON in UTF-8"):
        ShareTable(tmp_path).survey()


def test_no_shares_at_all_is_not_enough_data(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData):
        ShareTable(write(tmp_path, shares={"MEX": {}})).survey()


@pytest.mark.shared
def test_the_real_table_has_nineteen_countries_and_259_questions(shared_data: Path) -> None:
    tally = Tally()
    survey = ShareTable(shared_data / "wvs").survey(tally)
    assert (len(survey.communities), len(survey.questions)) == (19, 259)
    assert tally.dropped["excluded question"] == 32
    assert tally.left_out["no answers in CHN"] == 37
    zero = {id_ for id_, question in survey.questions.items() if question.codes[0] == "0"}
    assert len(zero) == 30
    assert not any("code without" in reason for reason in tally.left_out)


def write_microdata(folder: Path, text: str) -> WvsMicrodata:
    write(folder)
    (folder / "wvs.csv").write_text(text, "utf-8")
    return WvsMicrodata(folder / "wvs.csv", folder / "questions.json")


def test_microdata_become_weighted_shares_with_their_people(tmp_path: Path) -> None:
    text = "B_COUNTRY_ALPHA,W_WEIGHT,Q1,Q94,Q48,other\nMEX,1,1,0,2,x\nMEX,2,2,-1,2,y\nMEX,1,-2,2,2,\n"
    text += "NIR,1,9,1,1,z\nXYZ,1,1,1,1,z\n"
    tally = Tally()
    survey = write_microdata(tmp_path, text).survey(tally)
    found = {(d.community, d.question): (d.probs_O, d.n) for d in survey.distributions}
    assert found["MEX", "Q1"] == ((0.25, 0.5, 0.0), 2)
    assert found["MEX", "Q94"] == ((0.25, 0.0, 0.25), 2)
    assert found["GBR/northern-ireland", "Q94"] == ((0.0, 1.0, 0.0), 1)
    assert tally.notes == {"respondents MEX": 3, "respondents GBR/northern-ireland": 1}
    assert tally.dropped["unresolved label: XYZ"] == 1
    assert tally.left_out["code without an option: Q1"] == 1
    assert tally.left_out["no answers in GBR/northern-ireland"] == 1
    assert (tally.read, tally.kept) == (5, 4)


@pytest.mark.parametrize("code", ["99", "1.5", "3"])
def test_a_code_no_option_has_is_counted(tmp_path: Path, code: str) -> None:
    tally = Tally()
    text = f"B_COUNTRY_ALPHA,W_WEIGHT,Q1,Q94,Q48\nMEX,1,1,1,{code}\nMEX,1,1,1,1\n"
    survey = write_microdata(tmp_path, text).survey(tally)
    found = survey.distribution("Q48", "MEX")
    assert found is not None
    assert (found.probs_O, found.n, tally.left_out["code without an option: Q48"]) == ((0.5, 0.0), 1, 1)


@pytest.mark.parametrize("mark", ["NA", "", " ", ".", "n/a", "NA\u00a0"])
def test_respondents_without_a_country_are_counted(tmp_path: Path, mark: str) -> None:
    tally = Tally()
    rows = f"{mark},1,1,1,1\nNIR ,1,1,1,1\n MEX\u00a0,1,1,1,1\nNAM,1,1,1,1\n"
    survey = write_microdata(tmp_path, "B_COUNTRY_ALPHA,W_WEIGHT,Q1,Q94,Q48\n" + rows).survey(tally)
    assert {d.community for d in survey.distributions} == {"GBR/northern-ireland", "MEX", "NAM"}
    assert tally.dropped["no country"] == 1


def test_respondents_without_a_weight_are_counted(tmp_path: Path) -> None:
    tally = Tally()
    source = write_microdata(tmp_path, "B_COUNTRY_ALPHA;W_WEIGHT;Q1;Q94;Q48\nMEX;;1;0;1\nMEX;1;1;0;1\n")
    survey = source.survey(tally)
    assert (tally.dropped["no weight"], survey.distributions[0].n) == (1, 1)
    assert isinstance(source, SurveySource)
    assert report_on(source).people == {"MEX": 1}


@pytest.mark.parametrize(
    "text",
    ["", "B_COUNTRY_ALPHA,W_WEIGHT,Q1,Q94\nMEX,1,1,1\n", "B_COUNTRY_ALPHA,W_WEIGHT,Q1,Q94,Q48\nMEX,1,often,1,1\n"],
)
def test_what_is_not_the_microdata_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput, match="not the WVS-7 CSV"):
        write_microdata(tmp_path, text).survey()


def test_microdata_settings_are_validated(tmp_path: Path) -> None:
    source = TypeAdapter(WvsMicrodata).validate_python({"path": "w.csv", "questions": "questions.json"})
    with pytest.raises(InvalidInput, match="cannot be read"):
        source.survey()
    with pytest.raises(InvalidInput, match="no such file"):
        WvsMicrodata(tmp_path / "none.csv", write(tmp_path) / "questions.json").survey()
