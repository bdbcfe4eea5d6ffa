"""Purposes that a person may consent to, and what a row may be used for."""

from collections.abc import Collection
from typing import Literal, get_args

Purpose = Literal["collect", "train", "evaluate", "publish-rows", "publish-quotes", "contact"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
"""``collect``: keep the answers in this study, without which nobody can take part. ``train``: fit
models. ``evaluate``: measure models. ``publish-rows``: publish the choices, without words of one's
own. ``publish-quotes``: publish reasons and stories in one's own words. ``contact``: be written to.
"""
OFFERED: tuple[Purpose, ...] = ("collect", "train", "evaluate", "publish-rows", "publish-quotes")
"""Purposes of a new study; ``contact`` needs an address, which most studies do not ask for."""


def as_text(purposes: Collection[str]) -> str:
    """Purposes as the store has them: in their fixed order, separated by spaces.

    Raises:
        ValueError: If one does not exist.

    >>> as_text(["train", "collect"])
    'collect train'
    """
    unknown = set(purposes) - set(PURPOSES)
    if unknown:
        raise ValueError(f"a purpose must be one of {', '.join(PURPOSES)}, got {unknown.pop()!r}")
    return " ".join(one for one in PURPOSES if one in purposes)


def allowed(asked: Collection[str], given: str) -> bool:
    """Whether a consent covers every purpose that is asked for.

    Args:
        asked: The purposes of a use; at least one.
        given: Purposes of the consent, as `as_text` writes them.

    >>> allowed(["train"], "collect train"), allowed(["publish-quotes"], "collect train")
    (True, False)
    """
    return bool(asked) and set(asked) <= set(given.split())
