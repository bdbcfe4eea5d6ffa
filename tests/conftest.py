"""Fixtures that every part of the suite shares."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, beside the checkout or where PLURALIGN_DATA says; skips where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("PLURALIGN_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set PLURALIGN_DATA to test with it")
    return folder
