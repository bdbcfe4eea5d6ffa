"""Files with raters or people's words are readable by their owner only; others follow the umask."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from pluralign.core import whole_file

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
Call = Callable[..., Result]
PRIVATE = (
    *("predictions/*/*.parquet", "behind.jsonl"),
    *("audit/findings.jsonl", "audit/participation.jsonl"),
)


@pytest.fixture(autouse=True, params=[0o022, 0o000], ids=["usual umask", "open umask"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def run(call: Call, config: Path) -> Path:
    """The folder of a run that was audited and reported."""
    out = config.parent / "out"
    assert call("run", config, "--out", out, "--json").exit_code == 0
    assert call("audit", out, "--pairs", config.parent / "pairs.jsonl", "--json").exit_code == 0
    return out


def test_files_with_raters_are_for_their_owner_alone(
    run: Path, rows: list[dict[str, str]], umask: int
) -> None:
    private = {path for pattern in PRIVATE for path in run.glob(pattern)}
    assert len(private) > len(PRIVATE)
    assert {mode(path) for path in private} == {0o600}
    others = {path for path in run.rglob("*") if path.is_file()} - private
    others.discard(run / ".lock")  # empty; only some versions of filelock leave it
    assert {mode(path) for path in others} == {0o666 & ~umask}
    raters = {row["rater"].encode() for row in rows if len(row.get("rater", "")) > 6}
    assert raters
    assert [path for path in others if any(rater in path.read_bytes() for rater in raters)] == []


def test_they_stay_so_when_they_are_written_again(call: Call, config: Path, run: Path) -> None:
    path = next(run.glob("predictions/*/full.parquet"))
    assert call("run", config, "--out", run, "--json", "--fresh").exit_code == 0
    assert mode(path) == 0o600
    assert call("audit", run, "--pairs", config.parent / "pairs.jsonl", "--json").exit_code == 0
    assert mode(run / "audit/findings.jsonl") == 0o600


def test_outputs_with_the_words_of_pairs_are_for_their_owner_alone(
    call: Call, config: Path, run: Path
) -> None:
    out = config.parent / "bench"
    found = call(
        "rewardbench", run / "models/seed-3/full", config.parent / "pairs.jsonl", "--out", out
    )
    assert found.exit_code == 0, found.output
    (words,) = out.glob("*_outputs.jsonl")
    assert mode(words) == 0o600


def test_a_private_file_is_never_open_not_even_while_it_is_written(tmp_path: Path) -> None:
    with whole_file(tmp_path / "people.jsonl", private=True) as partial:
        assert mode(partial) == 0o600
        partial.write_text("ana")
    assert mode(tmp_path / "people.jsonl") == 0o600


def test_permissions_that_the_owner_gave_stay(tmp_path: Path) -> None:
    path = tmp_path / "people.jsonl"
    path.write_text("ana")
    path.chmod(0o640)
    with whole_file(path, private=True) as partial:
        partial.write_text("ben")
    assert mode(path) == 0o640
