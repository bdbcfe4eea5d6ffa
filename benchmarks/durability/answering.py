"""Simulated people answer pairs of a study, and note every answer that the store has confirmed.

Run: python benchmarks/durability/answering.py FOLDER --answers 400 [--synchronous NORMAL].
Confirmed answers are lines of FOLDER/acknowledged: the number of the answer, the id of its row, and
whether it was there already.
"""

import argparse
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import Connection, insert, select

from pluralign.collecting.documents import publish_documents
from pluralign.collecting.ratings import Answer, Kept, keep_answer
from pluralign.collecting.store import engines
from pluralign.collecting.store.store import Store, open_store
from pluralign.collecting.store.tables import assignment, document, pair, participant
from pluralign.collecting.study import SECRET_FILE, STUDY_FILE, Study, open_study
from pluralign.collecting.taking_part import Joined, invite_people, join
from pluralign.collecting.written_texts import NewText, add_text

NOW = 1_800_000_000
ACKNOWLEDGED = "acknowledged"
STUDY = """
id = "durable"
languages = ["en"]

[[communities]]
id = "MEX"

[texts.en]
title = "Kept"
about = "Simulated people."
consent = "You agree."
policy = "Be kind."
read_by = "nobody"
"""


def new_study(folder: Path) -> Study:
    """A study's folder without a store; its settings and secret are older than any cut."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / STUDY_FILE).write_text(STUDY, encoding="utf-8")
    (folder / SECRET_FILE).write_text("5e" * 32, encoding="ascii")
    return open_study(folder)


def assignment_id(number: int) -> str:
    """Id of the pair shown for an answer."""
    return f"shown-{number:08d}"


def answer_to(number: int) -> Answer:
    """The answer with a number: the same whenever it is sent again."""
    choice = "left" if number % 3 else "right"
    return Answer(
        assignment_id(number), choice, strength=1 + number % 3, reason=f"because {number}"
    )


def somebody_joins(connection: Connection, study: Study) -> Joined:
    """Let a person join a new study."""
    publish_documents(connection, study.settings, NOW)
    consent = connection.execute(select(document.c.id).where(document.c.kind == "consent"))
    token = invite_people(connection, study.secret, "MEX", uses=1, seconds=60, now=NOW)
    return join(
        connection,
        study.secret,
        token,
        form="form",
        document_id=consent.scalar_one(),
        purposes=["collect", "train"],
        language="en",
        now=NOW,
    )


def show_pairs(connection: Connection, study: Study, numbers: Iterable[int]) -> None:
    """Show one pair to one person many times; both are made at first use."""
    person = connection.execute(select(participant.c.id)).scalar()
    person = person or somebody_joins(connection, study).participant
    shown = connection.execute(select(pair)).one_or_none() or _new_pair(connection)
    there = set(connection.execute(select(assignment.c.id)).scalars())
    rows = [
        {
            "id": assignment_id(number),
            "participant": person,
            "pair": shown.id,
            "left": shown.first,
            "right": shown.second,
            "reason": "anchor",
            "propensity": 1.0,
            "policy": "the same pair",
            "served_at": NOW,
        }
        for number in numbers
        if assignment_id(number) not in there
    ]
    if rows:
        connection.execute(insert(assignment), rows)


def send_answers(
    store: Store,
    numbers: Iterable[int],
    acknowledge: Callable[[int, Kept], None],
    *,
    senders: int = 1,
) -> None:
    """Send answers, and acknowledge each one that the store has confirmed.

    Args:
        store: The open store.
        numbers: Numbers of the answers, whose pairs were shown.
        acknowledge: Called with the number and the row of each confirmed answer.
        senders: Number of people who send at the same time.
    """
    with store.reading() as connection:
        person = connection.execute(select(participant.c.id)).scalar_one()

    def send(number: int) -> None:
        kept = store.write(lambda c: keep_answer(c, person, answer_to(number), NOW + number))
        acknowledge(number, kept)

    if senders == 1:
        for number in numbers:
            send(number)
        return
    with ThreadPoolExecutor(senders) as people:
        list(people.map(send, numbers))


def line_of(number: int, kept: Kept) -> bytes:
    """The line that acknowledges an answer."""
    return f"{number} {kept.rating} {int(kept.again)}\n".encode()


def without_waiting_for_the_disk(synchronous: str) -> None:
    """Weaken the writing connection of this process: the negative control of the tests."""
    real = engines._pragmas
    weaker = f"synchronous = {synchronous}"
    engines._pragmas = lambda writes: [
        weaker if one == "synchronous = FULL" else one for one in real(writes)
    ]


def _new_pair(connection: Connection):
    def add(kind: str, body: str, parent: str | None = None) -> str:
        new = NewText(kind, body, "en", None, parent, None, "study", "CC0-1.0", "shown")
        return add_text(connection, new, NOW)

    prompt = add("prompt", "Tea?")
    add("response", "Yes", prompt)
    add("response", "No", prompt)
    return connection.execute(select(pair)).one()


def main() -> None:
    """One session of one person who answers pair after pair."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--answers", type=int, default=400)
    parser.add_argument("--synchronous", default="FULL", choices=["FULL", "NORMAL", "OFF"])
    given = parser.parse_args()
    study = open_study(given.folder)
    if given.synchronous != "FULL":
        without_waiting_for_the_disk(given.synchronous)
    notes = os.open(given.folder / ACKNOWLEDGED, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with open_store(study.folder) as store:
        numbers = range(given.answers)
        store.write(lambda c: show_pairs(c, study, numbers))
        send_answers(store, numbers, lambda number, kept: os.write(notes, line_of(number, kept)))


if __name__ == "__main__":
    main()
