from pathlib import Path

import pytest

from pluralign.core import InvalidInput, NotEnoughData, Tally
from pluralign.sources import OpinionQa

INFO = """key,question,references,option_mapping
SAFE_W26,How safe?,"['Very safe', 'Not safe', 'Refused']",\
"{1.0: 'Very safe', 2.0: 'Not safe', 99.0: 'Refused'}"
ONE_W26,Only one?,"['Yes']","{1.0: 'Yes', 99.0: 'Refused'}"
"""
RESPONSES = """QKEY,SAFE_W26,CREGION,WEIGHT_W26
1,Very safe,South,3
2,Not safe,South,1
3,Very safe,North East,1
4,Refused,North East,1
5,Very safe,,1
6,Very safe,South,
"""


def wave(folder: Path, info: str = INFO, responses: str = RESPONSES) -> Path:
    (folder / "info.csv").write_text(info, "utf-8")
    (folder / "responses.csv").write_text(responses, "utf-8")
    return folder


def test_shares_are_weighted_and_refusals_are_no_options(tmp_path: Path) -> None:
    tally = Tally()
    survey = OpinionQa(wave(tmp_path)).survey(tally)
    (found,) = survey.distributions
    assert survey.questions["SAFE_W26"].options == ("Very safe", "Not safe")
    assert (found.community, found.n) == ("USA", 4)
    assert found.probs_O == pytest.approx((5 / 6, 1 / 6))
    assert tally.dropped == {"no weight": 1}
    assert (tally.read, tally.balanced) == (6, True)


def test_a_group_divides_people_into_communities(tmp_path: Path) -> None:
    tally = Tally()
    survey = OpinionQa(wave(tmp_path), group="CREGION").survey(tally)
    assert survey.communities == ("USA/north-east", "USA/south")
    south = survey.distribution("SAFE_W26", "USA/south")
    assert south is not None
    assert south.probs_O == pytest.approx((0.75, 0.25))
    assert tally.dropped == {"no CREGION": 1, "no weight": 1}


def test_without_weights_everybody_counts_once(tmp_path: Path) -> None:
    responses = "QKEY,SAFE_W26\n1,Very safe\n2,Not safe\n"
    (found,) = OpinionQa(wave(tmp_path, responses=responses)).survey().distributions
    assert found.probs_O == (0.5, 0.5)


def test_the_option_that_more_people_gave_is_chosen(tmp_path: Path) -> None:
    (pair,) = OpinionQa(wave(tmp_path)).pairs()
    assert (pair.prompt, pair.chosen, pair.rejected) == ("How safe?", "Very safe", "Not safe")


@pytest.mark.parametrize(
    ("info", "responses", "error", "message"),
    [
        ("key,question\nA,B\n", RESPONSES, InvalidInput, "option_mapping"),
        (
            INFO.replace("{1.0: 'Very safe'", "{1.0 'Very safe'"),
            RESPONSES,
            InvalidInput,
            r"info\.csv:2",
        ),
        (INFO, "QKEY,SAFE_W26\n1,Refused\n", NotEnoughData, "nobody gave a real answer"),
    ],
)
def test_another_layout_is_refused(
    info: str, responses: str, error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        OpinionQa(wave(tmp_path, info, responses)).survey()


def test_a_group_that_is_no_column_is_refused_with_the_columns_found(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="REGION"):
        OpinionQa(wave(tmp_path), group="REGION").survey()


@pytest.mark.parametrize(
    ("info", "responses", "where"),
    [
        (INFO.replace("SAFE_W26,How", ",How"), RESPONSES, "info.csv:2"),
        (INFO, RESPONSES.replace("South,3", "South,heavy"), "responses.csv:2"),
        (INFO, RESPONSES.replace("South,3", "South,-3"), "responses.csv:2"),
    ],
)
def test_a_bad_id_or_weight_is_refused_with_its_line(
    tmp_path: Path, info: str, responses: str, where: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        OpinionQa(wave(tmp_path, info, responses)).survey()
    assert str(refused.value.where).endswith(where)


def test_bad_rows_are_counted_where_they_are_skipped(tmp_path: Path) -> None:
    tally = Tally()
    folder = wave(
        tmp_path, INFO + "BAD_W26,What?,[],no mapping\n", RESPONSES + "7,Very safe,South,heavy\n"
    )
    survey = OpinionQa(folder, skip_bad=True).survey(tally)
    assert survey.distributions == OpinionQa(wave(tmp_path)).survey().distributions
    assert tally.dropped == {"no weight": 1, "WEIGHT_W26 is not a number": 1}
    assert tally.left_out == {
        "option_mapping is not a mapping code -> option": 1,
        "question with fewer than two real options": 1,
        "answer that is no option (refused, or not asked)": 1,
    }


def test_people_of_weight_zero_count_for_nothing(tmp_path: Path) -> None:
    tally = Tally()
    OpinionQa(wave(tmp_path, responses=RESPONSES.replace("South,3", "South,0"))).survey(tally)
    assert tally.dropped == {"no weight": 2}


def test_people_who_refused_or_withdrew_consent_are_counted(tmp_path: Path) -> None:
    responses = "QKEY,SAFE_W26,consent\n1,Very safe,yes\n2,Not safe,withdrawn\n"
    tally = Tally()
    (found,) = OpinionQa(wave(tmp_path, responses=responses)).survey(tally).distributions
    assert found.n == 1
    assert tally.dropped == {"consent refused or withdrawn": 1}
