"""Plain rows skip the rules of `JsonlPairs`, which would make the same pairs, counts and errors."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.pair_rows import PLAIN, ROWS

from pluralign.core import InvalidInput, NotEnoughData, PreferencePair, Tally
from pluralign.sources import JsonlPairs, json_rows
from pluralign.sources.limits import ReadLimits
from pluralign.sources.typed_cells import BadRow


@dataclass(frozen=True, slots=True)
class ByRules(JsonlPairs):
    """The same source, whose rows are all read by the rules."""

    by_rules: ClassVar[bool] = True


Outcome = tuple[list[PreferencePair], Tally, tuple[str, str | None, str | None] | None]


def outcome(source: JsonlPairs) -> Outcome:
    """Pairs, counts, and the error that ended the reading."""
    tally, pairs = Tally(), []
    try:
        for pair in source.pairs(tally):
            pairs.append(pair)
    except (InvalidInput, NotEnoughData) as error:
        return pairs, tally, (error.what, error.where, error.hint)
    return pairs, tally, None


def both(path: Path, **kwargs: Any) -> Iterator[tuple[Outcome, Outcome]]:
    for skip_bad in (False, True):
        yield (
            outcome(JsonlPairs(path, skip_bad=skip_bad, **kwargs)),
            outcome(ByRules(path, skip_bad=skip_bad, **kwargs)),
        )


MAPPINGS = st.sampled_from([
    {},
    {"rater": "person"},
    {"community": "country", "rater": "person"},
    {"chosen": "rejected", "rejected": "chosen"},
    {"prompt": "question"},
])  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plain") / "tea.jsonl"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(ROWS | PLAIN, min_size=1, max_size=6), MAPPINGS, st.sampled_from([None, "Kenya", "?"])
)
def test_a_plain_row_gives_what_the_rules_give(
    path: Path, rows: list[Mapping[str, object]], columns: Mapping[str, str], community: str | None
) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    for quick, by_rules in both(path, columns=columns, community=community):
        assert quick == by_rules
        assert [type(pair) for pair in quick[0]] == [PreferencePair] * len(quick[0])


def test_most_rows_need_no_rules(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"prompt": "Tea?", "chosen": "Yes", "rejected": "No"},
        {"prompt": "¿Té?", "chosen": "Sí", "rejected": "No", "community": "MEX", "rater": "r1"},
        {
            "prompt": "茶",
            "chosen": "はい",
            "rejected": "いいえ",
            "rater": 17,
            "id": "p-3",
            "m": 2.5,
        },
        {"prompt": "T", "chosen": "a", "rejected": "b", "strength": 2, "language": "en", "m": None},
        {"prompt": "T", "chosen": "a", "rejected": "c", "rater": "anna", "source": None, "flip": 0},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")

    def refuse(*_: object) -> None:
        raise AssertionError("a rule was asked")

    monkeypatch.setattr(JsonlPairs, "_pairs_of", refuse)
    assert len(list(JsonlPairs(path).pairs())) == len(rows)


CELLS = st.sampled_from(
    ["Tea?", "Yes", "No", "", "r1", "MEX", "Mexico", "2", "0.5", "0,5", "007", "x"]
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(CELLS, min_size=6, max_size=6), min_size=1, max_size=6),
    st.sampled_from([",", ";"]),
)
def test_a_plain_row_of_a_table_gives_what_the_rules_give(
    path: Path, rows: list[list[str]], delimiter: str
) -> None:
    table = path.with_name("tea.csv")
    header = ["prompt", "chosen", "rejected", "rater", "community", "weight"]
    lines = [delimiter.join(f'"{cell}"' for cell in row) + "\n" for row in [header, *rows]]
    table.write_text("".join(lines), "utf-8")
    for quick, by_rules in both(table):
        assert quick == by_rules


def test_rows_before_a_line_that_is_too_long_are_read_first(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLURALIGN_MAX_ROW_MB", "1")
    row = {"prompt": "Tea?", "chosen": "Yes", "rejected": "No"}
    file = path.with_name("long.jsonl")
    file.write_text(f"{json.dumps(row)}\n" * 300 + "x" * 1_000_001, "utf-8")
    for quick, by_rules in both(file):
        assert quick == by_rules
        assert len(quick[0]) == 300
        assert quick[2] is not None
        assert quick[2][1] == f"{file}:301"


VALUES = st.recursive(
    st.one_of(
        st.text(max_size=3),
        st.integers() | st.floats() | st.booleans() | st.none(),
        st.sampled_from([2**63, -(2**63) - 1, 2**64, 10**310, 2.0**63, -(2.0**70)]),
        st.sampled_from(["\ud800", "\ud83d\ude00"]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
LINES = st.one_of(
    st.dictionaries(st.text(max_size=3), VALUES, max_size=4).map(json.dumps),
    st.dictionaries(st.text(max_size=3), VALUES, max_size=4).map(lambda row: json.dumps(row) + "]"),
    VALUES.map(json.dumps),
    st.sampled_from([
        '{"a": 1e999}', '{"a": 18446744073709551616}', '{"a": -0}', '{"a": 1, "b": 2, "a": 3}',
        '{"a": 01}', "{'a': 1}", '{"a": 1,}', '{"a": "\x01"}', '{"a": 1} {"a": 2}', "\ufeff{}",
        '{"a": NaN}', '{"a": ' + "[" * 200 + "]" * 200 + "}", '{"a": ' + "9" * 5000 + "}", "", "  ",
        '{"a": 9007199254740993.0}', '{"a": "\\ud800"}', '{"\\ud800": 1}', '{"a": "\\u0000"}',
    ]),
    st.text(max_size=8),
).map(lambda text: text.encode("utf-8", "surrogatepass"))  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(LINES | st.binary(max_size=8), max_size=5))
def test_orjson_and_the_standard_library_give_the_same_rows_and_faults(
    path: Path, lines: list[bytes]
) -> None:
    file = path.with_name("lines.jsonl")
    file.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.MonkeyPatch.context() as patch:
        quick = _shown(file)
        patch.setattr(json_rows, "orjson", None)
        assert quick == _shown(file)


def _shown(file: Path) -> list[tuple[int, str]]:
    """Rows as text, for not a number differs from itself."""
    batches = json_rows.json_line_batches(file, ReadLimits())
    rows = (found for batch in batches for found in batch.results())
    return [(n, row.what if isinstance(row, BadRow) else repr(row)) for n, row in rows]
