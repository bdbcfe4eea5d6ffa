"""Personal data: unreadable without a person's key, and unreadable for ever without it."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from pluralign.collecting.personal import KEYS_FILE, PERSONAL_FILE, open_personal, people_with_keys
from pluralign.core import DamagedFile

WORDS = {"region": "the hills of Oaxaca", "contact": "ana@example.org"}


def _bytes(folder: Path, *names: str) -> bytes:
    """Everything on disk of some files, with SQLite's own files beside them."""
    return b"".join(path.read_bytes() for name in names for path in folder.glob(f"{name}*"))


def test_texts_are_read_back_after_a_restart_and_replaced_field_by_field(tmp_path: Path):
    with open_personal(tmp_path) as personal:
        personal.keep("ana", WORDS)
        personal.keep("ana", {"region": "the coast"})
        personal.keep("bob", {"region": "the plain"})
    with open_personal(tmp_path) as personal:
        assert personal.read("ana") == {"region": "the coast", "contact": "ana@example.org"}
        assert people_with_keys(tmp_path) == {"ana", "bob"}
        personal.keep("ana", {"contact": ""})
        assert personal.read("ana") == {"region": "the coast"}
        assert personal.read("somebody else") == {}


def test_no_word_of_a_person_is_readable_in_any_file(tmp_path: Path):
    with open_personal(tmp_path) as personal:
        personal.keep("ana", WORDS)
        while_open = _bytes(tmp_path, PERSONAL_FILE, KEYS_FILE)
    for seen in (while_open, _bytes(tmp_path, PERSONAL_FILE, KEYS_FILE)):
        assert b"ana" in seen  # the id: the bytes that were searched are those of the rows
        assert not any(word.encode() in seen for word in WORDS.values())


def test_only_the_owner_reads_the_files(tmp_path: Path):
    with open_personal(tmp_path) as personal:
        personal.keep("ana", WORDS)
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert {PERSONAL_FILE, KEYS_FILE} <= set(modes)
    assert set(modes.values()) == {0o600}


def test_forgetting_a_person_makes_an_old_copy_unreadable_and_leaves_no_key_behind(tmp_path: Path):
    with open_personal(tmp_path) as personal:
        personal.keep("ana", WORDS)
        personal.keep("bob", WORDS)
        with sqlite3.connect(tmp_path / KEYS_FILE) as keys:
            found = keys.execute("SELECT key FROM key WHERE participant = 'ana'").fetchone()[0]
        keys.close()
        assert found in _bytes(tmp_path, KEYS_FILE)
    old = tmp_path / "old"
    old.mkdir()
    shutil.copy(tmp_path / PERSONAL_FILE, old)
    with open_personal(tmp_path) as personal:
        personal.forget("ana")
        assert found not in _bytes(tmp_path, KEYS_FILE, PERSONAL_FILE)
        assert personal.read("ana") == {}
        assert people_with_keys(tmp_path) == {"bob"}
        personal.forget("ana")
    shutil.copy(tmp_path / KEYS_FILE, old)
    with open_personal(old) as restored:
        assert restored.read("ana") == {}
        assert restored.read("bob") == WORDS
        # Not even a new key opens the old rows.
        restored.keep("ana", {"age": "40"})
        with pytest.raises(DamagedFile, match="does not match its key"):
            restored.read("ana")


@pytest.mark.parametrize("case", ["changed", "moved to another person", "moved to another field"])
def test_a_changed_or_moved_text_is_noticed(tmp_path: Path, case):
    with open_personal(tmp_path) as personal:
        personal.keep("ana", WORDS)
        personal.keep("bob", {"region": "the plain"})
    with sqlite3.connect(tmp_path / PERSONAL_FILE) as file:
        sealed = "SELECT sealed FROM personal WHERE participant = 'ana' AND field = 'region'"
        [given] = file.execute(sealed).fetchone()
        target = "participant = 'ana' AND field = 'contact'"
        if case == "moved to another person":
            target = "participant = 'bob'"
        elif case == "changed":
            given = given[:-1] + bytes([given[-1] ^ 1])
            target = "participant = 'ana' AND field = 'region'"
        file.execute(f"UPDATE personal SET sealed = ? WHERE {target}", [given])
    file.close()
    with (
        open_personal(tmp_path) as personal,
        pytest.raises(DamagedFile, match="does not match its key"),
    ):
        personal.read("bob" if case == "moved to another person" else "ana")
