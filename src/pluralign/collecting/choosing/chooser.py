"""The memory of a server for choosing pairs: features of texts, and each community's taste."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from sqlalchemy import Connection, select

from pluralign.collecting.choosing.anchors import mark_anchors
from pluralign.collecting.choosing.pair_pool import PairPool
from pluralign.collecting.choosing.pair_rows import PairRow, pairs_shown
from pluralign.collecting.choosing.running_taste import RunningTaste
from pluralign.collecting.choosing.stored_answers import (
    StoredAnswer,
    StoreState,
    all_answers,
    answers_since,
    count_shown,
    store_state,
)
from pluralign.collecting.choosing.text_features import TextVectors, principal_directions
from pluralign.collecting.store import Store
from pluralign.collecting.store.tables import text
from pluralign.collecting.study import Study
from pluralign.core import Encoder, FloatArray, IntArray
from pluralign.encoders import HashEncoder

_GROWTH = 2
_WORDS = HashEncoder()


class CommunityAnswers:
    """The answers of one community's people.

    Args:
        pool: The pairs.

    Attributes:
        judged_N: Number of people who judged each pair, shape (N,).
        by_person: Person -> number of their answers.
        taste: The community's taste.
    """

    def __init__(self, pool: PairPool, answers: Sequence[StoredAnswer] = ()) -> None:
        self._pool = pool
        self.judged_N: IntArray = np.zeros(len(pool), dtype=np.int64)
        self.by_person: Counter[str] = Counter()
        known = [taken for taken in map(self._count, answers) if taken is not None]
        self.taste = RunningTaste(pool.feature_N_D, known)

    def add(self, answer: StoredAnswer) -> None:
        """Count an answer, and learn from it."""
        taken = self._count(answer)
        if taken is not None:
            self.taste.learn(*taken)

    def _count(self, answer: StoredAnswer) -> tuple[int, int] | None:
        """Count an answer; return the pair's row and the response taken, None where it has none."""
        if not answer.counted:
            return None
        self.by_person[answer.person] += 1
        row = self._pool.row_of.get(answer.pair)
        if row is None:
            return None
        self.judged_N[row] += 1
        return (row, answer.sign) if answer.sign else None


class Chooser:
    """Pairs, their features, and the answers so far; follows the store by itself.

    Args:
        store: The study's store.
        study: The study.
        encoder: Encodes texts. The default, hashed words, treats all languages alike, starts at
            once, and chooses as well as MiniLM (docs/collecting.md).

    Attributes:
        pool: The pairs that may be shown.
    """

    def __init__(self, store: Store, study: Study, encoder: Encoder = _WORDS) -> None:
        self._study = study
        self._lock = threading.Lock()
        self._vectors = TextVectors(encoder)
        self._direction_d_D: FloatArray | None = None
        self._fitted_on: set[str] = set()
        store.write(lambda c: mark_anchors(c, study))
        with store.reading() as connection:
            self.reload(connection)

    def reload(self, connection: Connection) -> None:
        """Read all pairs and answers from the store."""
        self._state = store_state(connection)
        self._n_shown = count_shown(connection)
        rows = pairs_shown(connection)
        self.pool = PairPool(self._study, rows, self._features(connection, rows))
        self._read_answers(connection)

    @contextmanager
    def current(self, connection: Connection) -> Iterator["Chooser"]:
        """The chooser with every answer and text of the connection's snapshot, locked."""
        with self._lock:
            self._follow(connection)
            yield self

    def expire(self) -> None:
        """Read the store anew at the next use."""
        self._state = StoreState(-1, -1, -1, -1)

    def answers(self, community: str) -> CommunityAnswers:
        """The answers of a community."""
        if community not in self._communities:
            self._communities[community] = CommunityAnswers(self.pool)
        return self._communities[community]

    def _follow(self, connection: Connection) -> None:
        before, now = self._state, store_state(connection)
        if before == now or now.seq < before.seq:
            return  # a snapshot from before those of other requests has nothing new
        # Most new pairs are of texts that wait for a steward: they change nothing here.
        waiting = now.pairs > before.pairs and count_shown(connection) == self._n_shown
        same_pairs = now.decisions == before.decisions and (now.pairs == before.pairs or waiting)
        if same_pairs:
            self._add_answers(connection, before, now)
        else:
            self.reload(connection)

    def _add_answers(self, connection: Connection, before: StoreState, now: StoreState) -> None:
        new = answers_since(connection, before.seq)
        self._state = now
        if before.ratings + len(new) != now.ratings:  # some were changed or deleted
            self._read_answers(connection)
            return
        for answer in new:
            self.answers(answer.community).add(answer)

    def _read_answers(self, connection: Connection) -> None:
        found: dict[str, list[StoredAnswer]] = defaultdict(list)
        for answer in all_answers(connection):
            found[answer.community].append(answer)
        self._communities = {
            community: CommunityAnswers(self.pool, answers) for community, answers in found.items()
        }

    def _features(self, connection: Connection, rows: Sequence[PairRow]) -> FloatArray:
        bodies = select(text.c.id, text.c.body).where(
            text.c.kind == "response", text.c.state == "shown"
        )
        vectors = self._vectors.of({row.id: row.body for row in connection.execute(bodies)})
        if not rows:
            return np.zeros((0, 1))
        difference_N_d = np.array([vectors[row.first] - vectors[row.second] for row in rows])
        # New directions change every feature, so they are kept until there are many new pairs, or a
        # text is gone: nothing that was computed from it may stay.
        ids = {row.id for row in rows}
        if (
            self._direction_d_D is None
            or len(ids) > _GROWTH * len(self._fitted_on)
            or not self._fitted_on <= ids
        ):
            self._direction_d_D = principal_directions(difference_N_d)
            self._fitted_on = ids
        feature_N_D: FloatArray = difference_N_d @ self._direction_d_D
        return feature_N_D
