"""Heads of communities that callers adapted: in memory for a while, never on disk."""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock

from pluralign.core import FloatArray
from pluralign.rewards import Fading
from pluralign.serving.plans import Planner
from pluralign.serving.problems import Refused

MOST_COMMUNITIES = 16
"""Communities of one session; for each it has one vector of the trunk, and at most 64 vectors of
prompts."""


@dataclass(frozen=True, slots=True)
class Session:
    """The heads that one caller adapted.

    Attributes:
        planner: Plans for the model with these communities.
        added: Community -> what its head adds to the reference's, shape (D,).
        fading: Where steering is weaker, also to these communities; None where it is nowhere.
    """

    planner: Planner
    added: Mapping[str, FloatArray]
    fading: Fading | None = None


class Sessions:
    """The latest sessions; the one unused for longest leaves when there are too many.

    Args:
        most: Largest number of sessions.
        seconds: Longest time for which a session is kept after its last use.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._kept: OrderedDict[str, tuple[float, Session]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, name: str) -> Session:
        """The session of this name.

        Raises:
            Refused: If there is none, or no longer.
        """
        with self._lock:
            return self._found(name)

    def change(
        self, name: str | None, changed: Callable[[Session | None], Session]
    ) -> tuple[str, Session]:
        """Change a session, or start one; no other request changes it meanwhile.

        Args:
            name: Its name; None for a new one, whose name nobody can guess.
            changed: The new session from the old one, or from None.

        Returns:
            The name and the new session.

        Raises:
            Refused: If there is no session of this name, or no longer.
        """
        with self._lock:
            session = changed(None if name is None else self._found(name))
            name = name or secrets.token_urlsafe(16)
            self._use(name, session)
            self._forget()
        return name, session

    def _found(self, name: str) -> Session:
        self._forget()
        if name not in self._kept:
            raise Refused(
                404,
                "there is no such session, or no longer",
                "adapt again with POST /v1/adapt; sessions end when they are unused",
            )
        session = self._kept[name][1]
        self._use(name, session)
        return session

    def _use(self, name: str, session: Session) -> None:
        """Keep a session as the one that was used last."""
        self._kept[name] = time.monotonic(), session
        self._kept.move_to_end(name)

    def _forget(self) -> None:
        until = time.monotonic() - self._seconds
        while self._kept and (
            len(self._kept) > self._most or next(iter(self._kept.values()))[0] < until
        ):
            self._kept.popitem(last=False)
