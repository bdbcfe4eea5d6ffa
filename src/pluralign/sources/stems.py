"""The wording that a battery of survey questions shares, so that a split by stem does not leak.

There are two steps. `question_stem` reads the words of one text before the item that varies.
`shared_stems` compares the stems of a whole survey, since an item may also be in the middle ("Do
you personally believe that ... is morally acceptable"). Both prefer to join: a battery cut in two
leaks into the test data, while two joined batteries cost a little data.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

_LEAD_IN = re.compile(r"^\s*\([^()]*\)\s*(?=[^\s.…])")
_ITEM = re.compile(r"\.{3,}|…|\n|(?<=[.?!:,])\s+[a-z]\.\s+|:\s")
_APOSTROPHES = re.compile(r"['’`´]")
_WORD = re.compile(r"[^\W_]+")
_FILLERS = frozenset({"again", "and", "now", "so"})
_FEWEST_HEAD_WORDS = 6
_FEWEST_SHARED_WORDS = 5
_SHARED_PART = 0.65
MOST_STEMS = 5000
"""Most texts that are compared: the time grows faster than their number."""


def question_stem(text: str) -> str:
    """Read the wording before the item that varies within a battery.

    A lead-in in brackets is left out. Then the text is cut at the first mark of an item that has at
    least six words before it: an ellipsis, a new line, a letter ("a. ") or a colon. Case,
    punctuation, numbers and a leading "And" or "Now" do not count.

    Args:
        text: Wording of a question.

    Returns:
        Words in lower case, one space apart, numbers as ``0``; the whole text where no item is
        marked. Never empty unless the text has no word.

    >>> question_stem("(Now I'd like ...) Do you have a favorable opinion of...Kiran Bedi?")
    'do you have a favorable opinion of'
    >>> question_stem("Do you have a favorable opinion of…the Taliban")
    'do you have a favorable opinion of'
    """
    rest = text
    while (shorter := _LEAD_IN.sub("", rest)) != rest:
        rest = shorter
    heads = (_words(rest[: mark.start()]) for mark in _ITEM.finditer(rest))
    words = next((head for head in heads if len(head) >= _FEWEST_HEAD_WORDS), _words(rest))
    while len(words) > 1 and words[0] in _FILLERS:
        words = words[1:]
    return " ".join(words)


def shared_stems(texts: Iterable[str]) -> dict[str, str]:
    """Find the stem of each question among all questions of a survey.

    Two stems belong to one battery if they share at least five words at the start and at the end,
    and at least 65 % of the longer one. Batteries are the connected groups. The name of a battery
    is its first stem in sorted order, so the order of the questions does not matter.

    Args:
        texts: Wordings of the questions.

    Returns:
        Text -> stem.

    >>> texts = [f"How important is {item} in your life?" for item in ("family", "work")]
    >>> sorted(set(shared_stems(texts).values()))
    ['how important is family in your life']
    """
    own = {text: question_stem(text) for text in texts}
    stems = sorted(set(own.values()))
    leader = {stem: stem for stem in stems}
    for a, b in _candidates(stems):
        root_a, root_b = _root(leader, a), _root(leader, b)
        if root_a != root_b and _same_battery(a.split(), b.split()):
            leader[max(root_a, root_b)] = min(root_a, root_b)
    return {text: _root(leader, stem) for text, stem in own.items()}


def _words(text: str) -> list[str]:
    plain = _APOSTROPHES.sub("", text.casefold())
    return ["0" if word.isdigit() else word for word in _WORD.findall(plain)]


def _candidates(stems: list[str]) -> Iterator[tuple[str, str]]:
    """Pairs of stems that begin or end with the same two words: only they can share enough."""
    buckets: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for stem in stems:
        words = stem.split()
        buckets["start", *words[:2]].append(stem)
        buckets["end", *words[-2:]].append(stem)
    for bucket in buckets.values():
        for i, a in enumerate(bucket):
            for b in bucket[:i]:
                yield a, b


def _same_battery(a: list[str], b: list[str]) -> bool:
    shorter = min(len(a), len(b))
    start = next((i for i in range(shorter) if a[i] != b[i]), shorter)
    room = shorter - start
    end = next((i for i in range(room) if a[-1 - i] != b[-1 - i]), room)
    shared = start + end
    return shared >= _FEWEST_SHARED_WORDS and shared >= _SHARED_PART * max(len(a), len(b))


def _root(leader: dict[str, str], stem: str) -> str:
    while leader[stem] != stem:
        leader[stem] = leader[leader[stem]]
        stem = leader[stem]
    return stem
