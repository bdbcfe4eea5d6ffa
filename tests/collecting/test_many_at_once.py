"""Many people answer at once through one server; benchmarks/collect_load.py measures how fast."""

import argparse
import asyncio
import sys

import numpy as np
import pytest

pytest.importorskip("httpx")
from collect_load import load, prepare
from loop.commands import Operator

from pluralign.collecting.store.engines import reading_file
from pluralign.collecting.store.tables import participant, rating

PEOPLE = 30


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="stops a server by a signal")
def test_answers_of_people_who_answer_at_once_are_all_kept_without_an_error(tmp_path):
    study, operator = tmp_path / "study", Operator(tmp_path / "cache")
    prepare(operator, study)
    given = argparse.Namespace(people=PEOPLE, minutes=0.05, pause=0.5, arrive=1, fast=2)
    with operator.serving(study) as server:
        found = asyncio.run(load(server, operator, study, given))
    assert found.measured.errors == []
    sent = found.measured.seconds
    n_answers = len(sent["answer"]) + len(sent["answer, no pauses"])
    with reading_file(study / "store.db") as connection:
        assert len(connection.execute(participant.select()).all()) == PEOPLE
        kept = connection.execute(rating.select()).all()
    assert len(kept) == n_answers > PEOPLE
    assert len({row.assignment for row in kept}) == n_answers
    assert np.all(np.array(found.mebibytes) > 0)
