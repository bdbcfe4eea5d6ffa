"""``pluralign data export`` and ``pluralign push``, with a double in place of the hub."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pluralign.sources import JsonlPairs

Call = Callable[..., Any]
ABOUT = ("--license", "CC0-1.0", "--about", "People of two towns compared answers.")


class FakeApi:
    """Keeps what would have been sent."""

    sent: dict[str, Any]

    def __init__(self, token: str) -> None:
        FakeApi.sent = {"token": token}

    def create_repo(self, repo_id: str, **more: Any) -> Any:
        FakeApi.sent |= more
        return type("RepoUrl", (str,), {"repo_id": repo_id})(f"https://huggingface.co/{repo_id}")

    def upload_folder(self, folder_path: Path, **_: Any) -> None:
        FakeApi.sent["files"] = sorted(path.name for path in folder_path.iterdir())


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> type[FakeApi]:
    library = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(library, "HfApi", FakeApi)
    monkeypatch.setattr(library, "get_token", lambda: "from the environment")
    FakeApi.sent = {}
    return FakeApi


@pytest.fixture
def exported(tmp_path: Path, call: Call, write_rows: Callable[..., Path]) -> Path:
    """A data set of two people; ids of pairs contain theirs."""
    row = {"prompt": "Tea?", "chosen": "Yes", "rejected": "No", "community": "MEX"}
    people = ("maria@x.org", "bob", "maria@x.org")
    rows = [row | {"id": f"{k}:{rater}", "rater": rater} for k, rater in enumerate(people)]
    file = write_rows(tmp_path / "pairs.jsonl", rows)
    found = call("data", "export", file, "--out", tmp_path / "tea", *ABOUT)
    assert found.exit_code == 0, found.output
    assert "3 pairs of 2 people" in found.stdout
    return tmp_path / "tea"


def test_people_have_new_ids_unless_theirs_are_kept(
    exported: Path, tmp_path: Path, call: Call
) -> None:
    raters = [pair.rater for pair in JsonlPairs(exported / "pairs.jsonl").pairs()]
    assert raters == ["p1", "p2", "p1"]
    assert "maria" not in "".join(path.read_text("utf-8") for path in exported.iterdir())
    given = (tmp_path / "pairs.jsonl", "--out", tmp_path / "kept", "--keep-ids")
    assert call("data", "export", *given, *ABOUT).exit_code == 0
    assert "maria@x.org" in (tmp_path / "kept/pairs.jsonl").read_text("utf-8")


def test_a_dry_run_lists_files_and_sends_nothing(
    exported: Path, call: Call, hub: type[FakeApi]
) -> None:
    found = call("push", exported, "--to", "owner/tea", "--dry-run")
    assert found.exit_code == 0, found.output
    for line in ("pairs.jsonl", "README.md", "a private dataset repository", "nothing was sent"):
        assert line in found.stdout
    assert hub.sent == {}


def test_a_data_set_is_sent_with_the_token_of_the_environment(
    exported: Path, call: Call, hub: type[FakeApi]
) -> None:
    found = call("push", exported, "--to", "owner/tea", "--public")
    assert found.exit_code == 0, found.output
    assert "uploaded to https://huggingface.co/owner/tea" in found.stdout
    assert hub.sent["token"] == "from the environment"
    assert (hub.sent["repo_type"], hub.sent["private"]) == ("dataset", False)
    assert hub.sent["files"] == ["README.md", "croissant.json", "pairs.jsonl"]


def test_of_a_run_numbers_are_sent_under_a_licence(
    trained: Path, exported: Path, call: Call, hub: type[FakeApi]
) -> None:
    bare = call("push", trained, "--to", "owner/n", "--dry-run")
    assert bare.exit_code == 2 and "need a licence" in bare.stderr
    other = call("push", exported, "--to", "owner/n", "--license", "CC0-1.0")
    assert other.exit_code == 2 and "the option is for runs only" in other.stderr
    found = call("push", trained, "--to", "owner/n", "--license", "CC0-1.0")
    assert found.exit_code == 0, found.output
    tables = {"results.jsonl", "summary.jsonl", "comparisons.jsonl"}
    assert set(hub.sent["files"]) == tables | {"README.md", "croissant.json"}


@pytest.mark.slow
def test_pairs_of_a_run_are_without_people_who_withdrew_and_an_earlier_export_is_refused(
    config: Path, tmp_path: Path, call: Call
) -> None:
    run = tmp_path / "run"
    assert call("run", config, "--out", run, "--json").exit_code == 0
    first = next(iter(JsonlPairs(tmp_path / "pairs.jsonl").pairs()))
    early = ("push", tmp_path / "early", "--to", "owner/tea", "--dry-run")
    assert call("data", "export", run, "--out", tmp_path / "early", *ABOUT).exit_code == 0
    planned = call(*early)
    assert planned.exit_code == 0, planned.output
    assert "pairs.jsonl" in planned.stdout and ".origin.json" not in planned.stdout
    assert call("withdraw", run, "--rater", str(first.rater)).exit_code == 0
    found = call("data", "export", run, "--out", tmp_path / "tea", "--keep-ids", *ABOUT)
    assert found.exit_code == 0, found.output
    left = {pair.rater for pair in JsonlPairs(tmp_path / "tea/pairs.jsonl").pairs()}
    everybody = {pair.rater for pair in JsonlPairs(tmp_path / "pairs.jsonl").pairs()}
    assert everybody - left == {first.rater}
    assert call("push", tmp_path / "tea", *early[2:]).exit_code == 0
    refused = call(*early)
    assert refused.exit_code == 2
    assert "people withdrew after this data set was exported" in refused.stderr
    assert f"export it again from {run}" in refused.stderr


def test_pairs_of_an_internal_release_are_not_written(tmp_path: Path, call: Call) -> None:
    release = tmp_path / "release"
    release.mkdir()
    terms = {"usageInfo": {"odrl:prohibition": {"odrl:action": {"@id": "odrl:distribute"}}}}
    (release / "croissant.json").write_text(json.dumps(terms))
    given = ("collected", "--set", f"path={release}", "--out", tmp_path / "tea")
    found = call("data", "export", *given, *ABOUT)
    assert found.exit_code == 2 and "prohibit its distribution" in found.stderr
    assert not (tmp_path / "tea").exists()


def test_a_release_from_which_somebody_waits_to_be_withdrawn_is_refused(
    tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sqlalchemy")
    from pluralign.collecting import operations

    release = tmp_path / "tea/releases/2026-11-30-c3bb5758"
    release.mkdir(parents=True)
    (tmp_path / "tea/study.toml").touch()
    pending = {"pending": [{"traces": {release.name: {}}}]}
    monkeypatch.setattr(operations, "operate", lambda *_: pending)
    unknown = call("push", release, "--to", "owner/tea", "--dry-run")
    assert unknown.exit_code == 2 and "name its database with --database" in unknown.stderr
    (tmp_path / "tea/store.db").touch()
    found = call("push", release, "--to", "owner/tea", "--dry-run")
    assert found.exit_code == 2 and "a person is waiting to be withdrawn" in found.stderr
    assert "--pending" in found.stderr
    pending["pending"].clear()
    done = call("push", release, "--to", "owner/tea", "--dry-run")
    assert "no model here, and no data set" in done.stderr
