"""Conversations as requests: the turns that are read or refused, by one rule for every endpoint."""

from collections.abc import Sequence

from pluralign.core import InvalidInput, Message, Prompt, RewardRequest
from pluralign.rewards import Scorable, unanswered
from pluralign.rewards.remote.wire import ROLES

_NAMED = 10


def conversation(turns: Sequence[Message]) -> RewardRequest:
    """A conversation as a request: its last turn is the response.

    Raises:
        InvalidInput: If the last turn is not the assistant's, or a turn has the role of a tool or
            an unknown role.

    >>> conversation([Message("user", "Tea?"), Message("assistant", "Yes.")])
    RewardRequest(prompt='Tea?', response='Yes.')
    """
    check_roles(turns)
    if not turns or turns[-1].role != "assistant":
        ends = f"ends in a turn of the {turns[-1].role}" if turns else "has no turn"
        hint = "end it with the assistant's turn"
        raise InvalidInput(f"the conversation {ends}: there is no response to score", hint=hint)
    *before, last = turns
    return RewardRequest(_prompt_of(before), last.content)


def answered(found: Sequence[Scorable]) -> list[RewardRequest]:
    """Return the responses to be scored, each of which must have an answer.

    Raises:
        InvalidInput: If a response is empty or is an unfinished thought.
    """
    refuse_unanswered(found, unanswered(found))
    return [one.request for one in found if one.request is not None]


def refuse_unanswered(found: Sequence[Scorable], missing: Sequence[int]) -> None:
    """Refuse responses without an answer.

    Raises:
        InvalidInput: If there is such a response.
    """
    if missing:
        which = ", ".join(map(str, missing[:_NAMED])) + (", ..." if len(missing) > _NAMED else "")
        thought = any(found[row].thought for row in missing)
        what = "an unfinished thought is not an answer" if thought else "there is nothing to score"
        hint = (
            "let the model finish (allow more new tokens), or send the answer alone"
            if thought
            else "send the response's text"
        )
        raise InvalidInput(f"the response of item {which} has no answer: {what}", hint=hint)


def check_roles(turns: Sequence[Message]) -> None:
    """Require known roles of all turns; reward models are not fitted on the results of tools.

    Raises:
        InvalidInput: If a turn has another role.
    """
    for number, turn in enumerate(turns):
        if turn.role not in ROLES:
            what = (
                f"the role of turn {number} must be one of {', '.join(sorted(ROLES))}, got "
                f"{turn.role!r:.60}"
            )
            raise InvalidInput(
                what,
                hint="leave out the turns of tools, or write their results into the user's turn",
            )


def _prompt_of(turns: Sequence[Message]) -> Prompt:
    """Turns before a response as a prompt; a turn of the user alone is plain text."""
    if not turns:
        return ""
    return turns[0].content if len(turns) == 1 and turns[0].role == "user" else tuple(turns)
