"""Marks of deleted answers: a phone that sends one once more does not bring it back.

A mark does not have the choice. There are few choices, so even a salted digest of one, next to
its salt, would reveal it to anyone who tries them all. A phone notes the moment of each
answer, and the mark is a digest of that. In a private study it does not; there the choice was
exchanged at random before it was sent, and the mark is a digest of what was sent. An answer of a
form without a script has neither: no phone keeps it to send it again.
"""

import hashlib
from collections.abc import Iterable

from pluralign.collecting.secret_digests import new_token


def marked(before: str | None, versions: Iterable[tuple[str, int | None, float]]) -> str | None:
    """The marks of a pair after versions of its answer were deleted.

    Args:
        before: The marks until now; None if there are none.
        versions: Digest, moment by the phone's clock and flip of each version.

    Returns:
        A salt and the marks, separated by spaces; None if there is no mark.
    """
    salt, *marks = before.split() if before else [new_token()]
    found = {mark for one in versions if (mark := _mark(salt, *one)) is not None}
    together = sorted({*marks, *found})
    return " ".join([salt, *together]) if together else None


def was_deleted(marks: str | None, digest: str, made_at: int | None, flip: float) -> bool:
    """Whether an answer is one that was deleted: the moment decides, not the choice.

    >>> marks = marked(None, [("digest", 1_800_000_000, 0.0)])
    >>> was_deleted(marks, "digest", 1_800_000_000, 0.0)
    True
    >>> was_deleted(marks, "digest", 1_800_000_001, 0.0)
    False
    """
    if marks is None:
        return False
    salt, *known = marks.split()
    return _mark(salt, digest, made_at, flip) in known


def _mark(salt: str, digest: str, made_at: int | None, flip: float) -> str | None:
    if made_at is not None:
        return _digest(salt, str(made_at))
    return _digest(salt, digest) if flip else None


def _digest(salt: str, value: str) -> str:
    return hashlib.sha256(f"{salt}\0{value}".encode()).hexdigest()
