"""The people behind each model, as digests that only a person with the data can resolve."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pluralign.core import PreferencePair, prompt_text, text_digest

_SHOWN = 20


def key_of(pairs: Sequence[PreferencePair]) -> bytes:
    """The key of the digests of people in a run: it is computed from all pairs, and never written.

    Args:
        pairs: All pairs of the run.

    Returns:
        A key of 32 bytes; other data give another one.
    """
    digest = hashlib.blake2b(digest_size=32, person=b"people behind")
    for p in pairs:
        parts = (p.id, p.community, p.rater or "", prompt_text(p.prompt), p.chosen, p.rejected)
        digest.update("\x1f".join(parts).encode("utf-8", "surrogatepass") + b"\x1e")
    return digest.digest()


def digest_under(key: bytes, rater: str) -> str:
    """The digest of a person under a key: without the key, nobody can test a guess.

    >>> digest_under(b"one key", "r17") == digest_under(b"another", "r17")
    False
    """
    text = rater.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, key=key, digest_size=_SHOWN // 2).hexdigest()


def people_behind(seed: int, train: Iterable[PreferencePair], key: bytes) -> dict[str, Any] | None:
    """The row of a repeat: the people whose choices its models learned from.

    Args:
        seed: Seed of the repeat.
        train: Its training pairs.
        key: As `key_of` gives it.

    Returns:
        ``people``, the digest of all of them, and ``pairs``: digest of each person -> pairs, in
        the order of digests. None where no pair has a rater.
    """
    pairs = Counter(digest_under(key, p.rater) for p in train if p.rater is not None)
    if not pairs:
        return None
    of_each = dict(sorted(pairs.items()))
    return {"seed": seed, "people": len(of_each), "digest": digest_of(of_each), "pairs": of_each}


def digest_of(pairs: Mapping[str, int]) -> str:
    """One digest of all people behind a model."""
    return text_digest("\n".join(sorted(pairs)))
