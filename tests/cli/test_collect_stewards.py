"""``pluralign collect steward`` and ``propose``."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Call = Callable[..., Result]


@pytest.fixture
def study(call: Call, tmp_path: Path) -> Path:
    found = call("collect", "init", tmp_path / "tea", "-c", "MEX", "-c", "~hill")
    assert found.exit_code == 0, found.output
    return tmp_path / "tea"


def test_a_steward_is_added_listed_and_revoked(call: Call, study: Path) -> None:
    assert "nobody yet" in call("collect", "steward", "list", study).output
    added = call("collect", "steward", "add", study, "Ben", "--community", "MEX")
    assert added.stdout.startswith("http://127.0.0.1:8000/steward/enter/")
    assert "set address in study.toml" in added.stderr
    token = added.stdout.strip().rpartition("/")[2]
    assert token.encode() not in (study / "store.db").read_bytes()
    assert call("collect", "steward", "link", study, "Ben").stdout != added.stdout
    assert call("collect", "steward", "revoke", study, "Ben").exit_code == 0
    listed = call("collect", "steward", "list", study, "--json")
    [ben] = json.loads(listed.stdout)["stewards"]
    assert (ben["name"], ben["communities"]) == ("Ben", ["MEX"])
    assert ben["revoked_at"] >= ben["made_at"]
    assert "revoked" in call("collect", "steward", "list", study).stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["steward", "add", "STUDY", "Ben", "-c", "FRA"], "the study has no community FRA"),
        (["steward", "add", "STUDY", "  "], "a steward needs a name"),
        (["steward", "link", "STUDY", "Zoe"], "there is no steward 'Zoe'"),
        (["steward", "revoke", "STUDY", "Zoe"], "there is no steward 'Zoe'"),
        (["propose", "STUDY", "--purpose", "selling"], "a purpose of a release must be one of"),
        (["release", "STUDY", "--proposal", "none"], "there is no open proposal 'none'"),
    ],
)
def test_bad_input_gets_a_message_and_status_2(
    call: Call, study: Path, words: list[str], message: str
) -> None:
    found = call("collect", *[study if word == "STUDY" else word for word in words])
    assert (found.exit_code, message in found.stderr) == (2, True), found.output


def test_a_proposal_is_printed_with_those_who_agreed(call: Call, study: Path) -> None:
    assert "no release is proposed" in call("collect", "propose", study).output
    made = call("collect", "propose", study, "--purpose", "train").stdout
    assert "train; agreed: nobody yet" in made
    id_ = made.partition(":")[0]
    assert call("collect", "propose", study).stdout == made
    both = call("collect", "release", study, "--proposal", id_, "--purpose", "train")
    assert (both.exit_code, "leave out --purpose" in both.stderr) == (2, True)
    nobody = call("collect", "release", study, "--proposal", id_)
    assert (nobody.exit_code, "no steward is named" in nobody.stderr) == (2, True)
