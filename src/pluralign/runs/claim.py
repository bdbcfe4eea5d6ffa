"""A run claims its folder, works in it alone, and checks which earlier work it can trust."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from fnmatch import fnmatchcase
from pathlib import Path

from pluralign.core import (
    MANIFEST,
    DamagedFile,
    InvalidSettings,
    Manifest,
    Reporter,
    clear_parts,
    describe_faults,
    is_part,
    parse_json,
    text_digest,
)
from pluralign.huggingface.processes import is_main, writing
from pluralign.runs.folder import STATE, RunFolder, as_json
from pluralign.runs.lock import LOCK, alone_in
from pluralign.runs.withdrawn import CLEARED, WITHDRAWALS

Needs = Callable[[str], Iterable[str]]
"""Name of a file -> patterns of the files that must be made again with it."""


@contextmanager
def claimed(
    folder: RunFolder, fingerprint: str, fresh: bool, needs: Needs = lambda _: ()
) -> Iterator[dict[str, str] | None]:
    """Claim a folder for a run, and keep other processes out of it until the run ends.

    Args:
        folder: The folder.
        fingerprint: Fingerprint of the settings and the data.
        fresh: Whether to replace any run that is there.
        needs: Name of a file -> patterns of the files that must be made again with it.

    Yields:
        None if the run begins. If it resumes: the files of its earlier work that are missing or
        damaged, each with the fault. The run writes them again.

    Raises:
        InvalidSettings: If the folder contains another run or other files, or another process
            works in it.
        DamagedFile: If the folder's state is damaged, so that its run is not known.
    """
    state = as_json({"fingerprint": fingerprint})
    fresh = fresh or _state(folder) == as_json(CLEARED)
    _is_resumable(folder, state, fresh)  # before anything is written
    with alone_in(folder.path) if is_main() else nullcontext():
        yield _claim(folder, state, fresh, needs)


def _claim(folder: RunFolder, state: str, fresh: bool, needs: Needs) -> dict[str, str] | None:
    resumable = _is_resumable(folder, state, fresh)
    faults = _mend(folder, needs) if resumable and _held(folder) != {STATE} else {}
    with writing() as main:
        if main:
            clear_parts(folder.path)
        if fresh and main:
            folder.clear()
    if not resumable or not folder.has(STATE):
        folder.write_json(STATE, json.loads(state))
    return faults if resumable else None


def _is_resumable(folder: RunFolder, state: str, fresh: bool) -> bool:
    """Whether earlier work of the same run is there; a folder of anything else is refused."""
    if folder.path.exists() and not folder.path.is_dir():
        raise InvalidSettings(
            "this is a file, not a folder", where=f"--out {folder.path}", hint="name a folder"
        )
    held = _held(folder)
    if held and not fresh and _is_of(folder, state):
        return True
    if held and not (fresh and held & {STATE, MANIFEST}):
        _refuse(folder, held)
    return False


def _held(folder: RunFolder) -> set[str]:
    """Names in the folder, without lock, withdrawals and partial files of a killed process."""
    there = folder.path.iterdir() if folder.path.is_dir() else ()
    return {p.name for p in there if p.name not in {LOCK, WITHDRAWALS} and not is_part(p)}


def _is_of(folder: RunFolder, state: str) -> bool:
    """Whether the folder is of the run with this state, by ``state.json`` or by the manifest."""
    if _fingerprint(_state(folder)) == _fingerprint(state):
        return True
    manifest = Manifest.read(folder.path)
    listed = manifest.files.get(STATE) if manifest is not None else None
    return listed is not None and listed.sha256 == text_digest(state)


def _refuse(folder: RunFolder, held: set[str]) -> None:
    """Raise why the run cannot claim the folder, unless an earlier run left nothing in it."""
    where = f"--out {folder.path}"
    if STATE not in held:
        raise InvalidSettings(
            "the folder is not empty and contains no run", where=where, hint="name another folder"
        )
    if _fingerprint(_state(folder)) is None:
        raise DamagedFile(
            f"{STATE} is truncated or damaged, so the run in this folder is not known",
            where=where,
            hint="name another folder, or add --fresh to replace what is in this one",
        )
    if not held <= {STATE, MANIFEST}:
        raise InvalidSettings(
            "the folder contains a run with other settings or data",
            where=where,
            hint="name another folder, or add --fresh to replace it",
        )


def _mend(folder: RunFolder, needs: Needs) -> dict[str, str]:
    """Take missing and damaged files, and files made from them, off the manifest."""
    manifest = Manifest.read(folder.path)
    forgotten: list[str] = []
    if manifest is None or manifest.damaged:
        faults = {MANIFEST: "missing" if manifest is None else "damaged"}
        manifest = Manifest(folder.path, {})
    else:
        faults = manifest.faults()
        patterns = [pattern for name in faults for pattern in needs(name)]
        forgotten = [
            n for n in manifest.files if n in faults or any(fnmatchcase(n, p) for p in patterns)
        ]
    with writing() as main:
        if main:
            manifest.without(forgotten)
    return faults


def _state(folder: RunFolder) -> str:
    try:
        return (folder.path / STATE).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
        return ""


def _fingerprint(state: str) -> str | None:
    """Fingerprint of the run whose state it is; None where it cannot be read."""
    try:
        return str(parse_json(state)["fingerprint"])
    except (ValueError, KeyError, TypeError):
        return None


def note_earlier(reporter: Reporter, out: Path, faults: Mapping[str, str] | None) -> None:
    """Report that a run goes on from earlier work, and which files it makes again.

    Args:
        reporter: Receives the notes.
        out: The folder.
        faults: As `claimed` yields them.
    """
    if faults is None:
        return
    reporter.note(f"resuming earlier work in {out}")
    if MANIFEST in faults:
        reporter.note(
            f"{MANIFEST} is {faults[MANIFEST]}: the files cannot be checked, and are made again"
        )
    elif faults:
        reporter.note(f"missing or damaged, and made again: {describe_faults(faults)}")
