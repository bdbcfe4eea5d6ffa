"""Warnings that the operator of a study reads when its server starts."""

import pytest

from pluralign.collecting.overview import overview
from pluralign.collecting.server import _warnings
from pluralign.collecting.store.store import open_store
from pluralign.collecting.study import open_study

PRIVATE = "\n[privacy]\nepsilon = 2.0\n"


@pytest.mark.parametrize(
    ("first", "last", "warned"),
    [
        ("", "", False),
        ("", PRIVATE, True),
        ('address = "http://192.0.2.1"\n', PRIVATE, True),
        ('address = "https://tea.example"\n', PRIVATE, False),
    ],
)
def test_a_private_study_without_https_is_warned_about(study, first, last, warned):
    path = study.folder / "study.toml"
    path.write_text(first + path.read_text("utf-8") + last, "utf-8")
    with open_store(study.folder) as store:
        found = [one for one in _warnings(open_study(study.folder), store) if "HTTPS" in one]
    assert bool(found) == warned


def test_people_of_a_community_without_a_table_are_counted_and_warned_about(study, store, filling):
    filling.people("MEX", 3)
    path = study.folder / "study.toml"
    path.write_text(path.read_text("utf-8").replace('"MEX"', '"FRA"'), "utf-8")
    changed = open_study(study.folder)
    assert any("people of MEX take part" in one for one in _warnings(changed, store))
    with store.reading() as connection:
        counted = overview(connection, changed.settings).communities
    assert {one.community: (one.people, one.hoped) for one in counted}["MEX"] == (3, 0)
