"""Tables of two responses and a preference."""

from pathlib import Path

import pytest

from pluralign.core import InvalidInput, Tally
from pluralign.sources import AbPairs, JsonlPairs


def write(
    folder: Path, *preferences: str, header: str = "prompt,response_a,response_b,preference"
) -> Path:
    path = folder / "ab.csv"
    path.write_text(
        "\n".join([header, *(f"Q{i},left{i},right{i},{p}" for i, p in enumerate(preferences))])
        + "\n"
    )
    return path


def test_the_preferred_response_is_chosen_and_ties_are_counted(tmp_path: Path) -> None:
    tally = Tally()
    pairs = list(AbPairs(write(tmp_path, "A", " model_B ", "tie", "", "right")).pairs(tally))
    assert [(p.chosen, p.rejected) for p in pairs] == [
        ("left0", "right0"),
        ("right1", "left1"),
        ("right4", "left4"),
    ]
    assert (tally.read, tally.kept, tally.dropped) == (5, 3, {"tie": 1, "no preference": 1})


def test_numbers_mean_a_side_only_where_settings_define_it(tmp_path: Path) -> None:
    path = write(tmp_path, "1", "2.0", "0")
    with pytest.raises(InvalidInput, match="'preference' must be a known value, got '1'") as caught:
        list(AbPairs(path).pairs())
    assert "prefers_a" in str(caught.value.hint)
    source = AbPairs(path, prefers_a=("1",), prefers_b=("2",), ties=("0",))
    assert [p.chosen for p in source.pairs()] == ["left0", "right1"]


def test_a_value_must_not_have_two_meanings(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="'1' must be listed once, got it twice"):
        AbPairs(tmp_path / "ab.csv", prefers_a=("1",), prefers_b=("1.0",))


def test_a_missing_column_is_offered(tmp_path: Path) -> None:
    path = write(tmp_path, "A", header="prompt,answer_a,answer_b,winner")
    with pytest.raises(InvalidInput, match="no column 'response_a'") as caught:
        list(AbPairs(path).pairs())
    assert caught.value.hint == "name it: --set pairs.a=answer_a"
    tally = Tally()
    (pair,) = AbPairs(path, a="answer_a", b="answer_b", preference="winner").pairs(tally)
    assert (pair.chosen, tally.advice) == ("left0", [])


@pytest.mark.parametrize(
    "names", ["response_a,response_b", "Answer A,Answer B", "completion-a,completion-b"]
)
def test_pairs_point_to_the_source_for_tables_of_two_sides(tmp_path: Path, names: str) -> None:
    path = write(tmp_path, "A", header=f"prompt,{names},winner")
    with pytest.raises(InvalidInput, match='use source = "ab"'):
        list(JsonlPairs(path).pairs())


def test_semicolons_make_the_comma_of_a_number_decimal(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("prompt;response_a;response_b;preference;weight\nQ;x;y;A;1,234\n", "utf-8")
    (pair,) = AbPairs(path).pairs()
    assert pair.weight == 1.234
