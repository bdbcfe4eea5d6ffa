"""Vectors in files, a part of the texts in each, and the cache that is filled from them."""

import errno
import json
import os
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from tests.encoders.embedding_servers import Served, running
from tests.scaling import doubles
from typer.testing import CliRunner

from pluralign.cli.main import app
from pluralign.core import DamagedFile, Encoder, FloatArray, InvalidInput, NotEnoughData
from pluralign.core.files import part_of
from pluralign.encoders import CachedEncoder, HashEncoder, sharding
from pluralign.encoders.endpoint import EmbeddingServers, EndpointEncoder, OtherModel
from pluralign.encoders.shards import keys_of
from pluralign.scaling import ShardNumber, collect_text_shards, text_shards, write_text_shard

TEXTS = [f"text number {i} of many" for i in range(50)]
HASH = HashEncoder(16)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharding, "TEXTS_PER_SHARD", 8)
    monkeypatch.setattr(text_shards, "TEXTS_PER_SHARD", 8)
    monkeypatch.setattr(text_shards, "_AT_ONCE", 16)


def write_all(folder: Path, count: int, encoder: Encoder = HASH) -> None:
    for k in range(1, count + 1):
        number = ShardNumber(k, count)
        write_text_shard(number.texts(TEXTS), number, encoder, folder)


def pluralign(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


class Without:
    """An encoder without its model: every vector must be in the cache."""

    fingerprint = HASH.fingerprint
    dimensions = 16

    def encode(self, texts: Any) -> FloatArray:
        raise AssertionError(texts)


@pytest.mark.parametrize("count", [1, 3, 20])
def test_every_text_is_in_one_shard_and_its_vector_is_that_of_one_machine(
    count: int, tmp_path: Path
) -> None:
    write_all(tmp_path, count)
    tables = [pyarrow.parquet.read_table(path) for path in sorted(tmp_path.glob("*.parquet"))]
    rows = {row["key"]: row["vector"] for table in tables for row in table.to_pylist()}
    assert len(tables) == count
    assert sum(table.num_rows for table in tables) == len(rows) == len(TEXTS)
    # to_pylist of numpy drops zeros at the end of a key.
    keys = [key.ljust(16, b"\0") for key in keys_of(TEXTS).tolist()]
    assert np.array_equal([rows[key] for key in keys], HASH.encode(TEXTS))


def test_collected_shards_need_no_model(tmp_path: Path) -> None:
    write_all(tmp_path / "shards", 3)
    found = collect_text_shards(tmp_path / "shards", tmp_path / "cache")
    assert (found.files, found.vectors, found.missing) == (3, 50, ())
    collect_text_shards(tmp_path / "shards", tmp_path / "cache")
    vectors = CachedEncoder(Without(), tmp_path / "cache").encode(TEXTS)
    assert np.array_equal(vectors, HASH.encode(TEXTS))


def test_missing_shards_are_named(tmp_path: Path) -> None:
    write_all(tmp_path, 4)
    (tmp_path / "shard-3-of-4.parquet").unlink()
    assert collect_text_shards(tmp_path, tmp_path / "cache").missing == ("3/4",)


def test_a_finished_shard_is_skipped_unless_texts_or_encoder_are_others(tmp_path: Path) -> None:
    number = ShardNumber()
    write = partial(write_text_shard, number=number, folder=tmp_path)
    assert not write(TEXTS, encoder=HASH).found
    assert write(TEXTS, encoder=Without()).found
    assert not write(TEXTS[1:], encoder=HASH).found
    assert not write(TEXTS[1:], encoder=HashEncoder(8)).found


def test_a_killed_shard_continues_with_the_texts_that_are_missing(tmp_path: Path) -> None:
    seen: list[str] = []

    class Stopping:
        fingerprint, dimensions, most = "stopping", 16, 30

        def encode(self, texts: Any) -> FloatArray:
            if len(seen) > self.most:
                raise KeyboardInterrupt
            seen.extend(texts)
            return HASH.encode(texts)

    encoder = Stopping()
    with pytest.raises(KeyboardInterrupt):
        write_text_shard(TEXTS, ShardNumber(), encoder, tmp_path)
    assert not list(tmp_path.glob("*.parquet"))
    encoder.most = 1000
    path = write_text_shard(TEXTS, ShardNumber(), encoder, tmp_path).path
    assert seen == TEXTS
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_what_a_killed_process_left_of_a_shard_is_deleted_by_the_next(tmp_path: Path) -> None:
    path, ended = tmp_path / "shard-1-of-1.parquet", subprocess.Popen(["true"])
    ended.wait()
    left = part_of(path)
    left = left.with_name(left.name.replace(f"-{os.getpid()}-", f"-{ended.pid}-"))
    of_a_running_process, of_another_file = (
        part_of(path),
        part_of(tmp_path / "shard-1-of-2.parquet"),
    )
    for part in (left, of_a_running_process, of_another_file):
        part.write_bytes(b"PAR1")
    write_text_shard(TEXTS, ShardNumber(), HASH, tmp_path)
    assert set(tmp_path.iterdir()) == {path, of_a_running_process, of_another_file}


class Twice:
    """An encoder during whose first call a second process writes the same shard."""

    fingerprint, dimensions = HASH.fingerprint, HASH.dimensions

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outcomes: list[Any] = []

    def encode(self, texts: Any) -> FloatArray:
        if not self.outcomes:
            self.outcomes.append(None)
            try:
                self.outcomes.append(write_text_shard(TEXTS, ShardNumber(), HASH, self.folder))
            except InvalidInput as error:
                self.outcomes.append(error)
        return HASH.encode(texts)


def test_a_shard_that_another_process_is_writing_is_refused(tmp_path: Path) -> None:
    first = Twice(tmp_path)
    written = write_text_shard(TEXTS, ShardNumber(), first, tmp_path)
    assert "another process is writing this shard" in str(first.outcomes[1])
    assert list(tmp_path.iterdir()) == [written.path]
    assert collect_text_shards(tmp_path, tmp_path / "cache").vectors == len(TEXTS)


def test_on_a_disk_without_locks_two_processes_write_a_whole_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(lock: Any) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(text_shards.FileLock, "acquire", no_locks)
    first = Twice(tmp_path)
    write_text_shard(TEXTS, ShardNumber(), first, tmp_path)
    assert first.outcomes[1].texts == len(TEXTS)
    assert [path.name for path in tmp_path.iterdir()] == ["shard-1-of-1.parquet"]
    assert collect_text_shards(tmp_path, tmp_path / "cache").vectors == len(TEXTS)


def test_a_shard_that_was_finished_while_a_process_waited_is_not_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text_shard(TEXTS, ShardNumber(), HASH, tmp_path)
    looked = iter([False, True])
    monkeypatch.setattr(text_shards, "_is_finished", lambda path, about: next(looked))
    assert write_text_shard(TEXTS, ShardNumber(), Without(), tmp_path).found


@pytest.mark.parametrize(
    "row",
    [
        {"key": b"short", "vector": [1.0], "encoder": "e"},
        {"key": b"k" * 16, "vector": [1.0], "encoder": "another"},
        {"key": b"k" * 16, "vector": [1.0], "encoder": None},
        {"key": b"k" * 16, "vector": [1.0, 2.0], "encoder": "e"},
        {"key": b"k" * 16, "vector": None, "encoder": "e"},
        {"key": None, "vector": [1.0], "encoder": "e"},
    ],
)
def test_rows_of_spark_that_cannot_be_used_are_refused(row: Any, tmp_path: Path) -> None:
    good = {"key": b"a" * 16, "vector": [0.5], "encoder": "e"}
    kinds = {"key": pa.binary(), "vector": pa.list_(pa.float32()), "encoder": pa.string()}
    table = pa.Table.from_pylist([good, row], pa.schema(list(kinds.items())))
    pyarrow.parquet.write_table(table, tmp_path / "part-0.parquet")
    with pytest.raises(DamagedFile, match=r"part-0\.parquet"):
        collect_text_shards(tmp_path, tmp_path / "cache")


def test_servers_that_changed_their_model_do_not_continue_a_killed_shard(tmp_path: Path) -> None:
    served = Served()
    with running(served) as urls:
        settings = EmbeddingServers(tuple(urls), "m", batch=8)
        with pytest.raises(RuntimeError):
            write_text_shard(TEXTS, ShardNumber(), EndpointEncoder(settings), tmp_path, killed)
        served.model = HashEncoder(32, seed=1).encode
        with pytest.raises(OtherModel, match=served.url):
            write_text_shard(TEXTS, ShardNumber(), EndpointEncoder(settings), tmp_path)
    assert not list(tmp_path.glob("*.parquet"))


def killed(done: int, total: int) -> None:
    if done >= 16:
        raise RuntimeError


def test_workers_encode_a_shard(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    make = doubles.failing_on("nothing")
    with ThreadPoolExecutor(2) as pool:
        write_text_shard(TEXTS, ShardNumber(), make(), tmp_path, workers=(make, pool))
    table = pyarrow.parquet.read_table(tmp_path / "shard-1-of-1.parquet")
    assert np.array_equal(table["vector"].to_pylist(), HASH.encode(TEXTS))


def test_a_damaged_shard_is_named_and_written_again(tmp_path: Path) -> None:
    write_all(tmp_path, 1)
    path = tmp_path / "shard-1-of-1.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 4] ^= 255
    path.write_bytes(content)
    with pytest.raises(DamagedFile, match="shard-1-of-1"):
        collect_text_shards(tmp_path, tmp_path / "cache")
    path.write_bytes(b"no Parquet")
    with pytest.raises(DamagedFile, match="shard-1-of-1"):
        collect_text_shards(tmp_path, tmp_path / "cache")
    write_all(tmp_path, 1)
    assert collect_text_shards(tmp_path, tmp_path / "cache").vectors == 50


def test_a_folder_without_shards_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData, match="no files"):
        collect_text_shards(tmp_path)


class OnServers:
    """An encoder on servers, whose model may change behind its name."""

    fingerprint, dimensions = "endpoint", HASH.dimensions

    def __init__(self, *probe: float) -> None:
        self.probe = probe

    def encode(self, texts: Any) -> Any:
        return HASH.encode(texts)


def test_files_of_servers_whose_model_changed_are_not_collected_together(tmp_path: Path) -> None:
    vectors, cache = tmp_path / "vectors", tmp_path / "cache"
    write_all(vectors, 2, OnServers(1.0, 0.0))
    assert collect_text_shards(vectors, cache).files == 2
    second = ShardNumber(2, 2)
    second.file(vectors).unlink()
    write_text_shard(second.texts(TEXTS), second, OnServers(0.0, 1.0), vectors)
    with pytest.raises(OtherModel, match="shard-2-of-2"):
        collect_text_shards(vectors, cache)


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "1/0", "-1/3"])
def test_a_shard_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="shard"):
        ShardNumber.read(text)


def test_the_command_encodes_columns_of_a_file_and_lines_of_a_text(tmp_path: Path) -> None:
    rows = [{"prompt": f"p{k % 2}", "chosen": f"c{k}"} for k in range(5)]
    table = tmp_path / "pairs.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    words = ("encode", table, "--out", tmp_path / "vectors", "--encoder", "hash")
    result = pluralign(*words, "--column", "prompt", "--column", "chosen", "--json")
    assert json.loads(result.stdout)["texts"] == 7
    lines = tmp_path / "lines.txt"
    lines.write_text("one\n\ntwo\none\n", encoding="utf-8")
    result = pluralign("encode", lines, "--out", tmp_path / "more", "--encoder", "hash")
    assert "2 texts, written" in result.stdout


def test_a_run_whose_shards_are_collected_encodes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLURALIGN_CACHE", str(tmp_path / "cache"))
    settings = tmp_path / "tiny.toml"
    settings.write_text(
        'methods = ["pooled"]\nmin_pairs = 1\nmin_raters = 2\n'
        '[pairs]\nsource = "society"\neach = 40\nthin = 10\nworld = 60\n'
        '[trunk]\nencoder = "hash"\n[intervals]\ndraws = 100\n',
        encoding="utf-8",
    )
    for k in (1, 2):
        found = pluralign("encode", settings, "--shard", f"{k}/2", "--out", tmp_path / "vectors")
        assert found.exit_code == 0, found.stderr
    result = pluralign("encode", "--collect", tmp_path / "vectors")
    assert "vectors of 2 files, by 1 encoder" in result.stdout
    monkeypatch.setattr(HashEncoder, "encode", Without.encode)
    assert pluralign("run", settings, "--out", tmp_path / "run", "--json").exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--out are required"),
        (("x.parquet",), "--out are required"),
        (("x.parquet", "--out", "y"), "x.parquet"),
        (("x.jsonl", "--out", "y", "--on", "mars"), "is not a known backend"),
        (("x.jsonl", "--out", "y", "--encoder", "endpoint"), "settings of a run"),
        (("x.toml", "--out", "y", "--skip-bad"), "columns and skip_bad"),
        (("x.toml", "--out", "y", "--encoder", "hash"), "columns and skip_bad"),
    ],
)
def test_bad_input_of_the_command_says_what_to_do(
    words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = pluralign("encode", *words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not list(tmp_path.iterdir())
