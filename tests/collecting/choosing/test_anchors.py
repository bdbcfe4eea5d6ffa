"""Anchors: a fixed random sample of the study's pairs, shown to everybody as anchors only."""

from sqlalchemy import select

from pluralign.collecting.choosing.anchors import anchor_count, mark_anchors
from pluralign.collecting.store.tables import assignment, pair
from pluralign.collecting.study import ChoosingSettings


def _anchors(village):
    with village.store.reading() as connection:
        return set(connection.execute(select(pair.c.id).where(pair.c.anchor)).scalars())


def test_texts_that_people_write_leave_the_anchors_as_they_are(village):
    for number in range(10):
        village.prompt(f"q{number}")
    village.open()
    before = _anchors(village)
    writer = village.person()
    for number in range(30):
        village.prompt(f"mine {number}", author=writer.id, origin="people")
    village.open()
    assert _anchors(village) == before
    assert len(before) == 2


def test_marking_again_marks_nothing(village):
    for number in range(30):
        village.prompt(f"q{number}")
    assert village.store.write(lambda c: mark_anchors(c, village.study)) == 6
    assert village.store.write(lambda c: mark_anchors(c, village.study)) == 0


def test_each_community_and_language_has_anchors(village):
    for number in range(10):
        village.prompt(f"q{number}")
        village.prompt(f"p{number}", language="es")
        village.prompt(f"h{number}", community="~hill")
    village.open()
    with village.store.reading() as connection:
        marked = connection.execute(select(pair.c.community).where(pair.c.anchor)).scalars().all()
    assert len(marked) >= 2 + 2
    for person in (village.person(), village.person(language="es"), village.person("~hill")):
        found = village.chooser.pool.readable(person.community, person.language)
        assert len(found.anchor_A) == anchor_count(len(found.ids), ChoosingSettings())


def test_later_anchors_are_pairs_that_nobody_has_seen(village):
    for number in range(5):
        village.prompt(f"q{number}")
    village.open()
    village.sit(village.person(), most=5)
    before = _anchors(village)
    for number in range(45):
        village.prompt(f"later {number}")
    village.open()
    with village.store.reading() as connection:
        shown = set(connection.execute(select(assignment.c.pair)).scalars())
    added = _anchors(village) - before
    assert len(added) == 10 - len(before)
    assert not added & shown


def test_an_anchor_is_shown_as_an_anchor_and_another_pair_never_is(village):
    for number in range(20):
        village.prompt(f"q{number}")
    village.open()
    village.set(sitting={"repeat": False})
    for _ in range(3):
        village.sit(village.person())
    with village.store.reading() as connection:
        rows = connection.execute(select(assignment.c.pair, assignment.c.reason)).all()
    anchors = _anchors(village)
    assert len(anchors) == 4
    assert all((row.pair in anchors) == (row.reason == "anchor") for row in rows)
