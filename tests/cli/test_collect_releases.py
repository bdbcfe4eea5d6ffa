"""From a release to a withdrawal on the command line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pluralign.cli.collect_release_commands import _receipt
from pluralign.cli.main import app
from pluralign.collecting.documents import publish_documents
from pluralign.collecting.store.store import open_store
from pluralign.collecting.study import open_study
from pluralign.collecting.taking_part import invite_people, join

NOW = 1_800_000_000


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study with one person, who has answered nothing."""
    folder = tmp_path / "tea"
    assert _run("init", str(folder), "--community", "MEX").exit_code == 0
    return folder


def _run(*given: str):
    return CliRunner().invoke(app, ["collect", *given])


def _joined(folder: Path) -> tuple[str, str]:
    """Id and key of a person who joins."""
    study = open_study(folder)
    with open_store(folder) as store:
        store.write(lambda c: publish_documents(c, study.settings, NOW))
        token = store.write(
            lambda c: invite_people(c, study.secret, "MEX", uses=1, seconds=9, now=NOW)
        )
        text = _newest(store)
        joined = store.write(
            lambda c: join(
                c, study.secret, token, form="1", document_id=text, purposes=["collect"],
                language="en", now=NOW,
            )
        )  # fmt: skip
    return joined.participant, joined.key


def _newest(store) -> str:
    from sqlalchemy import select

    from pluralign.collecting.store.tables import document

    with store.reading() as c:
        query = select(document.c.id).where(document.c.kind == "consent")
        return str(c.execute(query).scalars().first())


def test_a_release_without_a_steward_or_for_another_purpose_is_refused(study):
    found = _run("release", str(study), "--purpose", "train", "--steward", "Ana")
    assert found.exit_code != 0
    assert "there is no steward 'Ana'" in found.stderr
    found = _run("release", str(study), "--purpose", "selling", "--steward", "Ana")
    assert "must be one of train, evaluate" in found.stderr


def test_the_operator_withdraws_a_person_by_their_key_and_prints_the_receipt(study):
    _, key = _joined(study)
    found = _run("withdraw", str(study), "--key", key.upper().replace("-", " "), "--json")
    assert found.exit_code == 0, found.exception
    (receipt,) = json.loads(found.stdout)["withdrawals"]
    assert (receipt["scope"], receipt["answers"]) == ("erase", 0)
    assert receipt["done_at"] is not None
    again = _run("withdraw", str(study), "--key", key)
    assert "nobody in the study has this key" in again.stderr


def test_a_withdrawal_names_runs_that_are_not_finished(study, tmp_path):
    run = tmp_path / "runs" / "tea"
    run.mkdir(parents=True)
    (run / "state.json").write_text('{"fingerprint": "x"}', "utf-8")
    found = _run("withdraw", str(study), "--pending", "--runs", str(tmp_path / "runs"))
    assert f"run {run}: not finished" in found.output
    assert "nothing is pending" in found.output


@pytest.mark.parametrize("given", [[], ["--key", "babab", "--pending"]])
def test_a_withdrawal_names_one_person_or_what_is_pending(study, given):
    found = _run("withdraw", str(study), *given)
    assert "name one of --key, --participant and --pending" in found.stderr


def test_the_export_has_no_secret_and_one_person_can_be_exported_alone(study, tmp_path):
    person, key = _joined(study)
    everything = tmp_path / "all.json"
    assert _run("export", str(study), "--out", str(everything)).exit_code == 0
    rows = json.loads(everything.read_text("utf-8"))
    assert [row["id"] for row in rows["participant"]] == [person]
    assert "session" not in rows
    assert "hash" not in "".join(rows["participant"][0])
    assert everything.stat().st_mode & 0o077 == 0
    one = tmp_path / "one.json"
    assert _run("export", str(study), "--key", key, "--out", str(one)).exit_code == 0
    assert json.loads(one.read_text("utf-8"))["community"] == "MEX"


def test_the_dossier_has_every_version_of_the_texts_in_every_language(study, tmp_path):
    _joined(study)
    path = study / "study.toml"
    text = path.read_text("utf-8").replace("Please read this before", "Do read this <b> before")
    path.write_text(text, "utf-8")
    with open_store(study) as store:
        store.write(lambda c: publish_documents(c, open_study(study).settings, NOW + 86_400))
    found = _run("dossier", str(study), "--out", str(tmp_path / "dossier"))
    assert found.exit_code == 0, found.exception
    page = (tmp_path / "dossier" / "index.html").read_text("utf-8")
    for version in (1, 2):
        assert page.count(f"Consent text, version {version}: ") == 4
    assert "Do read this &lt;b&gt; before" in page
    assert 'dir="rtl"' in page
    assert "<script" not in page
    assert "http" not in page.replace("https://study.example.org", "")


def test_a_receipt_names_a_run_that_waits_and_the_next_step():
    receipt = {
        "id": "w1", "scope": "erase", "done_at": None, "answers": 3, "texts_deleted": 0,
        "texts_erased": 0, "releases": {}, "not_recalled": [],
        "runs": [{"run": "runs/tea", "release": "r1", "models": "waiting"}],
    }  # fmt: skip
    lines = "\n".join(_receipt(receipt))
    assert "runs/tea: not finished" in lines
    assert "--out runs/tea --fresh" in lines
    assert "collect withdraw STUDY --pending" in lines
