"""A withdrawal equals never having seen the person, for every kind of source, split and model."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from pluralign.experiments import Outcome, withdraw
from pluralign.runs import read_rows

Go = Callable[..., Outcome]
Rows = list[dict[str, Any]]
Tables = dict[str, Any]
Write = Callable[..., Path]
HASH = {"draw": "hash", "test": 0.3}
TIMES = {"record.json", "manifest.jsonl"}
TIMED = {"card.json", "metrics.jsonl", "training.json", "tuning.json"}
"""Files of trained parts, which have the seconds of the training in them."""


@pytest.fixture
def gone(rows: Rows) -> str:
    return next(str(row["rater"]) for row in rows if row["community"] == "~hill")


def files(folder: Path, left_out: Iterable[str] = ()) -> dict[str, bytes]:
    """Everything but what tells the time or the place, and the withdrawals."""
    return {
        str(p.relative_to(folder)): p.read_bytes().replace(str(folder).encode(), b"RUN")
        for p in folder.rglob("*")
        if p.is_file() and p.name not in TIMES | set(left_out) and p.parent.name != "withdrawals"
    }


def without(rows: Rows, rater: str) -> Rows:
    return [row for row in rows if row["rater"] != rater]


@pytest.mark.parametrize(
    "privacy",
    [
        {"epsilon": 2.0, "seed": 5},
        {"epsilon": 2.0, "ledger": "ledger.jsonl"},
        {"epsilon": 1.0, "per": "person", "ledger": "ledger.jsonl"},
    ],
)
@pytest.mark.parametrize("of", ["run", "source"])
def test_from_a_run_on_private_choices(
    go: Go, tables: Tables, tmp_path: Path, rows: Rows, gone: str, write_rows: Write,
    privacy: Tables, of: str,
) -> None:  # fmt: skip
    def settings(path: Path) -> Tables:
        source = {"source": "jsonl", "path": str(path)}
        private = {"privacy": privacy} if of == "run" else {}
        pairs = source if of == "run" else source | {"privacy": privacy}
        methods = {"methods": ["full", "props", "adaptive"], "split": HASH}
        return tables | methods | private | {"pairs": pairs}

    every = write_rows(tmp_path / "all.jsonl", rows)
    others = write_rows(tmp_path / "others.jsonl", without(rows, gone))
    go(settings(every), tmp_path / "run")
    go(settings(others), tmp_path / "never")
    before = files(tmp_path / "run")
    withdraw(tmp_path / "run", [gone])
    assert files(tmp_path / "run") == files(tmp_path / "never") != before


@pytest.mark.parametrize("side", ["train", "test"])
def test_from_a_run_on_two_files(
    go: Go, tables: Tables, tmp_path: Path, rows: Rows, gone: str, write_rows: Write, side: str
) -> None:
    raters = sorted({str(row["rater"]) for row in rows})
    tested = {rater for k, rater in enumerate(raters) if k % 4 == 0} - {gone}
    if side == "test":
        tested.add(gone)
    sides = {
        "train": [row for row in rows if row["rater"] not in tested],
        "test": [row for row in rows if row["rater"] in tested],
    }

    def settings(rater: str) -> Tables:
        # The same names for both runs: the names of the two files are settings.
        paths = {
            name: str(write_rows(tmp_path / f"{name}.jsonl", without(own, rater)))
            for name, own in sides.items()
        }
        own = {key: value for key, value in tables.items() if key != "pairs"}
        return own | {"split": {"by": "files"} | paths, "methods": ["full", "adaptive"]}

    go(settings(gone), tmp_path / "never")
    go(settings(""), tmp_path / "run")
    before = files(tmp_path / "run")
    withdraw(tmp_path / "run", [gone])
    assert files(tmp_path / "run") == files(tmp_path / "never") != before


def test_from_a_run_with_curves_and_studies(
    go: Go, tables: Tables, tmp_path: Path, rows: Rows, gone: str, write_rows: Write
) -> None:
    studied = {
        "split": HASH,
        "methods": ["reference", "full", "scpo", "pooled"],
        "curves": {"fractions": [0.5], "methods": ["full", "scpo"]},
        "sensitivity": {"tau": [0.6, 1.0], "beta": [1.0], "ridge": [0.5, 5.0]},
    }
    every = write_rows(tmp_path / "all.jsonl", rows)
    others = write_rows(tmp_path / "others.jsonl", without(rows, gone))
    go(tables | studied | {"pairs": {"source": "jsonl", "path": str(every)}}, tmp_path / "run")
    go(tables | studied | {"pairs": {"source": "jsonl", "path": str(others)}}, tmp_path / "never")
    withdraw(tmp_path / "run", [gone])
    assert read_rows(tmp_path / "run/studies/curve-raters.jsonl")
    assert files(tmp_path / "run") == files(tmp_path / "never")


@pytest.mark.slow
@pytest.mark.parametrize("community", ["head", "lora", "full"])
def test_from_a_run_on_a_transformer_whose_parts_are_trained_again_from_the_reference(
    go: Go, tables: Tables, tmp_path: Path, rows: Rows, gone: str, write_rows: Write,
    tiny_encoder: Path, community: str,
) -> None:  # fmt: skip
    pytest.importorskip("trl")
    trunk = {"kind": "transformer", "model": str(tiny_encoder), "max_length": 64}
    small = {key: value for key, value in tables.items() if key not in {"fit", "pairs"}} | {
        "communities": ["~hill"],
        "methods": ["reference", "full", "scpo"],
        "reference": {"fit_on": ["~world"]},
        "split": HASH,
        "trunk": trunk | {"community": community},
    }
    if community != "head":
        small["training"] = {
            "epochs": 1, "batch": 16, "learning_rate": 5e-3, "evaluations": 2,
        }  # fmt: skip
    every = write_rows(tmp_path / "all.jsonl", rows)
    others = write_rows(tmp_path / "others.jsonl", without(rows, gone))
    go(small | {"pairs": {"source": "jsonl", "path": str(every)}}, tmp_path / "run")
    go(small | {"pairs": {"source": "jsonl", "path": str(others)}}, tmp_path / "never")
    before = files(tmp_path / "run")
    withdraw(tmp_path / "run", [gone])
    after, never = files(tmp_path / "run", TIMED), files(tmp_path / "never", TIMED)
    assert after.keys() == never.keys()
    assert {name for name in after if after[name] != never[name]} == set()
    weights = [name for name in before if name.endswith(".safetensors")]
    assert any(before[name] != after[name] for name in weights)
