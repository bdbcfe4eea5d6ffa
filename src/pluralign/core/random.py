"""Randomness is an argument: every generator is made here, from a seed and a name."""

import hashlib

import numpy as np


def rng_for(seed: int, *names: str | int) -> np.random.Generator:
    """Make the generator that belongs to a seed and a purpose.

    Different names give independent streams, so adding one purpose never shifts another.

    Args:
        seed: Any integer.
        names: The purpose of the numbers, such as ``"bootstrap", "MEX"``.

    Returns:
        A fresh generator; the same arguments always give the same stream.

    >>> int(rng_for(7, "split").integers(100)) == int(rng_for(7, "split").integers(100))
    True
    """
    text = "\x1f".join([str(seed), *map(str, names)])
    digest = hashlib.sha256(text.encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))


def keyed_number(seed: int, purpose: str, name: str) -> float:
    """A number that belongs to a name, whichever other names there are.

    Units that are dealt by it keep their place when another unit comes or leaves.

    Args:
        seed: Any integer; with the purpose it is the key of the hash (BLAKE2b).
        purpose: The purpose of the number, such as ``"split"``.
        name: The name, such as a rater's id.

    Returns:
        A number in [0, 1); over many names they are uniform.

    >>> keyed_number(7, "split", "r17") == keyed_number(7, "split", "r17")
    True
    >>> 0 <= keyed_number(7, "folds", "r17") < 1
    True
    """
    key = hashlib.sha256(f"{seed}\x1f{purpose}".encode()).digest()
    text = name.encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(text, key=key, digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / 2**53  # a float has 53 bits: 1.0 is never reached
