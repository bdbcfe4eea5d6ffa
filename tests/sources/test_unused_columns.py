"""Columns that are not used are named and offered, never assumed."""

from pathlib import Path

import pytest

from pluralign.core import InvalidInput, Tally
from pluralign.sources import JsonlPairs
from pluralign.sources.unused_columns import columns_not_used


def write(folder: Path, header: str) -> Path:
    path = folder / "pairs.csv"
    path.write_text(f"{header}\nQ,A,B,Mexico,u1\n")
    return path


def test_columns_that_look_like_ours_are_offered_with_the_options_that_set_them(
    tmp_path: Path,
) -> None:
    path, tally = write(tmp_path, "prompt,chosen,rejected,country,annotator_id"), Tally()
    (pair,) = JsonlPairs(path).pairs(tally)
    assert (pair.community, pair.rater) == ("~world", None)
    assert tally.advice == [
        "columns not used: country, annotator_id; did you mean community, rater? "
        "--set pairs.columns.community=country --set pairs.columns.rater=annotator_id"
    ]
    tally = Tally()
    (pair,) = JsonlPairs(path, columns={"community": "country", "rater": "annotator_id"}).pairs(
        tally
    )
    assert (pair.community, pair.rater, tally.advice) == ("MEX", "u1", [])


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("instruction,chosen,rejected,community,rater", "--set pairs.columns.prompt=instruction"),
        (
            "prompt,chosen_response,rejected_response,a,b",
            "chosen=chosen_response --set pairs.columns.rejected=",
        ),
        ("Prompt,chosen,rejected,community,rater", "--set pairs.columns.prompt=Prompt"),
    ],
)
def test_a_missing_column_is_offered_and_skipping_is_not_advised(
    tmp_path: Path, header: str, hint: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        list(JsonlPairs(write(tmp_path, header)).pairs())
    assert hint in str(caught.value.hint)
    assert "skip" not in str(caught.value.hint)


def test_a_wrong_name_in_columns_lists_those_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "prompt,chosen,rejected,country,annotator_id")
    with pytest.raises(
        InvalidInput, match=r"no column 'anotator_id'; found: prompt, .*annotator_id"
    ) as caught:
        list(JsonlPairs(path, columns={"rater": "anotator_id"}).pairs())
    assert caught.value.hint == "did you mean 'annotator_id'?"


def test_facts_about_people_are_used_by_audits_and_not_named(tmp_path: Path) -> None:
    tally = Tally()
    list(JsonlPairs(write(tmp_path, "prompt,chosen,rejected,community,age")).pairs(tally))
    assert tally.advice == []


def test_columns_that_are_read_for_consent_are_not_called_unused() -> None:
    assert columns_not_used(["Withdrawn_At", "opted_out", "consent_given"], ["rater"]) is None


def test_the_hint_of_a_missing_column_names_the_setting_for_it(tmp_path: Path) -> None:
    lacking = JsonlPairs(write(tmp_path, "prompt,chosen,no,country,person"))
    with pytest.raises(InvalidInput) as caught:
        list(lacking.pairs())
    assert str(caught.value.hint).endswith("--set pairs.columns.rejected=...")
    with pytest.raises(InvalidInput) as caught:
        list(JsonlPairs(lacking.path, columns={"rejected": "zzz"}).pairs())
    assert caught.value.hint == "set columns.rejected to one of these"
