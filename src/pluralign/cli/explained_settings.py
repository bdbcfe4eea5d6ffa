"""The output of ``--explain``."""

import ast
import json
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.text import Text

from pluralign.cli.output import Output
from pluralign.cli.printed_tables import PrintedColumn, PrintedTable, cut_end
from pluralign.settings import Explained

_KEY_WIDTH = 22
_VALUE_WIDTH = 38
_INDENT = 4


def show_explained(settings: Sequence[Explained], output: Output) -> None:
    """Print every setting: value, origin, meaning, allowed values and unit.

    On a terminal each setting has a line of its own and its meaning below it. With ``--wide`` and
    in a pipe there is one line for each setting.
    """
    if output.as_json:
        output.json([setting.as_dict() for setting in settings])
        return
    if output.whole:
        output.table(_table(settings))
        return
    for section, found in groupby(settings, key=lambda setting: _section(setting.key)):
        output.line()
        if section:
            output.line(f"[{section}]", style="bold")
        for setting in found:
            for line in _lines(setting, section):
                output.paragraph(line, indent=_INDENT if line.style == "dim" else 0)


def _table(settings: Sequence[Explained]) -> PrintedTable:
    heads = ("setting", "value", "from", "unit", "allowed", "description")
    table = PrintedTable(columns=[PrintedColumn(head=head) for head in heads])
    for s in settings:
        table.rows.append([s.key, _value(s), s.origin, s.unit, s.allowed, s.description])
    return table


def _lines(setting: Explained, section: str) -> Iterator[Text]:
    key = setting.key.removeprefix(f"{section}.")
    value = cut_end(_value(setting), _VALUE_WIDTH)
    line = Text(f"{key:<{_KEY_WIDTH}} {value:<{_VALUE_WIDTH}} {setting.origin}")
    line.stylize("bold", 0, len(key))
    yield line
    unit = f"Unit: {setting.unit}." if setting.unit else ""
    anything = setting.allowed in ("", "text")
    allowed = "" if anything else f"Allowed: {setting.allowed}."
    meaning = " ".join(part for part in (setting.description, allowed, unit) if part)
    if meaning:
        yield Text(meaning, style="dim")


def _section(key: str) -> str:
    return key.rpartition(".")[0]


def _value(setting: Explained) -> str:
    """The value as a settings file has it, such as ``false``; a dash where it is unset."""
    if setting.value in ("True", "False"):
        return setting.value.lower()
    if setting.value.startswith("["):
        return _list_as_toml(setting.value)
    return "-" if setting.value in ("", "None") else setting.value


def _list_as_toml(text: str) -> str:
    """A list of texts or numbers as TOML writes it; other text as it is.

    >>> _list_as_toml("['full', 'scpo']")
    '["full", "scpo"]'
    """
    try:
        return json.dumps(ast.literal_eval(text), ensure_ascii=False)
    except (ValueError, SyntaxError, TypeError):
        return text
