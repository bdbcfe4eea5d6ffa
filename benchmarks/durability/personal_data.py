"""People write about themselves and leave, one after the other, and note what was confirmed.

Run as a process of its own: python personal_data.py FOLDER PEOPLE [--synchronous NORMAL]. Every
person writes a text and replaces it; every second one then leaves. A confirmed act is a line of
FOLDER/acknowledged, and keys are noted beside the folder, to look for them after they were deleted.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from durability.answering import ACKNOWLEDGED, assignment_id, without_waiting_for_the_disk
from durability.power_cuts import Operation, recorded, recording
from pluralign.collecting.personal import KEYS_FILE, open_personal, people_with_keys
from pluralign.core import PluralignError

_ACTS = ("wrote", "replaced", "left")


def record_personal_session(
    folder: Path, library: Path, people: int, synchronous: str = "FULL"
) -> list[Operation]:
    """Record a session in a new folder, from the making of both files to its end."""
    folder.mkdir()
    command = [sys.executable, __file__, str(folder), str(people), "--synchronous", synchronous]
    subprocess.run(command, env=recording(folder, library), check=True)
    return recorded(folder)


def problems_of(
    folder: Path, acknowledged: set[str], people: int, keys: dict[str, str]
) -> list[str]:
    """What a restart finds wrong after a cut.

    Args:
        folder: The folder after the cut.
        acknowledged: As `power_cuts.cuts` gives them.
        people: Number of people of the session.
        keys: Person -> key, of those who left.
    """
    done = {act: [_line(n, act) in acknowledged for n in range(people)] for act in _ACTS}
    raw = b"".join(path.read_bytes() for path in folder.glob(f"{KEYS_FILE}*"))
    found = []
    try:
        with open_personal(folder) as personal:
            known = people_with_keys(folder)
            read = [personal.read(_person(n)) for n in range(people)]
    except (PluralignError, OSError) as error:
        return [str(error)]
    for n, texts in enumerate(read):
        if done["left"][n]:
            if texts or _person(n) in known:
                found.append(f"person {n} is back")
            if bytes.fromhex(keys[_person(n)]) in raw:
                found.append(f"the key of person {n} is on the disk")
        elif _left(n) and done["replaced"][n]:
            continue  # leaving now: all or nothing of the text is right
        elif done["wrote"][n] and texts not in _right(n, done["replaced"][n]):
            found.append(f"person {n} lost a text: {texts}")
    return found


def keys_of(folder: Path) -> dict[str, str]:
    """Person -> key, of the people who left a session."""
    return dict(json.loads(_keys_file(folder).read_text(encoding="ascii")))


def _right(n: int, replaced: bool) -> list[dict[str, str]]:
    return [{"place": f"newer {n}"}, *([] if replaced else [{"place": f"first {n}"}])]


def _left(n: int) -> bool:
    return n % 2 == 1


def _person(n: int) -> str:
    return f"person-{n:04d}"


def _number(n: int, act: str) -> int:
    return n * len(_ACTS) + _ACTS.index(act)


def _line(n: int, act: str) -> str:
    return assignment_id(_number(n, act))


def _keys_file(folder: Path) -> Path:
    return folder.parent / f"{folder.name}.keys"


def main() -> None:
    """One session."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("people", type=int)
    parser.add_argument("--synchronous", default="FULL", choices=["FULL", "NORMAL", "OFF"])
    given = parser.parse_args()
    if given.synchronous != "FULL":
        without_waiting_for_the_disk(given.synchronous)
    notes = os.open(given.folder / ACKNOWLEDGED, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    keys: dict[str, str] = {}

    def acknowledge(n: int, act: str) -> None:
        os.write(notes, f"{_number(n, act)}\n".encode())

    with open_personal(given.folder) as personal:
        for n in range(given.people):
            personal.keep(_person(n), {"place": f"first {n}"})
            acknowledge(n, "wrote")
            personal.keep(_person(n), {"place": f"newer {n}"})
            acknowledge(n, "replaced")
            if _left(n):
                keys[_person(n)] = (personal._key_of(_person(n)) or b"").hex()
                personal.forget(_person(n))
                acknowledge(n, "left")
    _keys_file(given.folder).write_text(json.dumps(keys), encoding="ascii")


if __name__ == "__main__":
    main()
