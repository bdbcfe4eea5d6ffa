"""A finished run notices damage; a run killed between two writes ends as if it had not been."""

import json
import os
import re
import shutil
import signal
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pluralign.auditing.gathered_evidence import Given, gather
from pluralign.core import PluralignError, rng_for
from pluralign.experiments import Outcome
from pluralign.interop.every_eval_ever import write_every_eval_ever
from pluralign.models import open_model
from pluralign.reports import read_run
from pluralign.respondents.append import GrowingFile
from pluralign.runs import RunFolder, read_rows
from pluralign.settings.resolved_survey import resolve_survey
from pluralign.surveying.survey_run import run_survey

Go = Callable[..., Outcome]
Tables = dict[str, Any]
TIMED = ("record.json", "manifest.jsonl")

Damage = Callable[[bytes], bytes | None]


def flipped(data: bytes) -> bytes:
    """The file with one bit flipped, drawn by its length; an empty file is no longer empty."""
    if not data:
        return b"0"
    place = int(rng_for(len(data), "flip").integers(8 * len(data)))
    turned = np.frombuffer(data, np.uint8).copy()
    turned[place // 8] ^= 1 << place % 8
    return turned.tobytes()


def cut(data: bytes) -> bytes:
    """The first half of the file."""
    return data[: len(data) // 2]


def deleted(data: bytes) -> None:
    """Nothing."""


def contents(folder: Path) -> dict[str, bytes]:
    """What a run found, without what tells the time."""
    found = {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }
    return {
        name: data
        for name, data in found.items()
        if name not in TIMED and not name.endswith(".lock")
    }


@pytest.fixture(scope="module")
def finished(go: Go, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tables, Path]:
    """A small finished run with curves, and its settings."""
    tables = {
        "name": "tiny", "seed": 3, "min_pairs": 1, "min_raters": 2,
        "methods": ["reference", "full", "scpo"],
        "pairs": {"source": "society", "each": 40, "thin": 12, "world": 100},
        "reference": {"fit_on": ["~world"], "ridge": 1.0}, "trunk": {"encoder": "hash"},
        "fit": {"ridge": 1.0}, "intervals": {"draws": 100},
        "curves": {"fractions": [0.5], "methods": ["full"], "by": ["pairs"]},
    }  # fmt: skip
    out = tmp_path_factory.mktemp("finished") / "run"
    go(tables, out)
    return tables, out


def _as_lists(margins: Mapping[str, Any]) -> dict[str, dict[str, list[float]]]:
    """Method -> steer -> margins, as lists, which ``==`` compares."""
    return {
        method: {steer: margin_N.tolist() for steer, margin_N in of.items()}
        for method, of in margins.items()
    }


def read_everything(run: Path) -> list[Any]:
    """What every reader of a finished run makes of it."""
    folder, record = RunFolder(run), read_run(run)
    margins = {
        method: folder.read_predictions(3, method)[1] for method in ("reference", "full", "scpo")
    }
    judged = gather(Given(folder=run)).evidence.rewards
    assert judged is not None
    models = [
        open_model(run / "models" / "seed-3" / method) for method in ("reference", "full", "scpo")
    ]
    shared = write_every_eval_ever(run, run.parent / "shared", "us")
    return [
        record.results, record.summary, record.curves,
        _as_lists(margins), _as_lists(judged.margins),
        [m.heads().tolist() if m.communities else m.reference_D.tolist() for m in models],  # type: ignore[union-attr]
        len(shared),
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage", [flipped, cut, deleted], ids=["a bit flipped", "half of it", "deleted"]
)
def test_damage_to_any_file_is_noticed_by_readers_or_changes_nothing(
    finished: tuple[Tables, Path], tmp_path: Path, damage: Damage
) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(finished[1], whole)
    expected = read_everything(whole)
    noticed = 0
    for name in sorted(contents(whole)) + list(TIMED):
        before = (whole / name).read_bytes()
        harm(whole / name, damage)
        try:
            assert read_everything(whole) == expected, f"{name}: another number, unseen"
        except PluralignError:
            noticed += 1
        (whole / name).write_bytes(before)
    assert noticed >= 12  # models, predictions, results, summary, curves, record and manifest


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage", [flipped, cut, deleted], ids=["a bit flipped", "half of it", "deleted"]
)
def test_the_same_command_makes_what_is_damaged_again(
    finished: tuple[Tables, Path], go: Go, tmp_path: Path, damage: Damage
) -> None:
    tables, run = finished
    whole, expected = tmp_path / "whole", contents(run)
    shutil.copytree(run, whole)
    for name in [*sorted(expected), *TIMED]:
        harm(whole / name, damage)
        go(tables, whole)
        assert contents(whole) == expected, name


def harm(path: Path, damage: Damage) -> None:
    data = damage(path.read_bytes())
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)


def test_a_result_changed_by_hand_is_named(finished: tuple[Tables, Path], tmp_path: Path) -> None:
    shutil.copytree(finished[1], tmp_path / "run")
    rows = read_rows(tmp_path / "run" / "results.jsonl")
    rows[0]["value"] = 0.99
    (tmp_path / "run" / "results.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(PluralignError, match=r"results\.jsonl"):
        read_run(tmp_path / "run")


def test_a_moved_run_is_as_sound_as_before(finished: tuple[Tables, Path], tmp_path: Path) -> None:
    shutil.copytree(finished[1], tmp_path / "elsewhere" / "run")
    assert read_run(tmp_path / "elsewhere" / "run").results == read_run(finished[1]).results


def test_a_run_of_an_early_version_is_read_without_a_check(
    finished: tuple[Tables, Path], tmp_path: Path
) -> None:
    shutil.copytree(finished[1], tmp_path / "run")
    (tmp_path / "run" / "manifest.jsonl").unlink()
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    del record["manifest"]
    (tmp_path / "run" / "record.json").write_text(json.dumps(record))
    assert read_run(tmp_path / "run").results == read_run(finished[1]).results


Act = Callable[[int], None]


def at_every_write(work: Callable[[Path], object], out: Path, act: Act) -> int:
    """Do the work in a process that acts before and after every write; return its exit status."""
    child = os.fork()
    if not child:
        numbers = count()

        def counted(replace: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
            def replaced(self: Path, target: Path) -> Path:
                act(next(numbers))
                found = replace(self, target)
                act(next(numbers))
                return found

            return replaced

        def added(self: GrowingFile, row: Any, add: Any = GrowingFile.add) -> None:
            add(self, row)
            act(next(numbers))

        Path.replace = counted(Path.replace)  # type: ignore[method-assign,assignment]
        GrowingFile.add = added  # type: ignore[method-assign]
        try:
            work(out)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def left_by_kills(work: Callable[[Path], object], folder: Path) -> list[Path]:
    """Folders as a kill before or after each write of the work leaves them, in order.

    They are copied while the work goes on. One process in the middle is killed, to compare.
    """
    at = folder / "at"

    def copied(write: int) -> None:
        shutil.copytree(folder / "whole", at / str(write))

    def killed(write: int) -> None:
        if write == middle:
            os.kill(os.getpid(), signal.SIGKILL)

    assert at_every_write(work, folder / "whole", copied) == 0
    left = sorted(at.iterdir(), key=lambda path: int(path.name))
    middle = len(left) // 2
    assert at_every_write(work, folder / "killed", killed) == -signal.SIGKILL
    assert _of_any_process(folder / "killed") == _of_any_process(left[middle])
    return left


def _of_any_process(folder: Path) -> dict[str, bytes]:
    """What is in a folder, without random names of partial files."""
    part = re.compile(r"\.[0-9a-f]{8}-\d+-[0-9a-f]{8}$")
    return {part.sub(".0", name): data for name, data in contents(folder).items()}


def assert_ends_as_if_it_had_not_been(
    work: Callable[[Path], object], folder: Path, expected: dict[str, bytes]
) -> int:
    """Do the work again after a kill at each write; return the number of kills."""
    left = left_by_kills(work, folder)
    for out in left:
        work(out)
        assert contents(out) == expected, f"killed at write {out.name}"
    return len(left)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_a_run_killed_at_any_write_ends_as_if_it_had_not_been(
    finished: tuple[Tables, Path], go: Go, tmp_path: Path
) -> None:
    tables, run = finished
    kills = assert_ends_as_if_it_had_not_been(lambda out: go(tables, out), tmp_path, contents(run))
    assert kills > 30  # before and after each of its files appears


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_a_survey_killed_at_any_write_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    def ask(out: Path) -> None:
        tables = {
            "limit": 3, "strategies": ["culture_aware"], "communities": ["~hill", "~river"],
            "seed": 1, "survey": {"source": "society_survey"},
            "model": {"kind": "simulated", "name": "double"}, "evaluate": {"draws": 20},
        }  # fmt: skip
        run_survey(resolve_survey(tables, base=tmp_path, where="survey.toml"), out)

    ask(tmp_path / "undisturbed")
    expected = contents(tmp_path / "undisturbed")
    assert assert_ends_as_if_it_had_not_been(ask, tmp_path, expected) > 10
