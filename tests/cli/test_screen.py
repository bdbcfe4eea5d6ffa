"""Names and notes from elsewhere are shown as text."""

import json
import re

import pytest
from rich.table import Table

from pluralign.cli.output import Output
from pluralign.cli.printed_tables import PrintedColumn, PrintedTable
from pluralign.cli.screen import Screen, console

HOSTILE = "[red]m[/] \x1b[2J\x9b31m \x07 http://ann:secret@host/v1?api_key=secret"


@pytest.mark.parametrize("stderr", [False, True])
def test_a_console_passes_no_control_characters_on(
    capsys: pytest.CaptureFixture[str], stderr: bool
) -> None:
    table = Table("\x1b[31mname")
    table.add_row("\x1b]0;title\x07cell")
    console(stderr).print(table)

    shown = "".join(capsys.readouterr())
    assert "cell" in shown
    assert not {"\x1b", "\x07"} & set(shown)


def test_stages_and_notes_show_markup_as_text_and_no_secrets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Screen() as screen:
        screen.stage(f"asking {HOSTILE}")
        screen.note(HOSTILE)

    shown = "".join(capsys.readouterr())
    assert shown.count("[red]m[/]") == 2
    assert not {"\x1b", "\x9b", "\x07"} & set(shown)
    assert "note: [red]m[/] [2J31m  http://***@host/v1?api_key=***" in shown


def printed_row(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines of standard output for a Persian text in front of a number."""
    output = Output(wide=True)
    output.line("تهران: 3 questions")
    table = PrintedTable(columns=[PrintedColumn(head="what"), PrintedColumn(head="people")])
    table.rows.append(["نان \u202eسنگک", "12"])
    output.table(table)
    return capsys.readouterr().out.splitlines()


def test_words_from_right_to_left_are_isolated_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    shown = printed_row(capsys)
    assert "\u2067تهران\u2069: 3 questions" in shown[0]
    assert re.fullmatch(r"\u2067نان سنگک\u2069  12 *", shown[-1])


def test_pipes_and_json_get_texts_without_isolates(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed_row(capsys)[-1] == "نان \u202eسنگک\t12"
    Output(as_json=True).json({"text": "نان"})
    assert json.loads(capsys.readouterr().out) == {"text": "نان"}
