"""Rows grow with the square of communities: if many, effects on other communities are Parquet."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pluralign.core import DamagedFile
from pluralign.experiments import Outcome
from pluralign.reports import read_run
from pluralign.runs import read_matrix, read_rows

Go = Callable[..., Outcome]


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """The five communities of the society count as many."""
    monkeypatch.setattr("pluralign.experiments.measuring.SMALL", 4)


def key(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("method", "steer", "community", "subset"))


def test_few_communities_have_their_full_matrix_in_results(
    go: Go, tables: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    go(tables, out)
    assert read_matrix(out) == []
    assert any(
        row["steer"] not in {None, row["community"]} for row in read_rows(out / "results.jsonl")
    )


@pytest.mark.usefixtures("many")
def test_of_many_communities_results_contain_each_under_its_own_steer(
    go: Go, tables: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    rows = go(tables, out).results
    assert rows == read_rows(out / "results.jsonl")
    assert all(row["steer"] in {None, row["community"]} for row in rows)


@pytest.mark.usefixtures("many")
def test_the_two_files_together_are_the_full_matrix(
    go: Go, tables: dict[str, Any], tmp_path: Path
) -> None:
    go(tables, tmp_path / "apart")
    full = go(tables, tmp_path / "full", "matrix=true").results
    apart = read_rows(tmp_path / "apart" / "results.jsonl") + read_matrix(tmp_path / "apart")
    assert sorted(apart, key=key) == sorted(full, key=key)
    assert read_matrix(tmp_path / "full") == []


@pytest.mark.usefixtures("many")
def test_the_matrix_of_one_method_can_be_read_alone(
    go: Go, tables: dict[str, Any], tmp_path: Path
) -> None:
    go(tables, tmp_path / "run")
    assert {row["method"] for row in read_matrix(tmp_path / "run", "scpo")} == {"scpo"}


@pytest.mark.usefixtures("many")
def test_a_report_shows_the_matrix_from_either_file(
    go: Go, tables: dict[str, Any], tmp_path: Path
) -> None:
    go(tables, tmp_path / "apart")
    go(tables, tmp_path / "full", "matrix=true")
    mine = [
        sorted(
            (key(r.as_dict()), r.value)
            for r in read_run(tmp_path / name, "scpo").results
            if r.method == "scpo"
        )
        for name in ("apart", "full")
    ]
    assert mine[0] == mine[1]


@pytest.mark.usefixtures("many")
def test_the_matrix_may_be_asked_for_after_the_run(
    go: Go, tables: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    before = go(tables, out).results
    after = go(tables, out, "matrix=true").results  # the same run: nothing is fitted again
    assert len(after) > len(before)
    assert read_matrix(out) == []


@pytest.mark.usefixtures("many")
def test_a_damaged_matrix_is_refused(go: Go, tables: dict[str, Any], tmp_path: Path) -> None:
    go(tables, tmp_path / "run")
    (tmp_path / "run" / "matrix.parquet").write_bytes(b"PAR1")
    with pytest.raises(DamagedFile, match=r"matrix\.parquet"):
        read_matrix(tmp_path / "run")


def test_as_many_steers_as_there_are_share_their_draws(
    go: Go, tables: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = go(tables, tmp_path / "together").results
    monkeypatch.setattr("pluralign.evaluation.community_accuracy._CELLS", 1)
    assert go(tables, tmp_path / "in lots").results == together
