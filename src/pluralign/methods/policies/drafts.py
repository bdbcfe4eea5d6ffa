"""Drafts of several communities, merged by a language model, and checked by every community.

The steps are those of Cultural Palette (arXiv 2412.11167): each community's model drafts, a meta
step merges, and a check keeps the result or not. The words of the prompts are ours.
"""

import re
from collections.abc import Sequence

import numpy as np

from pluralign.core import Conversation, FloatArray, Message, community_name
from pluralign.core.demonyms import demonyms

_NO_GROUP = (
    "Write about reasons and circumstances, not about groups of people: name no country, culture, "
    "religion or community, and do not describe such a group."
)
_MERGE = (
    "Below are drafts of an answer to the message, by writers with different values. Write one "
    "answer: keep what the drafts agree on, and where they differ, do justice to each. "
    f"{_NO_GROUP} Write the answer alone."
)
_SUMMARISE = (
    "Below are several answers to the message, by writers with different values. Write one answer "
    "that presents the range of these views: each of them once, in its best form, with its "
    f"reasons, and without deciding between them. {_NO_GROUP} Write the answer alone."
)


def merging_prompt(conversation: Conversation, drafts: Sequence[str]) -> Conversation:
    """The conversation in which a language model merges drafts into one answer.

    Args:
        conversation: The turns so far; the last is the user's.
        drafts: The drafts; their communities are not named.
    """
    return _with_texts(conversation, _MERGE, "Draft", drafts)


def summary_prompt(conversation: Conversation, views: Sequence[str]) -> Conversation:
    """The conversation in which a language model sums up several views in one answer.

    Args:
        conversation: The turns so far; the last is the user's.
        views: Answers; their communities are not named.
    """
    return _with_texts(conversation, _SUMMARISE, "Answer", views)


def names_unasked(text: str, conversation: Conversation, communities: Sequence[str]) -> bool:
    """Whether a text names a community, or its people, that its conversation does not name.

    Names and English words for the people of countries are recognised, as whole words; not a
    group that is described without its name.

    >>> asked = (Message("user", "Who decides in Kenya?"),)
    >>> names_unasked("In Mexico, families decide together.", asked, ["MEX", "KEN"])
    True
    >>> names_unasked("Some Kenyans decide with their family.", asked, ["MEX", "KEN"])
    False
    """
    before = " ".join(turn.content for turn in conversation)
    return any(_has_name(text, c) and not _has_name(before, c) for c in communities)


def keeps_merged(shaped_C: FloatArray, threshold: float) -> bool:
    """Whether every community's reward model accepts the merged answer.

    Args:
        shaped_C: Its reward on each community's scale (`RewardScale.shaped`), shape (C,); nan
            without an answer.
        threshold: Least reward that is accepted; 0.5 is the median of the start model's answers.

    >>> keeps_merged(np.array([0.6, 0.5]), 0.5), keeps_merged(np.array([0.9, 0.4]), 0.5)
    (True, False)
    """
    return bool((shaped_C >= threshold).all())


def best_draft(shaped_K_C: FloatArray) -> int:
    """The draft that the community that likes it least likes most; the first of equal ones.

    Args:
        shaped_K_C: Rewards of K drafts on the communities' scales, shape (K, C); nan without an
            answer.

    >>> best_draft(np.array([[0.9, 0.1], [0.4, 0.5], [np.nan, np.nan]]))
    1
    """
    worst_K = np.where(np.isnan(shaped_K_C), -np.inf, shaped_K_C).min(axis=1)
    return int(worst_K.argmax())


def _has_name(text: str, community: str) -> bool:
    names = "|".join(map(re.escape, (community_name(community), *demonyms(community))))
    return re.search(rf"(?<!\w)(?:{names})(?!\w)", text, re.IGNORECASE) is not None


def _with_texts(
    conversation: Conversation, task: str, label: str, texts: Sequence[str]
) -> Conversation:
    last = conversation[-1]
    numbered = [f"{label} {i}:\n{text}" for i, text in enumerate(texts, start=1)]
    words = "\n\n".join([task, f"Message:\n{last.content}", *numbered])
    return (*conversation[:-1], Message("user", words))
