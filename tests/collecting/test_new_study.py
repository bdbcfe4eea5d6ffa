"""The files of a new study appear whole, and its secret is never replaced by another one."""

import shutil

import pytest

from pluralign.collecting.new_study import PROMPTS_FILE, write_study
from pluralign.collecting.store.store import open_store
from pluralign.collecting.study import SECRET_FILE, STUDY_FILE, open_study
from pluralign.collecting.study_texts import read_prompts
from pluralign.core import InvalidInput, InvalidSettings


def test_a_community_that_is_named_twice_is_written_once(tmp_path):
    study = write_study(tmp_path / "tea", ["MEX", "~hill", "MEX"])
    assert [one.id for one in study.settings.communities] == ["MEX", "~hill"]


def test_a_name_that_is_no_community_leaves_no_folder(tmp_path):
    with pytest.raises(InvalidInput, match="Mexico"):
        write_study(tmp_path / "tea", ["MEX", "Mexico"])
    assert list(tmp_path.iterdir()) == []


def test_after_a_full_disk_the_same_command_writes_all_prompts(tmp_path, monkeypatch):
    def full(source, target):
        target.write_text("{", encoding="utf-8")
        raise OSError(28, "No space left on device", str(target))

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfile", full)
        with pytest.raises(OSError, match="No space left"):
            write_study(tmp_path / "tea", ["MEX"])
    study = write_study(tmp_path / "tea", ["MEX"])
    assert len(read_prompts(study.folder / PROMPTS_FILE)) == 20


def test_a_secret_that_is_missing_is_asked_for_once_there_is_a_store(tmp_path):
    study = write_study(tmp_path / "tea", ["MEX"])
    secret = (study.folder / SECRET_FILE).read_bytes()
    (study.folder / SECRET_FILE).unlink()
    open_study(study.folder)  # nothing depends on it yet
    with open_store(study.folder):
        pass
    (study.folder / SECRET_FILE).unlink()
    with pytest.raises(InvalidSettings, match="from a backup"):
        open_study(study.folder)
    (study.folder / SECRET_FILE).write_bytes(secret)
    assert open_study(study.folder).secret == study.secret


@pytest.mark.parametrize(
    ("written", "wrong", "message"),
    [
        ('purposes = ["collect", ', "purposes = [", "without which nobody can take part"),
        ('licence = "CC-BY-4.0"', 'licence = ""', "release.licence"),
    ],
)
def test_settings_with_which_nobody_could_take_part_are_refused(tmp_path, written, wrong, message):
    path = write_study(tmp_path / "tea", ["MEX"]).folder / STUDY_FILE
    path.write_text(path.read_text("utf-8").replace(written, wrong), "utf-8")
    with pytest.raises(InvalidSettings, match=message):
        open_study(path.parent)
