"""The study with simulated people: ready, whole, and with the tastes that were planted."""

import os
import re
import signal
import subprocess
import sys
from urllib.request import urlopen

import numpy as np
import pytest
from sqlalchemy import func, select

from pluralign.collecting.demo import make_demo
from pluralign.collecting.personal import people_with_keys
from pluralign.collecting.store.store import open_store
from pluralign.collecting.store.tables import (
    assignment,
    flag,
    participant,
    rating,
    release,
    text,
    withdrawal,
)
from pluralign.collecting.study import open_study
from pluralign.collecting.taking_part import session_with_key, usable_invitation
from pluralign.collecting.verifying import verify
from pluralign.core import InvalidInput
from pluralign.simulation import default_society

NOW = 1_800_000_000


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "demo"
    return folder, make_demo(folder, 20, NOW, np.random.default_rng(0))


def test_everything_that_pages_show_has_happened_in_it(demo):
    folder, made = demo
    study = open_study(folder)

    def count(c, table, *where):
        return c.execute(select(func.count()).select_from(table).where(*where)).scalar_one()

    with open_store(folder) as store:
        with store.reading() as c:
            assert count(c, participant) == 19
            assert count(c, text, text.c.state == "waiting") >= 4
            assert count(c, flag, flag.c.settled_by.is_(None)) == 2
            assert count(c, rating) > 200
            assert count(c, assignment, assignment.c.reason == "repeat") > 0
            assert count(c, withdrawal, withdrawal.c.done_at.is_(None)) == 1
            [id_] = c.execute(select(release.c.id)).scalars()
            checks = verify(c, study.settings, people_with_keys(folder), None)
            for community, token in made.invitations.items():
                assert usable_invitation(c, study.secret, token, NOW).community == community
        assert [check.problem for check in checks if check.problem] == []
        assert (folder / "releases" / id_ / "pairs.jsonl").stat().st_size > 0
        assert store.write(lambda c: session_with_key(c, study.secret, made.key, NOW))


def test_people_choose_by_the_taste_of_their_community(demo):
    folder, _ = demo
    left, right = text.alias(), text.alias()
    query = (
        select(participant.c.community, rating.c.choice, left.c.body, right.c.body.label("other"))
        .join(assignment, assignment.c.participant == participant.c.id)
        .join(rating, rating.c.assignment == assignment.c.id)
        .join(left, assignment.c.left == left.c.id)
        .join(right, assignment.c.right == right.c.id)
        .where(rating.c.choice.in_(["left", "right"]))
    )
    with open_store(folder) as store, store.reading() as c:
        rows = c.execute(query).all()
    society = default_society()
    margins = [
        np.subtract(*society.utilities([row.body, row.other], row.community))
        * (1 if row.choice == "left" else -1)
        for row in rows
    ]
    agreeing = np.mean(np.array(margins) > 0)
    assert agreeing > 0.7


def test_too_few_people_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InvalidInput, match="people must be >= 20"):
        make_demo(tmp_path / "demo", 3, NOW, np.random.default_rng(0))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_command_serves_it_and_deletes_its_folder_at_the_end(tmp_path):
    command = [sys.executable, "-m", "pluralign.cli.main", "collect", "demo", "--people", "20"]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        lines = [process.stdout.readline() for _ in range(8)]
        addresses = re.findall(r"http://127\.0\.0\.1:\d+[^\s,]*", "".join(lines))
        assert len(addresses) == 7
        for address in addresses:
            assert urlopen(address, timeout=20).status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert list(tmp_path.iterdir()) == []
