from pathlib import Path

import pytest

from pluralign.core import InvalidInput, as_path


def test_text_is_a_path_and_a_path_stays_as_it_is() -> None:
    assert as_path("runs/mine") == as_path(Path("runs/mine")) == Path("runs/mine")


def test_the_home_folder_may_be_written_with_a_tilde() -> None:
    assert as_path("~/runs") == Path.home() / "runs"


def test_a_folder_called_like_a_community_is_no_home_folder() -> None:
    assert as_path("~hill/runs") == Path("~hill/runs")


def test_a_value_that_is_not_a_path_is_refused() -> None:
    with pytest.raises(InvalidInput, match="must be text or a Path, got int"):
        as_path(3)  # type: ignore[arg-type]
