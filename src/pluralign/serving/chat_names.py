"""Model names of ``/v1/chat/completions``.

``name`` is the start model, ``name@MEX`` a community, ``name@MEX=0.6,GBR=0.4`` several with their
shares, ``name+bo8@MEX`` the best of eight answers, and ``name@auto``, ``name@overton`` and
``name@distributional`` the modes that need no community.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pluralign.aligning import Mode
from pluralign.core import InvalidInput, Steer, read_steer
from pluralign.serving.plans import check_labels
from pluralign.serving.problems import Refused

MODES: tuple[Mode, ...] = ("auto", "overton", "distributional")
"""Modes with a name of their own."""
_FORM = re.compile(r"(?:\+bo([0-9]{1,6}))?(?:@(.+))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ChatName:
    """The meaning of a model's name.

    Attributes:
        mode: The policy that answers.
        steer: Communities with their shares; None in other modes than ``steerable``.
        best_of: Number of answers from which the reward model chooses.
    """

    mode: Mode = "start"
    steer: Steer | None = None
    best_of: int = 1


def read_chat_name(
    model: str | None, server: str, communities: Sequence[str], most_best_of: int
) -> ChatName:
    """Read the model's name in a request.

    Args:
        model: The name; None or empty for the start model.
        server: Name of the server's model.
        communities: Ids of the communities with a policy.
        most_best_of: Largest number of answers from which one is chosen.

    Raises:
        Refused: If the name is another model's.
        UnknownCommunity: If a community has no policy.
        InvalidInput: If a share is not a number, shares do not sum to 1, or the best of several
            answers is asked for without a community, or of too many.

    >>> read_chat_name("tea@MEX", "tea", ["MEX", "GBR"], 16)
    ChatName(mode='steerable', steer=Steer(shares={'MEX': 1.0}, strength=1.0), best_of=1)
    >>> read_chat_name("tea@auto", "tea", ["MEX", "GBR"], 16).mode
    'auto'
    """
    given = model or server
    form = _FORM.fullmatch(given, len(server)) if given.startswith(server) else None
    if form is None:
        hint = f"use {server!r}, {server}@COMMUNITY, or another name of /v1/models"
        raise Refused(404, f"there is no model {given!r:.100} here", hint)
    best_of, words = int(form[1] or 1), form[2]
    _check_best_of(best_of, most_best_of, words)
    if words is None:
        return ChatName()
    if words in MODES:
        return ChatName(next(mode for mode in MODES if mode == words))
    check_labels(words.split(","))
    steer = read_steer(communities, words.split(","), where="model")
    return ChatName() if steer is None else ChatName("steerable", steer, best_of)


def chat_names(
    server: str, communities: Sequence[str], modes: Sequence[Mode], tuned: bool = True
) -> list[str]:
    """The names of a server, without blends and with the best of eight answers.

    Args:
        server: Name of the server's model.
        communities: Ids of the communities.
        modes: The modes of the policies.
        tuned: Whether communities have policies of their own.

    >>> chat_names("tea", ["MEX"], ["start", "steerable", "auto"])
    ['tea', 'tea@MEX', 'tea@auto', 'tea+bo8@MEX']
    """
    alone = [f"{server}@{id_}" for id_ in communities if tuned]
    named = [f"{server}@{mode}" for mode in MODES if mode in modes]
    return [server, *alone, *named, *(f"{server}+bo8@{id_}" for id_ in communities)]


def _check_best_of(best_of: int, most: int, words: str | None) -> None:
    if best_of > 1 and (words is None or words in MODES):
        raise InvalidInput(
            "the best of several answers needs a community whose reward chooses",
            where="model",
            hint=f"name one: NAME+bo{best_of}@COMMUNITY",
        )
    if not 1 <= best_of <= most:
        raise InvalidInput(
            f"the number of answers in a model's name must be 1 to {most}, got {best_of}",
            where="model",
            hint="serve --most-best-of sets how many",
        )
