"""The changes by a person's answers: planted, for them alone, on pairs that all are asked."""

from pathlib import Path

import pytest
from sqlalchemy import select

from pluralign.collecting.changed import changes_of, keep_changes, newest_change
from pluralign.collecting.release_files import read_release
from pluralign.collecting.released_rows import public_id, release_key
from pluralign.collecting.releasing import make_release
from pluralign.collecting.store.tables import pair, release
from pluralign.collecting.withdrawing import withdraw
from pluralign.core import InvalidInput

NOW = 1_800_000_000
pytestmark = pytest.mark.slow


@pytest.fixture
def contrary(filling) -> str:
    """A person of MEX who always prefers what the others do not; the others agree on "warm"."""
    filling.people("MEX", 19, answers=12)
    (person,) = filling.people("MEX", 1, answers=0)

    def answer(c):
        for id_ in c.execute(select(pair.c.id).order_by(pair.c.id)).scalars().all()[:30]:
            shown = filling.show(c, person, id_)
            filling.homes[person] = "~hill"
            filling.keep(c, shown)

    filling.store.write(answer)
    return person


@pytest.fixture
def measured(filling, contrary, tables, go, tmp_path, cache):
    """The release, and the changes of each person by their public id."""
    made = make_release(filling.store, filling.study, ["train"], ["Ana"], bytes(4), NOW)
    mine = {
        "methods": ["reference", "full"],
        "repeats": 6,
        "reference": {},
        "split": {"draw": "hash", "test": 0.4, "test_where": {"reason": "anchor"}},
        "pairs": {"source": "collected", "path": made.folder},
    }
    go(tables | mine, tmp_path / "run")
    return made, changes_of(Path(made.folder), tmp_path / "run", cache=cache)


def _of(filling, made, person):
    return public_id(release_key(filling.study.secret, made.id), "rater", person)


def test_a_person_who_disagrees_with_everybody_changed_more_than_the_typical_person(
    filling, contrary, measured
):
    made, changes = measured
    own = changes[_of(filling, made, contrary)]
    assert own["measured"]
    assert own["answers"] == 30
    assert own["people"] == 20
    assert own["moved"]["value"] > own["typical"][1]
    assert own["moved"]["low"] <= own["moved"]["value"] <= own["moved"]["high"]
    assert 0 <= own["same"]["value"] <= 1
    warm = [one for one in own["examples"] if "warm" in one["preferred"]]
    assert warm
    assert all(one["with_you"] < one["without_you"] for one in warm)


def test_every_person_of_the_release_gets_their_own_page_and_a_withdrawal_deletes_it(
    filling, contrary, measured
):
    made, changes = measured
    _, contents = read_release(Path(made.folder))
    assert changes.keys() == {row["rater"] for row in contents.answers}
    kept = filling.store.write(lambda c: keep_changes(c, filling.study, made.id, changes, NOW))
    assert kept == 20
    with filling.store.reading() as c:
        found = newest_change(c, contrary)
    assert found is not None
    assert found.examples == changes[_of(filling, made, contrary)]["examples"]
    other = next(one for one in filling.homes if one != contrary)
    filling.store.write(lambda c: withdraw(c, filling.study, other, NOW))
    with filling.store.reading() as c:
        assert newest_change(c, contrary) is None  # measured with somebody who is gone
        assert c.execute(select(release.c.id)).scalar_one() == made.id


def test_a_run_that_is_measured_on_chosen_pairs_is_refused(
    filling, contrary, tables, go, tmp_path, cache
):
    made = make_release(filling.store, filling.study, ["train"], ["Ana"], bytes(4), NOW)
    mine = {"pairs": {"source": "collected", "path": made.folder}, "reference": {}}
    go(tables | mine | {"methods": ["reference", "full"]}, tmp_path / "run")
    with pytest.raises(InvalidInput, match="not measured on anchor pairs alone"):
        changes_of(Path(made.folder), tmp_path / "run", cache=cache)
