"""Pairs that the trunk cannot tell apart are counted by their reason beside the accuracy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pluralign.experiments import Outcome
from pluralign.experiments.alike import READ, SPELLING

Go = Callable[..., Outcome]
Rows = list[dict[str, Any]]


def tables(path: Path) -> dict[str, Any]:
    return {
        "pairs": {"source": "jsonl", "path": str(path)},
        "min_pairs": 1,
        "min_raters": 1,
        "communities": ["MEX"],
        "methods": ["reference", "full"],
        "reference": {"fit_on": ["USA"]},
        "trunk": {"encoder": "hash"},
        "intervals": {"draws": 100},
    }


def rows(texts: Callable[[int], tuple[str, str]]) -> Rows:
    found = []
    for i in range(80):
        chosen, rejected = texts(i)
        place = "MEX" if i % 2 else "USA"
        found.append(
            {
                "prompt": f"Q{i}?",
                "chosen": chosen,
                "rejected": rejected,
                "community": place,
                "rater": f"r{i % 10}",
            }
        )
    return found


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (lambda i: (f"YES {i}", f"yes  {i}"), SPELLING),
        (lambda i: (f"{' ' * i}YES {i} {'so ' * 40}", f"yes  {i} {'so  ' * 40}"), SPELLING),
        (lambda i: (f"Yes, {i}!", f"Yes {i}."), READ),
    ],
)
def test_pairs_that_are_read_alike_are_counted_and_count_half(
    go: Go,
    write_rows: Callable[..., Path],
    tmp_path: Path,
    texts: Callable[[int], tuple[str, str]],
    reason: str,
) -> None:
    outcome = go(tables(write_rows(tmp_path / "pairs.jsonl", rows(texts))), tmp_path / "out")
    alike = outcome.record["data"]["alike"]
    assert alike["pairs"] == {reason: 80}
    assert alike["tied"] == 80
    assert alike["tied_test_pairs"] == alike["of_test_pairs"] > 0
    assert {row["value"] for row in outcome.results} == {0.5}
    assert any(
        "the trunk reads both responses of 80 pairs alike" in note
        for note in outcome.record["notes"]
    )


def test_pairs_that_differ_are_not_noted(
    go: Go, write_rows: Callable[..., Path], tmp_path: Path
) -> None:
    path = write_rows(tmp_path / "pairs.jsonl", rows(lambda i: (f"family {i}", f"money {i}")))
    outcome = go(tables(path), tmp_path / "out")
    assert outcome.record["data"]["alike"] == {
        "pairs": {},
        "tied": 0,
        "tied_test_pairs": 0,
        "of_test_pairs": 16,
    }
    assert not any("nearly the same" in note for note in outcome.record["notes"])


def test_pairs_that_differ_in_spelling_alone_are_counted_even_if_the_trunk_reads_them_differently(
    go: Go, write_rows: Callable[..., Path], tmp_path: Path
) -> None:
    path = write_rows(
        tmp_path / "pairs.jsonl", rows(lambda i: (f"Jos\u00e9 {i}", f"Jose\u0301 {i}"))
    )
    alike = go(tables(path), tmp_path / "out").record["data"]["alike"]
    assert (alike["pairs"], alike["tied"]) == ({SPELLING: 80}, 0)
