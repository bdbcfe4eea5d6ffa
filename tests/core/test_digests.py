import hashlib
from pathlib import Path

from pluralign.core import file_digest, names_digest, text_digest


def test_a_file_has_the_digest_of_its_text(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("né", encoding="utf-8")
    expected = hashlib.sha256("né".encode()).hexdigest()
    assert file_digest(tmp_path / "a") == text_digest("né") == expected


def test_the_order_of_files_does_not_count_and_their_names_do() -> None:
    assert names_digest({"a": "1", "b": "2"}) == names_digest({"b": "2", "a": "1"})
    assert names_digest({"a": "1", "b": "2"}) != names_digest({"a": "2", "b": "1"})
