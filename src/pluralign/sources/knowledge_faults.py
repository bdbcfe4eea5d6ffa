"""Faults of a test of knowledge, as `check_knowledge` lists them."""

import re
from dataclasses import dataclass
from typing import Literal

FaultKind = Literal[
    "cannot be read",
    "doubled id",
    "doubled question",
    "doubled answer",
    "given away by length",
    "given away by position",
    "given away by the question",
    "option without people",
    "not in the local language",
    "wrong script",
    "mixed scripts",
    "compatibility letters",
    "unfinished",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a test.

    Attributes:
        where: File and line.
        question: Id of the question; empty where the fault is of the whole test, or cannot be read.
        kind: The kind of the fault.
        what: The fault, in one sentence.
        hint: The next step for the author.
    """

    where: str
    question: str
    kind: FaultKind
    what: str
    hint: str = ""


_LINE = re.compile(r"(:\d+|, question \d+)$")
"""The line or the number of a question, after its file."""


def file_of(where: str) -> str:
    """The file of a place, for a fault of the whole test.

    >>> file_of("test.jsonl:12"), file_of("test.toml, question 3")
    ('test.jsonl', 'test.toml')
    """
    return _LINE.sub("", where)
