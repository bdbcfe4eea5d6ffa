"""Uploads to the hub, with a double in its place."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from pluralign.core import InvalidInput, PreferencePair
from pluralign.experiments import run_experiment
from pluralign.interop import (
    DatasetSheet,
    ModelSheet,
    push,
    push_run,
    write_dataset,
    write_model_card,
)
from pluralign.settings import resolve
from pluralign.simulation import SocietySource

hub = pytest.importorskip("huggingface_hub")


class FakeApi:
    """Remembers what was asked of the hub; fails where told to."""

    calls: ClassVar[list[tuple[str, dict[str, Any]]]] = []
    fails: ClassVar[dict[str, Exception]] = {}

    def __init__(self, token: str | None = None) -> None:
        self.token = token

    def create_repo(self, repo_id: str, **more: Any) -> Any:
        self._called("create_repo", repo_id=repo_id, token=self.token, **more)
        full = repo_id if "/" in repo_id else f"me/{repo_id}"
        return type("RepoUrl", (str,), {"repo_id": full})(f"https://huggingface.co/{full}")

    def upload_folder(self, **more: Any) -> None:
        self._called("upload_folder", **more)

    def _called(self, name: str, **given: Any) -> None:
        self.calls.append((name, given))
        if name in self.fails:
            raise self.fails[name]


@pytest.fixture(autouse=True)
def api(monkeypatch: pytest.MonkeyPatch) -> type[FakeApi]:
    monkeypatch.setattr(hub, "HfApi", FakeApi)
    monkeypatch.setattr(hub, "get_token", lambda: None)
    FakeApi.calls, FakeApi.fails = [], {}
    return FakeApi


@pytest.fixture
def described(folder: Path, tmp_path: Path) -> Path:
    copy = Path(shutil.copytree(folder, tmp_path / "model"))
    write_model_card(copy, ModelSheet("owner/uk"))
    return copy


class Refused(OSError):
    """An error as the hub's client raises it, with the status of the answer."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status} Client Error\nRequest ID: secret")
        self.response = SimpleNamespace(status_code=status)


def test_a_folder_goes_into_a_private_repository_in_one_commit(
    described: Path, api: type[FakeApi]
) -> None:
    assert push(described, "owner/uk", token="t") == "https://huggingface.co/owner/uk"
    (made, create), (sent, upload) = api.calls
    assert (made, sent) == ("create_repo", "upload_folder")
    assert create == {"repo_id": "owner/uk", "token": "t", "private": True, "exist_ok": True}
    assert (upload["repo_id"], upload["folder_path"]) == ("owner/uk", described)


def test_a_name_of_ones_own_gets_its_owner(described: Path, api: type[FakeApi]) -> None:
    assert push(described, "uk", private=False, token="t") == "https://huggingface.co/me/uk"
    assert api.calls[0][1]["private"] is False
    assert api.calls[1][1]["repo_id"] == "me/uk"


def test_the_token_one_logged_in_with_is_used(
    described: Path, api: type[FakeApi], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "get_token", lambda: "saved")
    push(described, "owner/uk")
    assert api.calls[0][1]["token"] == "saved"


def test_without_a_token_nothing_is_sent_and_the_error_explains_how_to_get_one(
    described: Path, api: type[FakeApi]
) -> None:
    with pytest.raises(InvalidInput, match="no access token") as caught:
        push(described, "owner/uk")
    assert "hf auth login" in str(caught.value.hint)
    assert api.calls == []


def test_a_model_without_its_description_is_not_sent(
    folder: Path, tmp_path: Path, api: type[FakeApi]
) -> None:
    bare = Path(shutil.copytree(folder, tmp_path / "bare"))
    with pytest.raises(InvalidInput, match=r"no README.md with front matter"):
        push(bare, "owner/uk", token="t")
    (bare / "README.md").write_text("# No front matter\n")
    with pytest.raises(InvalidInput, match=r"no README.md with front matter"):
        push(bare, "owner/uk", token="t")
    with pytest.raises(InvalidInput, match="no model here"):
        push(tmp_path, "owner/uk", token="t")
    with pytest.raises(InvalidInput, match="no such folder"):
        push(tmp_path / "nowhere", "owner/uk", token="t")
    assert api.calls == []


@pytest.mark.parametrize(
    "name", ["", "a/b/c", "owner/", "owner/a name", "../up", "https://huggingface.co/a/b"]
)
def test_a_name_that_is_no_repositorys_is_refused(
    name: str, described: Path, api: type[FakeApi]
) -> None:
    with pytest.raises(InvalidInput, match="cannot name a repository"):
        push(described, name, token="t")
    assert api.calls == []


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (Refused(401), "does not accept the token"),
        (Refused(403), "may not write here"),
        (Refused(500), "the hub refused"),
        (ConnectionError("no route"), r"cannot be reached \(no route\)"),
    ],
)
def test_the_error_names_the_fault_and_the_uploaded_files(
    error: Exception, what: str, described: Path, api: type[FakeApi]
) -> None:
    api.fails = {"create_repo": error}
    with pytest.raises(InvalidInput, match=what) as caught:
        push(described, "owner/uk", token="hf_secret")
    assert "nothing was uploaded" in str(caught.value)
    assert caught.value.hint
    assert "secret" not in str(caught.value)
    api.fails = {"upload_folder": error}
    with pytest.raises(InvalidInput, match=what) as caught:
        push(described, "owner/uk", token="hf_secret")
    assert "https://huggingface.co/owner/uk is there, but nothing was uploaded" in str(caught.value)


def test_an_unreachable_hub_is_reported(described: Path, api: type[FakeApi]) -> None:
    from huggingface_hub.errors import OfflineModeIsEnabled

    api.fails = {"create_repo": OfflineModeIsEnabled("offline mode is enabled")}
    with pytest.raises(InvalidInput, match="cannot be reached") as caught:
        push(described, "owner/uk", token="t")
    assert "HF_HUB_OFFLINE" in str(caught.value.hint)


def test_a_fault_of_ours_is_not_dressed_up_as_the_hubs(described: Path, api: type[FakeApi]) -> None:
    api.fails = {"create_repo": TypeError("unexpected argument")}
    with pytest.raises(TypeError):
        push(described, "owner/uk", token="t")


def _published(folder: Path) -> Path:
    pairs = [PreferencePair("1", "Tea?", "Yes", "No", community="GBR", rater="r1")]
    return write_dataset(pairs, folder, DatasetSheet("tea", "Who prefers which tea?", "CC0-1.0"))


def test_a_data_set_becomes_a_repository_of_data(api: type[FakeApi], tmp_path: Path) -> None:
    folder = _published(tmp_path / "tea")
    assert push(folder, "owner/tea", token="t").endswith("owner/tea")
    assert [given["repo_type"] for _, given in api.calls] == ["dataset", "dataset"]


def test_a_data_set_that_must_not_be_distributed_is_not_sent(
    api: type[FakeApi], tmp_path: Path
) -> None:
    folder = _published(tmp_path / "tea")
    described = json.loads((folder / "croissant.json").read_text("utf-8"))
    described["usageInfo"] = {"odrl:prohibition": {"odrl:action": {"@id": "odrl:distribute"}}}
    (folder / "croissant.json").write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(InvalidInput, match="prohibit its distribution"):
        push(folder, "owner/tea", token="t")
    assert api.calls == []


def test_of_a_run_only_numbers_are_sent(
    api: type[FakeApi], tables: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: dict[str, str] = {}

    def upload(self: FakeApi, **more: Any) -> None:
        sent.update({p.name: p.read_text("utf-8") for p in Path(more["folder_path"]).iterdir()})

    monkeypatch.setattr(FakeApi, "upload_folder", upload)
    out = tmp_path / "run"
    run_experiment(resolve(tables, base=tmp_path, where="test"), out)
    push_run(out, "owner/tea-numbers", "CC-BY-4.0", token="t")
    names = {"results.jsonl", "summary.jsonl", "comparisons.jsonl"}
    assert set(sent) == names | {"README.md", "croissant.json"}
    assert sent["results.jsonl"] == (out / "results.jsonl").read_text("utf-8")
    assert str(tmp_path) not in "".join(sent.values())
    raters = {pair.rater for pair in SocietySource().pairs() if pair.rater}
    assert not [rater for rater in raters if rater in "".join(sent.values())]
    assert "Communities: " in sent["README.md"]
