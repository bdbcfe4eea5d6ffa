"""Several answers in one reply: the words that ask for them, and what is read out of the reply.

Answers that are sampled one by one are alike: a model's likeliest answer, several times. Asked for
all of them at once, the model sees what it has written already (negatively-correlated sampling,
Community Alignment, arXiv 2507.09650).
"""

import json
import re
from collections.abc import Collection, Sequence

from pluralign.core import Conversation, InvalidInput, Message, Reply

_FENCE = re.compile(r"^```(?:json)?\s*\n(.*)\n```$", re.DOTALL)
_MARK = re.compile(r"^[ \t]*###+", re.MULTILINE)
_LABEL = re.compile(r"^\W*(?:response|answer)\s+\d+\s*(?:[:.*]+|\n|$)\s*", re.IGNORECASE)
_TOGETHER = (
    "Generate {count} responses that represent diverse values. Each response should start with ### "
    "to demarcate where one begins and the other ends."
)
_WORDS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
MOST_TOGETHER = len(_WORDS) + 1
"""Most answers that one call asks for."""


class Malformed(ValueError):
    """A reply that does not have the answers that were asked for."""


def ask_together(conversation: Conversation, count: int) -> Conversation:
    """A conversation whose last turn asks for several answers that represent diverse values.

    The words are those of Community Alignment (arXiv 2507.09650), before the turn's own.

    Raises:
        InvalidInput: If ``count`` is not between 2 and 10, or there is no turn.

    >>> ask_together((Message("user", "Tea or coffee?"),), 4)[0].content[:37]
    'Generate four responses that represen'
    """
    if not 2 <= count <= MOST_TOGETHER:
        raise InvalidInput(f"one call asks for 2 to {MOST_TOGETHER} answers, got {count}")
    if not conversation:
        raise InvalidInput("the conversation has no turn", where="ask_together")
    last = conversation[-1]
    asked = f"{_TOGETHER.format(count=_WORDS[count - 2])}\n\n{last.content}"
    return (*conversation[:-1], Message(last.role, asked))


def read_marked(reply: str, count: int) -> tuple[str, ...]:
    r"""The answers of a reply in which each begins with ``###``.

    Words before the first mark, and a heading such as "Response 1:", are left out.

    Raises:
        Malformed: If there are not ``count`` answers, or two are the same but for case, spaces and
            punctuation.

    >>> read_marked("Here they are.\n### Response 1:\nYes, always.\n### No.", count=2)
    ('Yes, always.', 'No.')
    """
    parts = [_LABEL.sub("", part.strip()).strip() for part in _MARK.split(reply)[1:]]
    texts = tuple(part for part in parts if part)
    _check_count(texts, count)
    check_distinct(texts)
    return texts


def read_listed(reply: str, count: int) -> tuple[str, ...]:
    """The texts of a reply that is a JSON array, alone or in a code block.

    Raises:
        Malformed: If it is anything else, or has another number of texts.

    >>> read_listed('["Yes, always.", "No."]', count=2)
    ('Yes, always.', 'No.')
    """
    bare = reply.strip()
    fenced = _FENCE.match(bare)
    try:
        found = json.loads(fenced.group(1) if fenced else bare)
    except (ValueError, RecursionError):
        raise Malformed("the reply is not JSON") from None
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise Malformed("the reply is not a JSON array of texts")
    _check_count(found, count)
    return tuple(found)


def check_distinct(texts: Sequence[str], taken: Collection[str] = ()) -> None:
    """Check that no two answers are the same but for case, spaces and punctuation.

    Args:
        texts: The answers.
        taken: Answers that the prompt has already.

    Raises:
        Malformed: If two are.
    """
    seen = {_bare(text) for text in taken}
    for text in texts:
        if _bare(text) in seen:
            raise Malformed(f"an answer is there twice: {text[:60]!r}")
        seen.add(_bare(text))


def complete_text(reply: Reply) -> str:
    """The words of a reply that the model ended by itself.

    Raises:
        Malformed: If the request failed, or the reply is cut off.
    """
    if reply.failure is not None:
        raise Malformed(f"the request failed: {reply.failure}")
    if reply.finish_reason:
        raise Malformed(f"the reply is not complete ({reply.finish_reason})")
    return reply.text


def _check_count(texts: Sequence[str], count: int) -> None:
    if len(texts) != count:
        raise Malformed(f"the reply has {len(texts)} answers instead of {count}")


def _bare(text: str) -> str:
    """A text without case, spaces and punctuation."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())
