"""A table fits its width, loses no number, and is the same table in a pipe."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pluralign.cli.printed_tables import (
    GAP,
    Number,
    PrintedColumn,
    PrintedTable,
    cut_end,
    cut_middle,
    fitted,
    tab_separated,
)

TEXTS = st.text(st.characters(exclude_categories=("C", "Z")), max_size=40)


def table_of(names: list[str]) -> PrintedTable:
    columns = [
        PrintedColumn(head="method", cut="middle", least=6),
        PrintedColumn(head="average", interval=True),
        PrintedColumn(head="contested", rank=2, interval=True),
        PrintedColumn(head="worst", rank=1, interval=True),
    ]
    number = Number("61.5", "58.0", "65.0")
    return PrintedTable(
        columns=columns, rows=[[name, number, Number("7.0"), number] for name in names]
    )


def width_of(table: PrintedTable, width: int | None) -> int:
    found = fitted(table, width)
    heads = [cell_len(head) for head in found.heads]
    widths = [max([head, *(row[k].cell_len for row in found.rows)]) for k, head in enumerate(heads)]
    return sum(widths) + GAP * (len(widths) - 1)


@given(st.lists(TEXTS, min_size=1, max_size=5), st.integers(30, 130))
def test_a_table_fits_its_width_in_any_script(names: list[str], width: int) -> None:
    assert width_of(table_of(names), width) <= width


@given(TEXTS, st.integers(1, 50))
def test_a_text_that_is_cut_has_at_most_its_width_and_others_stay(text: str, width: int) -> None:
    for cut in (cut_middle(text, width), cut_end(text, width)):
        assert cell_len(cut) <= width
        assert (cut == text) == (cell_len(text) <= width)


def test_columns_of_the_highest_rank_leave_first_and_are_named() -> None:
    found = fitted(table_of(["full"]), 50)
    assert found.left_out == ["contested"]
    assert fitted(table_of(["full"]), 30).left_out == ["contested", "worst"]


def test_a_column_of_rank_zero_never_leaves() -> None:
    assert fitted(table_of(["full"]), 1).heads == ["method", "average"]


def test_without_a_width_nothing_is_cut_or_left_out() -> None:
    name = "scpo-inverse-weight" * 3
    found = fitted(table_of([name]), None)
    assert (found.left_out, found.cut, found.rows[0][0].plain) == ([], False, name)


def test_names_that_differ_at_their_end_still_differ_when_cut() -> None:
    names = ["culture_aware_self_alignment", "culture_aware_cross_alignments"]
    shown = {str(row[0]) for row in fitted(table_of(names), 60).rows}
    assert len(shown) == 2


def test_a_pipe_gets_every_column_with_intervals_in_columns_of_their_own() -> None:
    header, row = (line.split("\t") for line in tab_separated(table_of(["a\tb\nc"])))
    assert header == [
        "method",
        *("average", "average_low", "average_high"),
        *("contested", "contested_low", "contested_high"),
        *("worst", "worst_low", "worst_high"),
    ]
    assert row == ["a b c", "61.5", "58.0", "65.0", "7.0", "", "", "61.5", "58.0", "65.0"]


def test_a_heading_of_several_lines_is_cut_line_by_line() -> None:
    column = PrintedColumn(
        head="organisation/Some-Large-Model\naware", cut_head=True, interval=True
    )
    table = PrintedTable(columns=[column], rows=[[Number("65.0", "60.0", "70.0")]])
    assert fitted(table, 80).heads == ["organisa…ge-Model\naware"]
