"""A run that was stopped goes on where it was; a folder that is another's is left alone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pluralign.core import DamagedFile, InvalidInput, InvalidSettings, NotEnoughData, Silent
from pluralign.experiments import Outcome
from pluralign.experiments.linear_bench import LinearBench
from pluralign.methods import Method

Go = Callable[..., Outcome]
Tables = dict[str, Any]


class Stopping(Silent):
    """Stops the run by hand when a stage begins."""

    def __init__(self, stage: str) -> None:
        self._stage = stage

    def stage(self, name: str) -> None:
        if name.startswith(self._stage):
            raise KeyboardInterrupt


class Hearing(Silent):
    """Remembers the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@contextmanager
def fits_counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, str]]]:
    done: list[tuple[int, str]] = []
    fit = LinearBench.fit

    def counted(self: LinearBench, method: Method, **settings: object) -> object:
        done.append((self.seed, method.name))
        return fit(self, method, **settings)

    with monkeypatch.context() as patched:
        patched.setattr(LinearBench, "fit", counted)
        yield done


def files(folder: Path) -> dict[str, bytes]:
    """Everything but what tells the time."""
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and p.name not in ("record.json", "manifest.jsonl")
    }


@pytest.fixture
def whole(go: Go, tables: Tables, tmp_path: Path) -> tuple[Tables, Path, Outcome]:
    """A finished run of two repeats, never stopped."""
    tables |= {"repeats": 2, "fit": {}, "sensitivity": {"tau": [0.5]}}
    return tables, tmp_path / "whole", go(tables, tmp_path / "whole")


@pytest.mark.parametrize("stage", ["seed 3", "seed 4", "measuring", "study"])
def test_a_run_stopped_by_hand_ends_as_if_it_had_not_been(
    whole: tuple[Tables, Path, Outcome], go: Go, tmp_path: Path, stage: str
) -> None:
    tables, folder, outcome = whole
    with pytest.raises(KeyboardInterrupt):
        go(tables, tmp_path / "stopped", reporter=Stopping(stage))
    assert not (tmp_path / "stopped" / "record.json").exists()
    heard = Hearing()
    again = go(tables, tmp_path / "stopped", reporter=heard)
    assert files(tmp_path / "stopped") == files(folder)
    assert again.record["notes"] == outcome.record["notes"]
    assert again.record["ridges"] == outcome.record["ridges"]
    assert any("resuming earlier work" in note for note in heard.notes)


def test_finished_work_is_not_repeated(
    whole: tuple[Tables, Path, Outcome], go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables, folder, outcome = whole
    before = files(folder)
    with fits_counted(monkeypatch) as done:
        again = go(tables, folder)
    assert done == []
    assert files(folder) == before
    assert (again.results, again.record["notes"]) == (outcome.results, outcome.record["notes"])


def test_only_what_is_missing_is_fitted_again(
    whole: tuple[Tables, Path, Outcome], go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables, folder, outcome = whole
    before = files(folder)
    (folder / "predictions" / "seed-4" / "scpo.parquet").unlink()
    with fits_counted(monkeypatch) as done:
        again = go(tables, folder)
    assert done == [(4, "scpo")]
    assert files(folder) == before
    assert again.record["ridges"] == outcome.record["ridges"]


def test_a_run_stopped_within_a_repeat_remembers_every_ridge(
    whole: tuple[Tables, Path, Outcome], go: Go, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables, folder, outcome = whole
    fit = LinearBench.fit

    def stopping(self: LinearBench, method: Method, **settings: object) -> object:
        if (self.seed, method.name) == (4, "scpo"):
            raise KeyboardInterrupt
        return fit(self, method, **settings)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(LinearBench, "fit", stopping)
        go(tables, tmp_path / "stopped")
    again = go(tables, tmp_path / "stopped")
    assert (tmp_path / "stopped" / "results.jsonl").read_bytes() == (
        folder / "results.jsonl"
    ).read_bytes()
    assert again.record["ridges"] == outcome.record["ridges"]


def test_a_damaged_prediction_is_named_and_made_again(
    whole: tuple[Tables, Path, Outcome], go: Go
) -> None:
    tables, folder, outcome = whole
    path = folder / "predictions" / "seed-3" / "full.parquet"
    before = path.read_bytes()
    path.write_bytes(before[:-20])
    reporter = Hearing()
    assert go(tables, folder, reporter=reporter).results == outcome.results
    assert any("made again: predictions/seed-3/full.parquet" in note for note in reporter.notes)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "override", ["scpo.tau=0.6", "pairs.each=50", "seed=4", "repeats=3", "trunk.interaction=0.1"]
)
def test_another_run_s_folder_is_left_alone(
    whole: tuple[Tables, Path, Outcome], go: Go, override: str
) -> None:
    tables, folder, _ = whole
    before = files(folder)
    with pytest.raises(InvalidSettings, match="other settings or data") as caught:
        go(tables, folder, override)
    assert "--fresh" in str(caught.value.hint)
    assert files(folder) == before


def test_a_run_is_not_resumed_once_the_default_of_a_method_has_changed(
    go: Go, tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its repeats would be of two methods with one name."""
    with pytest.raises(KeyboardInterrupt):
        go(tables | {"methods": ["adaptive"]}, tmp_path / "run", reporter=Stopping("measuring"))
    configure = Method.configure

    def otherwise(self: Method, **values: object) -> Any:
        config = configure(self, **values)
        return replace(config, fade=False) if self.name == "adaptive" else config

    monkeypatch.setattr(Method, "configure", otherwise)
    with pytest.raises(InvalidSettings, match="other settings or data"):
        go(tables | {"methods": ["adaptive"]}, tmp_path / "run")


def test_fresh_begins_anew(whole: tuple[Tables, Path, Outcome], go: Go, tmp_path: Path) -> None:
    tables, folder, _ = whole
    go(tables, folder, "repeats=1", "sensitivity.tau=[]", fresh=True)
    go(tables, tmp_path / "new", "repeats=1", "sensitivity.tau=[]")
    assert files(folder) == files(tmp_path / "new")


def test_a_folder_with_other_files_is_never_touched(go: Go, tables: Tables, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.json").write_text("{}")
    for fresh in (False, True):
        with pytest.raises(InvalidSettings, match="not empty and contains no run"):
            go(tables, tmp_path / "mine", fresh=fresh)
    assert files(tmp_path / "mine") == {"thesis.json": b"{}"}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_folder_whose_state_cannot_be_read_is_left_alone(
    go: Go, tables: Tables, tmp_path: Path, text: str
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "state.json").write_text(text)
    with pytest.raises(DamagedFile, match=r"state\.json is truncated or damaged"):
        go(tables, tmp_path / "out")


def test_a_file_is_no_folder(go: Go, tables: Tables, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(InvalidSettings, match="a file, not a folder"):
        go(tables, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_an_empty_folder_is_welcome(go: Go, tables: Tables, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert go(tables, tmp_path / "out").results


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"pairs": {"source": "jsonl", "path": "norater.jsonl"}}, InvalidInput),
        ({"pairs": {"source": "jsonl", "path": "broken.jsonl"}}, InvalidInput),
        ({"pairs": {"source": "jsonl", "path": "same.jsonl"}}, NotEnoughData),
        ({"communities": ["NZL"]}, InvalidSettings),
        ({"min_pairs": 10_000}, NotEnoughData),
        ({"trunk": {"encoder": "./no-such-folder"}}, InvalidInput),
        ({"pairs": {"source": "jsonl", "path": "lonely.jsonl"}}, NotEnoughData),
    ],
)
def test_a_run_that_cannot_start_leaves_no_folder(
    go: Go,
    tables: Tables,
    tmp_path: Path,
    rows: list[dict[str, Any]],
    write_rows: Callable[..., Path],
    change: Tables,
    error: type[Exception],
) -> None:
    write_rows(
        tmp_path / "norater.jsonl", [{k: v for k, v in row.items() if k != "rater"} for row in rows]
    )
    write_rows(tmp_path / "same.jsonl", [row | {"rejected": row["chosen"]} for row in rows])
    write_rows(tmp_path / "lonely.jsonl", [row | {"rater": row["community"]} for row in rows])
    (tmp_path / "broken.jsonl").write_text("{broken\n")
    with pytest.raises(error):
        go(tables | {"min_raters": 1} | change, tmp_path / "out")
    assert not (tmp_path / "out").exists()
