import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from pluralign.core import Encoder, FloatArray
from pluralign.encoders import (
    CachedEncoder,
    HashEncoder,
    cache_folder,
    cache_size,
    clear_cache,
    forget_texts,
    sharding,
)
from pluralign.encoders.shards import shard_paths

TEXTS = [f"text number {i}" for i in range(50)]


class Counting:
    """A hash encoder that remembers what it was asked, and can fail."""

    fingerprint = "counting"
    dimensions = 16

    def __init__(self, fail_after: int | None = None) -> None:
        self.seen: list[str] = []
        self.fail_after = fail_after

    def encode(self, texts: Sequence[str]) -> FloatArray:
        if self.fail_after is not None and len(self.seen) >= self.fail_after:
            raise KeyboardInterrupt
        self.seen += texts
        return HashEncoder(16).encode(texts)


def test_cached_or_not_the_vectors_are_the_same(tmp_path: Path) -> None:
    plain = HashEncoder(16).encode(TEXTS)
    first = CachedEncoder(HashEncoder(16), tmp_path).encode(TEXTS)
    again = CachedEncoder(HashEncoder(16), tmp_path).encode(TEXTS[::-1])[::-1]
    assert np.array_equal(plain, first)
    assert np.array_equal(plain, again)
    assert first.dtype == np.float32


def test_each_text_is_encoded_once(tmp_path: Path) -> None:
    counting = Counting()
    encoder = CachedEncoder(counting, tmp_path)
    encoder.encode([*TEXTS, *TEXTS])
    encoder.encode(["new", *TEXTS])
    CachedEncoder(counting, tmp_path).encode(TEXTS)
    assert counting.seen == [*TEXTS, "new"]


def test_texts_that_differ_only_in_a_surrogate_or_white_space_are_kept_apart(
    tmp_path: Path,
) -> None:
    counting = Counting()
    CachedEncoder(counting, tmp_path).encode(["a", "a ", "a\ud800", "a\ud801", ""])
    assert len(counting.seen) == 5


def test_encoders_do_not_share_vectors(tmp_path: Path) -> None:
    CachedEncoder(HashEncoder(16), tmp_path).encode(TEXTS)
    other = CachedEncoder(HashEncoder(16, seed=1), tmp_path).encode(TEXTS)
    assert np.array_equal(other, HashEncoder(16, seed=1).encode(TEXTS))


def test_a_run_that_was_stopped_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharding, "TEXTS_PER_SHARD", 10)
    with pytest.raises(KeyboardInterrupt):
        CachedEncoder(Counting(fail_after=30), tmp_path).encode(TEXTS)
    rest = Counting()
    assert np.array_equal(
        CachedEncoder(rest, tmp_path).encode(TEXTS), HashEncoder(16).encode(TEXTS)
    )
    assert rest.seen == TEXTS[30:]


def test_progress_counts_different_texts_and_ends_at_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharding, "TEXTS_PER_SHARD", 20)
    told: list[tuple[int, int]] = []
    CachedEncoder(HashEncoder(16), tmp_path).encode(TEXTS[:5])
    CachedEncoder(
        HashEncoder(16), tmp_path, progress=lambda done, total: told.append((done, total))
    ).encode(TEXTS * 2)
    assert told == [(5, 50), (25, 50), (45, 50), (50, 50)]


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_a_damaged_file_is_reported_deleted_and_computed_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    (path,) = shard_paths(_filled(tmp_path).folder)
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes({"flip": bytes(content), "cut": bytes(content[:200]), "empty": b""}[damage])
    counting = Counting()
    with caplog.at_level(logging.WARNING):
        found = CachedEncoder(counting, tmp_path).encode(TEXTS)
    assert np.array_equal(found, HashEncoder(16).encode(TEXTS))
    assert counting.seen == TEXTS
    assert "damaged" in caplog.text
    assert CachedEncoder(Counting(fail_after=0), tmp_path).encode(TEXTS).shape == (50, 16)


def test_many_small_files_become_one_and_nothing_is_lost(tmp_path: Path) -> None:
    encoder = CachedEncoder(Counting(), tmp_path)
    for i, text in enumerate(TEXTS):
        encoder.encode([text])
        assert len(shard_paths(encoder.folder)) < 16, i
    assert np.array_equal(encoder.encode(TEXTS), HashEncoder(16).encode(TEXTS))
    fresh = Counting(fail_after=0)
    assert np.array_equal(
        CachedEncoder(fresh, tmp_path).encode(TEXTS), HashEncoder(16).encode(TEXTS)
    )


def test_a_reader_survives_compaction_by_another_process(tmp_path: Path) -> None:
    reader = CachedEncoder(Counting(), tmp_path)
    reader.encode(TEXTS[:1])
    writer = CachedEncoder(Counting(), tmp_path)
    for text in TEXTS:
        writer.encode([text])
    reader.encoder = Counting(fail_after=0)
    assert np.array_equal(reader.encode(TEXTS), HashEncoder(16).encode(TEXTS))


@pytest.fixture
def deleted_while_mapped(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Files that were mapped into memory when they were deleted, which Windows refuses."""
    maps, found = Path("/proc/self/maps"), []
    if not maps.exists():
        pytest.skip("the system does not list mapped files")
    unlink = Path.unlink

    def unlink_unmapped(path: Path, missing_ok: bool = False) -> None:
        if str(path) in maps.read_text(encoding="utf-8"):
            found.append(path)
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink_unmapped)
    return found


def test_compaction_deletes_no_file_that_it_still_maps(
    tmp_path: Path, deleted_while_mapped: list[Path]
) -> None:
    cached = CachedEncoder(HashEncoder(16), tmp_path)
    for text in TEXTS:
        cached.encode([text])
    assert len(shard_paths(cached.folder)) < len(TEXTS)
    assert deleted_while_mapped == []


def test_forgetting_deletes_no_file_that_it_still_maps(
    tmp_path: Path, deleted_while_mapped: list[Path]
) -> None:
    _filled(tmp_path)
    assert forget_texts(TEXTS[:3], tmp_path) == 3
    assert deleted_while_mapped == []


@pytest.mark.slow
def test_processes_may_share_a_folder(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from pluralign.encoders import CachedEncoder, HashEncoder
for start in range(0, 200, 5):
    texts = [f"text {{i}}" for i in range(start, start + 40)]
    CachedEncoder(HashEncoder(16), Path({str(tmp_path)!r})).encode(texts)
"""
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    errors = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], errors
    assert "damaged" not in "".join(errors)
    texts = [f"text {i}" for i in range(235)]
    found = CachedEncoder(_never(HashEncoder(16)), tmp_path).encode(texts)
    assert np.array_equal(found, HashEncoder(16).encode(texts))


def test_a_folder_that_cannot_be_written_is_reported_and_has_no_other_effect(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    counting = Counting()
    encoder = CachedEncoder(counting, blocked)
    with caplog.at_level(logging.WARNING):
        encoder.encode(TEXTS)
    assert np.array_equal(encoder.encode(TEXTS), HashEncoder(16).encode(TEXTS))
    assert counting.seen == TEXTS
    assert "cannot keep vectors" in caplog.text


def test_the_size_is_shown_and_clearing_leaves_other_files_alone(tmp_path: Path) -> None:
    folder = _filled(tmp_path).folder
    (folder / "mine.txt").write_text("mine")
    (tmp_path / "embeddings" / "notes.npy").write_text("mine")
    info = cache_size(tmp_path)
    assert (info.entries, info.encoders, info.static_models) == (50, 1, 0)
    assert info.bytes >= 50 * (16 + 4 * 16)
    assert clear_cache(tmp_path) == info
    assert cache_size(tmp_path).bytes == 0
    assert (folder / "mine.txt").exists()
    assert (tmp_path / "embeddings" / "notes.npy").exists()


def test_an_absent_folder_has_size_zero(tmp_path: Path) -> None:
    assert cache_size(tmp_path / "none").entries == 0
    assert clear_cache(tmp_path / "none").bytes == 0


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLURALIGN_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    assert CachedEncoder(HashEncoder(16)).folder.is_relative_to(tmp_path)


def test_the_cache_behaves_like_its_encoder(tmp_path: Path) -> None:
    encoder = CachedEncoder(HashEncoder(16), tmp_path)
    assert isinstance(encoder, Encoder)
    assert (encoder.fingerprint, encoder.dimensions) == (HashEncoder(16).fingerprint, 16)
    assert encoder.languages is None
    assert encoder.encode([]).shape == (0, 16)


def _filled(folder: Path) -> CachedEncoder:
    encoder = CachedEncoder(Counting(), folder)
    encoder.encode(TEXTS)
    return encoder


def _never(encoder: HashEncoder) -> Encoder:
    never = Counting(fail_after=0)
    never.fingerprint, never.dimensions = encoder.fingerprint, encoder.dimensions
    return never
