import json
from dataclasses import replace
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
    assert shares == {
        ("GBR", "Q1"): (0.6, 0.4, 0.0),
        ("MEX", "Q1"): (0.7, 0.0, 0.3),
        ("MEX", "Q94"): (0.5, 0.0, 0.2),
    }
    assert survey.questions["Q94"].codes == ("0", "1", "2")
    assert tally.dropped == {
        "excluded question": 1,
        "fewer than two options": 1,
        "question without shares": 1,
    }
    assert tally.left_out == {"code without an option: Q1": 1, "no answers in GBR": 1}
    assert sum(tally.notes.values()) == 1
    assert (tally.read, tally.kept) == (5, 2)


def test_codes_start_at_zero_where_the_wave_states_it_even_if_no_answer_is_zero(
    tmp_path: Path,
) -> None:
    shares = {"MEX": {"Q94": {"1": 0.5, "2": 0.5}, "Q1": {"1": 0.5, "2": 0.5}}}
    survey = ShareTable(write(tmp_path, shares=shares)).survey()
    assert {d.question: d.probs_O for d in survey.distributions} == {
        "Q1": (0.5, 0.5, 0.0),
        "Q94": (0.0, 0.5, 0.5),
    }


def test_options_that_are_numbers_lie_on_a_scale(tmp_path: Path) -> None:
    survey = ShareTable(
        write(tmp_path, shares={"MEX": {"Q48": {"1": 1.0}, "Q1": {"1": 1.0}}})
    ).survey()
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
    text = (
        "B_COUNTRY_ALPHA,W_WEIGHT,Q1,Q94,Q48,other\nMEX,1,1,0,2,x\nMEX,2,2,-1,2,y\nMEX,1,-2,2,2,\n"
    )
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
    assert (found.probs_O, found.n, tally.left_out["code without an option: Q48"]) == (
        (0.5, 0.0),
        1,
        1,
    )


@pytest.mark.parametrize("mark", ["NA", "", " ", ".", "n/a", "NA\u00a0"])
def test_respondents_without_a_country_are_counted(tmp_path: Path, mark: str) -> None:
    tally = Tally()
    rows = f"{mark},1,1,1,1\nNIR ,1,1,1,1\n MEX\u00a0,1,1,1,1\nNAM,1,1,1,1\n"
    survey = write_microdata(tmp_path, "B_COUNTRY_ALPHA,W_WEIGHT,Q1,Q94,Q48\n" + rows).survey(tally)
    assert {d.community for d in survey.distributions} == {"GBR/northern-ireland", "MEX", "NAM"}
    assert [n for reason, n in tally.dropped.items() if reason.startswith("no country")] == [1]


def test_respondents_without_a_weight_are_counted(tmp_path: Path) -> None:
    tally = Tally()
    source = write_microdata(
        tmp_path, "B_COUNTRY_ALPHA;W_WEIGHT;Q1;Q94;Q48\nMEX;;1;0;1\nMEX;1;1;0;1\n"
    )
    survey = source.survey(tally)
    assert (tally.dropped["no weight"], survey.distributions[0].n) == (1, 1)
    assert isinstance(source, SurveySource)
    assert report_on(source).people == {"MEX": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "missing column B_COUNTRY_ALPHA or"),
        ("B_COUNTRY_ALPHA,W_WEIGHT,Q1,Q94\nMEX,1,1,1\n", "no column for 1 of 3 questions: Q48"),
        ("B_COUNTRY_ALPHA,W_WEIGHT,Q1,Q94,Q48\nMEX,1,often,1,1\n", "Q1 must be numbers"),
        ("B_COUNTRY_ALPHA,W_WEIGHT,Q1,Q94,Q48\nMEX,1\n", "not a CSV of respondents"),
        ("B_COUNTRY_ALPHA,Q1,Q94,Q48\nMEX,1,1,1\n", "missing column W_WEIGHT or"),
    ],
)
def test_a_file_that_is_not_microdata_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        write_microdata(tmp_path, text).survey()


def test_microdata_settings_are_validated(tmp_path: Path) -> None:
    source = TypeAdapter(WvsMicrodata).validate_python(
        {"path": "w.csv", "questions": "questions.json"}
    )
    with pytest.raises(InvalidInput, match="cannot be read"):
        source.survey()
    with pytest.raises(InvalidInput, match="no such file"):
        WvsMicrodata(tmp_path / "none.csv", write(tmp_path) / "questions.json").survey()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("weight", ["0.5", '"0,5"'])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_microdata_are_read_however_they_were_saved(
    tmp_path: Path, delimiter: str, weight: str, encoding: str
) -> None:
    rows = [["B_COUNTRY_ALPHA", "W_WEIGHT", "Q1", "Q94", "Q48"], ["MEX", weight, "1", "1", "1"]]
    rows.append(["MEX", "1", "2", "-1", "2"])
    source = write_microdata(tmp_path, "")
    source.path.write_text("".join(delimiter.join(row) + "\n" for row in rows), encoding)
    found = source.survey().distribution("Q1", "MEX")
    assert found is not None
    assert (found.probs_O, found.n) == (pytest.approx((1 / 3, 2 / 3, 0.0)), 2)


def test_na_is_not_a_country_and_has_a_reason(tmp_path: Path) -> None:
    source = write_microdata(tmp_path, "B_COUNTRY_ALPHA,W_WEIGHT,Q1,Q94,Q48\nNA,1,1,1,1\n")
    with pytest.raises(NotEnoughData) as caught:
        source.survey()
    assert "no country (R writes missing as NA" in str(caught.value.hint)


def test_weights_that_are_all_empty_are_named_and_can_be_left_out(tmp_path: Path) -> None:
    source = write_microdata(tmp_path, "B_COUNTRY_ALPHA,W_WEIGHT,Q1,Q94,Q48\n" + "MEX,,1,1,1\n" * 5)
    with pytest.raises(
        NotEnoughData, match=r"no respondent has a weight \(W_WEIGHT is empty in 5 rows\)"
    ):
        source.survey()
    assert replace(source, weighted=False).survey().distributions[0].n == 5


@pytest.mark.parametrize(
    ("country", "cell", "weight", "question"),
    [
        ("S003", "484", "S017", "A001"),
        ("COUNTRY_ALPHA", "MEX", "S017", "A001"),
        ("cntry_AN", "MX", "gwght", "A001"),
        ("country", "484.0", "gweight", "v1"),
        ("c_abrv", "MX", "gweight", "v1"),
    ],
)
def test_other_waves_and_the_european_survey_are_read(
    tmp_path: Path, country: str, cell: str, weight: str, question: str
) -> None:
    source = write_microdata(tmp_path, f"{country},{weight},{question}\n{cell},2,1\n{cell},2,-4\n")
    asked = [{"Q_id": question, "question": "Important?", "option_lst": ["Yes", "No"]}]
    source.questions.write_text(json.dumps(asked), "utf-8")
    (found,) = source.survey().distributions
    assert (found.community, found.probs_O, found.n) == ("MEX", (0.5, 0.0), 1)


def test_a_wave_with_numbered_columns_needs_its_weight_named(tmp_path: Path) -> None:
    source = write_microdata(tmp_path, "V2;V258;V4\n484;0,5;1\n909;1;2\n")
    asked = [{"Q_id": "V4", "question": "Important?", "option_lst": ["Yes", "No"]}]
    source.questions.write_text(json.dumps(asked), "utf-8")
    with pytest.raises(InvalidInput) as caught:
        source.survey()
    assert 'weight = "..."; weighted = false' in str(caught.value.hint)
    found = replace(source, weight="V258").survey()
    assert [d.community for d in found.distributions] == ["GBR/northern-ireland", "MEX"]


def test_a_weight_that_may_be_thousands_is_refused_unless_semicolons_part_the_cells(
    tmp_path: Path,
) -> None:
    asked = [{"Q_id": "A001", "question": "Important?", "option_lst": ["Yes", "No"]}]
    source = write_microdata(tmp_path, 'S003,S017,A001\n484,"0,900",1\n484,"1,234",1\n')
    source.questions.write_text(json.dumps(asked), "utf-8")
    with pytest.raises(InvalidInput, match=r"S017 must be numbers, got '1,234'") as caught:
        source.survey()
    assert "decimal point" in str(caught.value.hint)
    source.path.write_text("S003;S017;A001\n484;0,766;2\n484;1,234;1\n", "utf-8")
    (found,) = source.survey().distributions
    assert found.probs_O == pytest.approx((0.617, 0.383))


def test_a_long_header_is_never_printed_whole_and_its_layout_is_named(tmp_path: Path) -> None:
    header = ",".join(f"V{n}" for n in range(1, 800))
    source = replace(write_microdata(tmp_path, header + "\n"), weight="V258")
    with pytest.raises(InvalidInput) as caught:
        source.survey()
    assert "V-numbers: World Values Survey wave 5 or 6" in str(caught.value.hint)
    assert len(str(caught.value)) < 400


def test_quoted_line_breaks_in_the_header_and_the_cells_are_read(tmp_path: Path) -> None:
    rows = "".join(f'MEX,1,{n % 4 + 1},1,1,"{"long " * 500}\nremark"\n' for n in range(1200))
    source = write_microdata(tmp_path, f'B_COUNTRY_ALPHA,W_WEIGHT,Q1,Q94,Q48,"re\nmark"\n{rows}')
    tally = Tally()
    source.survey(tally)
    assert (tally.read, tally.kept) == (1200, 1200)


@pytest.mark.parametrize("mark", ["null", "<NA>", "#N/A", "#NULL!", "nan", "-", "."])
def test_marks_of_missing_numbers_are_missing_answers(tmp_path: Path, mark: str) -> None:
    text = f"B_COUNTRY_ALPHA,W_WEIGHT,Q1,Q94,Q48\nMEX,1,{mark},1,1\nMEX,1,1,1,1\n"
    survey = write_microdata(tmp_path, text).survey()
    assert {d.question: d.n for d in survey.distributions}["Q1"] == 1


def test_respondents_who_refused_or_withdrew_consent_are_counted(tmp_path: Path) -> None:
    header = "B_COUNTRY_ALPHA,W_WEIGHT,Q1,Q94,Q48,Consent,withdrawn"
    people = ["yes,", "no,", "1,2024-05-01", ",no", "perhaps,"]
    rows = "".join(f"\nMEX,1,1,1,1,{said}" for said in people)
    tally = Tally()
    write_microdata(tmp_path, header + rows).survey(tally)
    assert (tally.read, tally.kept, tally.balanced) == (5, 2, True)
    assert tally.dropped == {
        "consent refused or withdrawn": 2,
        "consent is neither yes nor no: perhaps": 1,
    }


def test_a_cell_that_is_not_a_number_is_shown_as_written(tmp_path: Path) -> None:
    text = "B_COUNTRY_ALPHA,W_WEIGHT,Q1,Q94,Q48\nMEX,1,1,1,1\nMEX,1,Very important,1,1\n"
    with pytest.raises(InvalidInput, match="Q1 must be numbers, got 'Very important'"):
        write_microdata(tmp_path, text).survey()


@pytest.mark.parametrize(
    ("name", "text", "stated"),
    [
        ("README.md", "---\nlanguage: en\nlicense: cc-by-4.0  # data\n---\n# Card\n", "cc-by-4.0"),
        ("README.md", "---\nlicense:\n- mit\n- other\ntags: [a]\n---\n", "mit, other"),
        ("README.md", "---\nlicense: [mit, 'odc-by']\n---\n", "mit, odc-by"),
        ("README.md", '---\nlicense: "CC BY-SA 4.0" # data\n---\n', "CC BY-SA 4.0"),
        ("README.md", "Use freely.\nlicense: mit\n", "not stated"),
        ("LICENSE", "\n  Afrobarometer terms of use\n\nBe kind.\n", "Afrobarometer terms of use"),
        ("license.txt", "CC0 1.0 Universal\n", "CC0 1.0 Universal"),
        ("notes.txt", "CC0\n", "not stated"),
        ("LICENSE", "\n \n", "not stated"),
    ],
)
def test_the_licence_of_shares_is_the_one_of_their_folder(
    tmp_path: Path, name: str, text: str, stated: str
) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    source = ShareTable(write(tmp_path))
    assert (source.license, source.survey().license) == (stated, stated)
    assert {pair.license for pair in source.pairs()} == {stated}
    assert ShareTable(tmp_path, license="ours").license == "ours"
    assert replace(source, exclude_questions=()).license == stated


def test_a_data_set_card_states_the_licence_before_a_file_does(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n", "utf-8")
    (tmp_path / "LICENSE").write_text("MIT License\n", "utf-8")
    assert report_on(ShareTable(write(tmp_path))).license == "cc-by-4.0"
