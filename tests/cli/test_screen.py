"""Names and notes from elsewhere are shown as text."""

import pytest
from rich.table import Table

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
