"""Pages and audits in the folder of a run: found, deleted, and the commands that write them."""

import shlex
from pathlib import Path

import pytest

from pluralign.runs.derived_files import command_for, delete_derived, derived_files


def test_a_command_can_be_pasted_where_the_folder_has_a_space() -> None:
    folder = Path("my runs/uk")
    for name in ("audit", "report.html"):
        assert "my runs/uk" in shlex.split(command_for(name, folder))


def test_a_linked_folder_of_a_page_is_unlinked_and_what_it_links_to_stays(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "tables").mkdir(parents=True)
    (tmp_path / "page.html").touch()
    (tmp_path / "page").symlink_to(elsewhere)
    delete_derived(tmp_path, {"page.html": None})
    assert not (tmp_path / "page").is_symlink()
    assert (elsewhere / "tables").is_dir()


def test_a_folder_that_cannot_be_deleted_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A withdrawal must not report a page as deleted that is still there."""
    (tmp_path / "audit").mkdir()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.rmdir", refuse)
    with pytest.raises(PermissionError):
        delete_derived(tmp_path, {"audit": None})


def test_a_page_with_settings_that_no_report_wrote_cannot_be_written_again(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        '<meta name="generator" content="pluralign"><meta name="pluralign-report" content="{}">'
    )
    assert derived_files(tmp_path) == {"page.html": None}
