"""A full disk, a read-only folder, a folder in the place of a file: one message that names the
place and a remedy, exit code 2, and no half-written file."""

import errno
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from pluralign.cli.error_messages import message_of
from pluralign.core import InvalidInput
from pluralign.core.files import is_part

Call = Callable[..., Result]
Shell = Callable[..., subprocess.CompletedProcess[str]]
NEXT = "\n  -> "


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES]
)
@pytest.mark.parametrize("library", ["python", "rust", "serde"])
def test_a_refusal_of_the_system_is_reported_for_every_library(number: int, library: str) -> None:
    said = os.strerror(number)
    errors: dict[str, Exception] = {
        "python": OSError(number, said),
        "rust": Exception(f"{said} (os error {number})"),
        "serde": RuntimeError(f'Io(Os {{ code: {number}, kind: Other, message: "{said}" }})'),
    }
    message = message_of(errors[library])
    assert message is not None
    assert message.startswith(said + NEXT)


def test_a_place_is_named_and_a_moved_file_by_where_it_was_to_be() -> None:
    moved = OSError(errno.EXDEV, "x", "a.partial", None, "a.json")
    assert str(message_of(moved)).startswith("a.json: ")
    assert str(message_of(PermissionError(errno.EACCES, "x", "b.json"))).startswith(
        "b.json: Permission denied"
    )


@pytest.mark.parametrize(
    "fault", [KeyError("a"), TypeError("b"), OSError("of a library"), ConnectionError("c")]
)
def test_a_fault_of_ours_is_not_hidden(fault: Exception) -> None:
    assert message_of(fault) is None


def test_our_own_errors_speak_for_themselves() -> None:
    assert (
        message_of(InvalidInput("tau is 2", where="a.toml", hint="use 1"))
        == f"a.toml: tau is 2{NEXT}use 1"
    )


class DiskFull:
    """Lets so many writes of whole files through; every later one finds no space."""

    def __init__(self, writes: int) -> None:
        self.left = writes
        self.hit = False

    def fsync(self, _number: int) -> None:
        self.left -= 1
        if self.left < 0:
            self.hit = True
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("writes", [0, 1, 2, 5, 9, 14, 20])
def test_a_disk_that_is_full_at_any_write_stops_a_run_with_a_message_and_it_goes_on_later(
    call: Call, config: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    out, disk = config.parent / "out", DiskFull(writes)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", disk.fsync)
        found = call("run", config, "--out", out, "--json")
    if disk.hit:
        assert found.exit_code == 2, found.output
        assert isinstance(found.exception, SystemExit), "a traceback would be shown"
        assert "No space left on device" in found.stderr
        assert NEXT in found.stderr
        assert not [path for path in out.rglob(".*") if is_part(path)]
    again = call("run", config, "--out", out, "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["record"]["name"] == "tiny"


@pytest.mark.skipif(os.name == "nt", reason="the limit is one of POSIX")
@pytest.mark.parametrize("limit", [200, 3_000])
def test_a_limit_on_the_size_of_files_stops_a_run_with_a_message(
    shell: Shell, config: Path, limit: int
) -> None:
    out = config.parent / "out"
    found = shell(
        *("run", config, "--out", out, "--json"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert found.returncode == 2, found.stderr
    assert "Traceback" not in found.stderr
    assert found.stderr.count("error: ") == 1
    assert "File too large" in found.stderr
    assert "ulimit -f" in found.stderr
    assert not (out / "results.jsonl").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has such a device")
def test_a_full_output_is_reported(shell: Shell) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        line = ["data", "list", "--json"]
        found = subprocess.run(
            [sys.executable, "-m", "pluralign.cli.main", *line],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert found.returncode == 2, found.stderr
    assert "Traceback" not in found.stderr
    assert "No space left on device" in found.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has such a device")
def test_a_checkpoint_without_room_on_the_disk_is_reported() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError) as found:
        torch.save({"weights": torch.zeros(100_000)}, "/dev/full")
    told = message_of(found.value)
    assert told is not None
    assert "could not write a checkpoint" in told
    assert "disk has room" in told


@contextmanager
def without_rights(folder: Path) -> Iterator[None]:
    folder.chmod(0o500)
    try:
        yield
    finally:
        folder.chmod(0o700)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("what", ["run", "score"])
def test_a_folder_that_cannot_be_written_to_is_named(
    call: Call, config: Path, trained: Path, what: str
) -> None:
    shut = config.parent / "shut"
    shut.mkdir()
    words: dict[str, list[Any]] = {
        "run": ["run", config, "--out", shut / "out"],
        "score": [
            "score",
            trained / "models/seed-3/full",
            config.parent / "pairs.jsonl",
            "--out",
            shut / "s.jsonl",
        ],
    }
    with without_rights(shut):
        found = call(*words[what])
    assert found.exit_code == 2, found.output
    assert isinstance(found.exception, SystemExit), "a traceback would be shown"
    assert f"{shut}" in found.stderr
    assert "Permission denied" in found.stderr


@pytest.mark.parametrize(
    "words", [["run"], ["survey", "run"], ["pluralise"], ["audit"], ["data", "show"], ["report"]]
)
@pytest.mark.parametrize("kind", ["folder.toml", "nothing.toml", "folder.toml/x.toml"])
def test_a_folder_or_nothing_in_the_place_of_a_file_is_named(
    call: Call, tmp_path: Path, words: list[str], kind: str
) -> None:
    (tmp_path / "folder.toml").mkdir()
    found = call(*words, tmp_path / kind)
    assert found.exit_code == 2, found.output
    assert isinstance(found.exception, SystemExit), "a traceback would be shown"
    assert found.stderr.count("error: ") == 1


@pytest.mark.parametrize("name", ["card.json", "model.safetensors"])
def test_a_folder_in_the_place_of_a_file_of_a_model_is_named(
    call: Call, config: Path, trained: Path, tmp_path: Path, name: str
) -> None:
    model = tmp_path / "model"
    shutil.copytree(trained / "models/seed-3/full", model)
    (model / name).unlink()
    (model / name).mkdir()
    found = call("score", model, config.parent / "pairs.jsonl")
    assert found.exit_code == 2, found.output
    assert isinstance(found.exception, SystemExit), "a traceback would be shown"


@pytest.mark.parametrize(
    "name", ["results.jsonl", "record.json", "state.json", "summary.jsonl", "predictions"]
)
def test_a_folder_or_a_file_in_the_wrong_place_of_a_run_is_named_or_replaced(
    call: Call, config: Path, name: str
) -> None:
    out = config.parent / "out"
    assert call("run", config, "--out", out, "--json").exit_code == 0
    place = out / name
    if place.is_dir():
        shutil.rmtree(place)
        place.write_text("a file")
    else:
        place.unlink()
        place.mkdir()
    found = call("run", config, "--out", out, "--json")
    assert found.exit_code in {0, 2}, found.output
    assert found.exit_code == 0 or isinstance(found.exception, SystemExit), (
        "a traceback would be shown"
    )
