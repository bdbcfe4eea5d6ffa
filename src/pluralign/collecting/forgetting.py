"""The personal key of a person who withdrew is deleted once the store has the withdrawal.

On a full disk the store refuses the withdrawal, and the person has lost nothing. A process that is
killed in between leaves the person's id in the withdrawal, and the next call here goes on.
"""

import logging
import sqlite3

from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from pluralign.collecting.personal import Personal
from pluralign.collecting.store.store import Store
from pluralign.collecting.store.tables import withdrawal

_log = logging.getLogger("pluralign.collecting")


def forget_withdrawn(store: Store, personal: Personal) -> int:
    """Delete keys and personal data of all people who withdrew and still have them.

    Args:
        store: The store; withdrawals forget the person's id at the end.
        personal: The study's personal data.

    Returns:
        The number of people. It is 0, with a warning in the log, where the files cannot be
        written; the withdrawals stay, and the next call tries again.
    """
    try:
        return _forget(store, personal)
    except (OSError, sqlite3.Error, SQLAlchemyError) as error:
        _log.warning(
            "the personal key of a person who withdrew could not be deleted: %s; check the room "
            "on the disk; it is tried again at the next start of the server and by "
            "`pluralign collect withdraw STUDY --pending`",
            getattr(error, "orig", error),
        )
        return 0


def _forget(store: Store, personal: Personal) -> int:
    with store.reading() as connection:
        waiting = connection.execute(
            select(withdrawal.c.forgets).where(withdrawal.c.forgets.is_not(None))
        )
        people = list(waiting.scalars())
    for person in people:
        personal.forget(person)
    if people:
        done = withdrawal.c.forgets.in_(people)
        store.write(lambda c: c.execute(update(withdrawal).where(done).values(forgets=None)))
    return len(people)
