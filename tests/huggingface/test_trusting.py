"""A model that only somebody else's file names is opened on the user's word alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pluralign.core import InvalidSettings
from pluralign.huggingface.trusting import (
    PACKAGED,
    TRUSTED,
    TRUSTED_CODE,
    is_code_trusted,
    remember,
    require_trust,
)

REMEMBERING = """
import sys
from pluralign.huggingface.trusting import remember
sys.stdin.readline()
for number in range(20):
    remember(f"{sys.argv[1]}/{number}")
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLURALIGN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_packaged_encoders_need_no_word() -> None:
    for name in (*PACKAGED, "static:minilm"):
        require_trust(name, "card")


@pytest.mark.parametrize(
    "name", ["owner/name", "/somewhere/else", "static:owner/name", "../../x", "a\0b", "hash/x"]
)
def test_any_other_is_refused_with_its_name_and_what_to_do(name: str) -> None:
    with pytest.raises(InvalidSettings, match="--trust-encoder") as caught:
        require_trust(name, "card.json")
    assert name.replace("\0", "") in str(caught.value)


def test_control_characters_in_a_name_are_not_shown() -> None:
    with pytest.raises(InvalidSettings) as caught:
        require_trust("owner/\x1b[2J", "card")
    assert "\x1b" not in str(caught.value)


def test_a_name_given_for_one_command_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    require_trust("owner/name", "card", given="owner/name")
    with pytest.raises(InvalidSettings):
        require_trust("owner/name", "card")
    with pytest.raises(InvalidSettings):
        require_trust("owner/other", "card", given="owner/name")

    monkeypatch.setenv(TRUSTED, "owner/first, owner/name")
    require_trust("static:owner/name", "card")


def test_a_name_given_in_settings_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "encoder").mkdir()
    monkeypatch.chdir(tmp_path)
    remember("static:owner/name")
    remember("encoder")

    require_trust("owner/name", "card")
    require_trust(str(tmp_path / "encoder"), "card")
    with pytest.raises(InvalidSettings):
        require_trust("owner/other", "card")


def test_processes_that_remember_at_the_same_time_lose_no_name() -> None:
    owners = ("one", "other", "third")
    started = [
        subprocess.Popen([sys.executable, "-c", REMEMBERING, owner], stdin=subprocess.PIPE)
        for owner in owners
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in started:
        process.communicate(timeout=60)
        assert process.returncode == 0
    for owner in owners:
        for number in range(20):
            require_trust(f"{owner}/{number}", "card")


def test_code_is_trusted_apart_and_stays_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    remember("owner/name")
    assert not is_code_trusted("owner/name")
    remember("owner/name", code=True)
    remember("owner/name")
    assert is_code_trusted("owner/name")

    assert not is_code_trusted("owner/other")
    monkeypatch.setenv(TRUSTED_CODE, "1")
    assert is_code_trusted("owner/other")


@pytest.mark.parametrize("text", ["", "[]", "null", '{"owner/name": "yes"}', "[" * 200_000, "\x00"])
def test_a_damaged_memory_trusts_no_code(own_cache: Path, text: str) -> None:
    own_cache.mkdir()
    (own_cache / "trusted_models.json").write_text(text)

    assert not is_code_trusted("owner/name")
    remember("owner/new")
    assert "owner/new" in json.loads((own_cache / "trusted_models.json").read_text())


def test_where_nothing_can_be_written_nothing_is_remembered_and_nothing_fails(
    own_cache: Path,
) -> None:
    own_cache.write_text("a file", encoding="utf-8")
    remember("owner/name")
    with pytest.raises(InvalidSettings):
        require_trust("owner/name", "card")
