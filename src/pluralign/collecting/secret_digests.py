"""Participation keys, tokens and their keyed digests: the store never has the keys themselves.

A key is written as words that can be read aloud: five letters for 16 bits, consonant and vowel in
turn (proquints, D. S. Wilkerson, arXiv:0901.4016). The last word is a checksum, so a mistyped key
is noticed without a look into the store.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from pluralign.core.files import whole_file

_CONSONANTS, _VOWELS = "bdfghjklmnprstvz", "aiou"
_WORD_BYTES, _KEY_BYTES = 2, 10
_SECRET_BYTES = 32


def load_secret(path: Path) -> bytes:
    """The secret of a study, made at first use; only its owner may read the file."""
    if not path.exists():
        with whole_file(path, private=True) as partial:
            partial.write_text(secrets.token_hex(_SECRET_BYTES), encoding="ascii", newline="\n")
    return bytes.fromhex(path.read_text(encoding="ascii").strip())


def keyed_digest(secret: bytes, purpose: str, value: str) -> str:
    """The digest of a key, token or address under a study's secret.

    Args:
        secret: The study's secret.
        purpose: Kind of value, such as ``"key"``: equal values of two kinds have other digests.
        value: The value.

    Returns:
        64 hexadecimal digits (HMAC-SHA256).
    """
    return hmac.new(secret, f"{purpose}\0{value}".encode(), hashlib.sha256).hexdigest()


def key_words(entropy: bytes) -> str:
    """A participation key in words.

    Args:
        entropy: At least 10 random bytes; the first 10 count.

    Returns:
        Six words of five letters, joined by hyphens; the last one is a checksum.

    Raises:
        ValueError: If there are fewer than 10 bytes.

    >>> key_words(bytes(10))
    'babab-babab-babab-babab-babab-balih'
    """
    if len(entropy) < _KEY_BYTES:
        raise ValueError(f"a key needs {_KEY_BYTES} bytes, got {len(entropy)}")
    given = entropy[:_KEY_BYTES]
    whole = given + _checksum(given)
    starts = range(0, len(whole), _WORD_BYTES)
    return "-".join(_word(int.from_bytes(whole[at : at + _WORD_BYTES], "big")) for at in starts)


def read_key(typed: str) -> str | None:
    """A typed key in its one spelling; None if it is mistyped.

    >>> read_key(" Babab babab BABAB-babab.babab balih ")
    'babab-babab-babab-babab-babab-balih'
    >>> read_key("babab-babab-babab-babab-babab-babab") is None
    True
    """
    letters = "".join(letter for letter in typed.casefold() if letter.isalpha())
    words = [letters[at : at + 5] for at in range(0, len(letters), 5)]
    values = [_value(word) for word in words]
    if len(values) != (_KEY_BYTES + 2) // _WORD_BYTES or None in values:
        return None
    whole = b"".join(value.to_bytes(_WORD_BYTES, "big") for value in values if value is not None)
    given, checksum = whole[:_KEY_BYTES], whole[_KEY_BYTES:]
    return "-".join(words) if hmac.compare_digest(_checksum(given), checksum) else None


def new_token() -> str:
    """A token for links and cookies that nobody can guess: 128 bits, letters and digits."""
    return secrets.token_urlsafe(16)


def new_id(now: int, order: int = 0) -> str:
    """An id that sorts by time: 12 hexadecimal digits of milliseconds, 20 random ones.

    Args:
        now: Seconds since 1970.
        order: Number that sorts ids of one second; its last three decimal digits count.

    >>> new_id(1_800_000_000, 1) < new_id(1_800_000_000, 2) < new_id(1_800_000_001)
    True
    """
    return f"{now * 1000 + order % 1000:012x}{os.urandom(10).hex()}"


def _checksum(given: bytes) -> bytes:
    return hashlib.sha256(given).digest()[:_WORD_BYTES]


def _word(value: int) -> str:
    """Five letters for 16 bits: 4 bits a consonant, 2 bits a vowel."""
    first, second, third = value >> 12 & 15, value >> 6 & 15, value & 15
    one, two = value >> 10 & 3, value >> 4 & 3
    return (
        _CONSONANTS[first] + _VOWELS[one] + _CONSONANTS[second] + _VOWELS[two] + _CONSONANTS[third]
    )


def _value(word: str) -> int | None:
    """The 16 bits of a word; None if it is not one."""
    if len(word) != 5:
        return None
    value = 0
    for at, letter in enumerate(word):
        letters, bits = (_VOWELS, 2) if at % 2 else (_CONSONANTS, 4)
        if letter not in letters:
            return None
        value = value << bits | letters.index(letter)
    return value
