"""Files are listed in one order, under names with forward slashes, on every system."""

import json
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest

from pluralign.core import MANIFEST, files_in, folder_faults, in_one_order, list_folder

NAMES = ["b/C.txt", "B.txt", "a.txt", "b/a.txt", "b-2/a.txt", "Z/a.txt"]


@pytest.mark.parametrize("system", [PurePosixPath, PureWindowsPath])
def test_paths_of_every_system_are_sorted_the_same_way(system: type[PurePath]) -> None:
    found = [path.as_posix() for path in in_one_order(map(system, NAMES))]
    assert found == ["B.txt", "Z/a.txt", "a.txt", "b/C.txt", "b/a.txt", "b-2/a.txt"]


def test_windows_alone_would_sort_them_in_another_way() -> None:
    paths = [PureWindowsPath(name) for name in NAMES]
    assert sorted(paths) != in_one_order(paths)


def test_a_manifest_lists_files_in_that_order(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    expected = [path.relative_to(tmp_path).as_posix() for path in files_in(tmp_path)]
    list_folder(tmp_path)
    lines = (tmp_path / MANIFEST).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["file"] for line in lines] == expected
    assert folder_faults(tmp_path) == {}
