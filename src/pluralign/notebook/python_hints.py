"""Hints in Python: messages of the lower layers name options of the command line."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from pluralign.core import PluralignError

_SET = re.compile(
    r"--set (?P<quote>['\"]?)pairs\.(?P<key>[\w.]+)=(?P<value>.+?)(?P=quote)(?=[\s,;)]|$)"
)
_IN_PYTHON = (
    (re.compile(r"\} columns=\{"), ", "),
    (re.compile(r"--skip-bad \(skip_bad = true in the settings\)"), "skip_bad=True"),
    (re.compile(r" \(pluralign data show \w+ --set path=\.\.\.\)"), ""),
    (re.compile(r"\breference\.fit_on\b"), "reference"),
)


def in_python(text: str) -> str:
    """A hint with arguments of `read_pairs` and `fit` in place of options.

    >>> in_python("did you mean community? --set pairs.columns.community=country")
    'did you mean community? columns={"community": "country"}'
    >>> in_python("--set pairs.columns.rater=user --set 'pairs.columns.prompt=the question'")
    'columns={"rater": "user", "prompt": "the question"}'
    >>> in_python("--set pairs.preference=winner")
    'preference="winner"'
    """
    text = _SET.sub(_argument, text)
    for option, argument in _IN_PYTHON:
        text = option.sub(argument, text)
    return text


@contextmanager
def python_hints(where: str | None = None) -> Iterator[None]:
    """While it is entered, errors get hints in Python.

    Args:
        where: A prefix for the place of an error; None leaves the place as it is.
    """
    try:
        yield
    except PluralignError as error:
        error.hint = in_python(error.hint) if error.hint else None
        place = in_python(error.where) if error.where else None
        error.where = ": ".join(filter(None, (where, place))) or None
        raise


def _argument(match: re.Match[str]) -> str:
    key, value = match["key"], match["value"]
    shown = value if value.startswith("[") else f'"{value}"'
    table, dot, name = key.partition(".")
    return f'{table}={{"{name}": {shown}}}' if dot else f"{key}={shown}"
