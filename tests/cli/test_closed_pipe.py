"""A reader of a pipe that leaves, such as `head`, is not a fault, on Windows too."""

import errno
import os

import pytest

from pluralign.cli.main import reader_left

INVALID = OSError(errno.EINVAL, "Invalid argument")
INVALID_FILE = OSError(errno.EINVAL, "Invalid argument", "a?.txt")


@pytest.mark.parametrize(
    ("system", "error", "left"),
    [
        ("posix", BrokenPipeError(errno.EPIPE, "Broken pipe"), True),
        ("posix", INVALID, False),
        ("nt", INVALID, True),
        ("nt", INVALID_FILE, False),
        ("nt", BrokenPipeError(errno.EPIPE, "Broken pipe"), True),
        ("nt", ValueError("not a number"), False),
    ],
)
def test_an_invalid_argument_without_a_file_means_on_windows_that_the_reader_left(
    monkeypatch: pytest.MonkeyPatch, system: str, error: Exception, left: bool
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os, "name", system)
        found = reader_left(error)
    assert found is left
