"""How a server is set, and whom it lets in."""

import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pluralign.core import InvalidSettings
from pluralign.serving import ServeSettings, check_tokens, read_tokens
from pluralign.serving.server_settings import is_loopback

LONG = "a-token-that-is-long"


def settings(**given: Any) -> ServeSettings:
    return ServeSettings(**{"model": Path("model"), "name": "served"} | given)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "example.org", ""])
def test_strangers_need_a_token(host: str) -> None:
    with pytest.raises(InvalidSettings, match="no token is set"):
        check_tokens(settings(host=host))
    check_tokens(settings(host=host, tokens=(LONG,)))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1", "[::1]"])
def test_this_machine_needs_none(host: str) -> None:
    assert is_loopback(host)
    check_tokens(settings(host=host))


@pytest.mark.parametrize(
    "token", ["short", "", "sieben7", "not-ascii-é-é", "with\nnewline", "tab\ttab\ttab"]
)
def test_a_token_that_is_short_or_not_valid_in_a_header_is_refused(token: str) -> None:
    with pytest.raises(InvalidSettings, match="a token is shorter than"):
        check_tokens(settings(tokens=(LONG, token)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a@b"},
        {"name": "a b"},
        {"name": ""},
        {"port": 70_000},
        {"seconds": 0},
        {"seconds": float("nan")},
        {"most_items": 0},
        {"most_items": 10_000},
        {"most_item": 1},
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)


def test_tokens_are_shown_nowhere() -> None:
    assert LONG not in repr(settings(tokens=(LONG,)))
    assert LONG not in str(settings(tokens=(LONG,)))


def test_settings_go_to_other_processes_and_back() -> None:
    one = settings(tokens=(LONG,), seconds=0.5, batch_tokens=7)
    assert ServeSettings.model_validate_json(one.model_dump_json()) == one


def test_tokens_come_from_a_variable_and_a_file(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("# those of March\nthird-token \n\nfirst-token\n", encoding="utf-8")
    file.chmod(0o600)
    assert read_tokens("first-token, second-token,", file) == (
        "first-token",
        "second-token",
        "third-token",
    )
    assert read_tokens(None, None) == ()


@pytest.mark.parametrize("text", ["", "\n \n", "# none yet\n"])
def test_a_file_without_tokens_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "tokens"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    with pytest.raises(InvalidSettings, match="has no token"):
        read_tokens("first-token", file)


@pytest.mark.skipif(os.name != "posix", reason="files have no such modes")
@pytest.mark.parametrize(
    ("mode", "refused"), [(0o600, False), (0o640, False), (0o644, True), (0o604, True)]
)
def test_a_token_file_that_everybody_can_read_is_refused(
    tmp_path: Path, mode: int, refused: bool
) -> None:
    file = tmp_path / "tokens"
    file.write_text("first-token\n", encoding="utf-8")
    file.chmod(mode)
    with pytest.raises(InvalidSettings, match=r"chmod 600 .*tokens") if refused else nullcontext():
        assert read_tokens(None, file) == ("first-token",)
