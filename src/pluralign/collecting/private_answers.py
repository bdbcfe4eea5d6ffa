"""Answers of a study in which phones exchange left and right at random before they send a choice.

Randomised response (Warner 1965) protects one choice between two sides. Everything else that
depends on the choice would reveal it, so such a study asks for nothing else: no tie, no strength,
no reason, no time.
"""

from dataclasses import replace

from pluralign.collecting.ratings import Answer
from pluralign.collecting.refusals import NotAccepted
from pluralign.collecting.study import StudyPrivacySettings

_CHANGED = "The privacy of this study has changed since you gave this answer. Please give it again."
_TWO_SIDES = "In this study you can choose A or B only."
_NOT_EXCHANGED = (
    "Your choice was not exchanged on this device, so it was not kept. Tick the box to send it as "
    "it is, or leave this pair without an answer."
)


def as_received(answer: Answer, privacy: StudyPrivacySettings) -> Answer:
    """An answer from the script of the page, which exchanges choices where the study asks for it.

    Raises:
        NotAccepted: If it was made under another probability than the study has now.

    >>> study = StudyPrivacySettings(epsilon=1.0)
    >>> sent = Answer("a", "left", reason="Because.", seconds=9, flip=study.flip)
    >>> as_received(sent, study) == Answer("a", "left", flip=study.flip)
    True
    """
    if answer.flip != privacy.flip:
        raise NotAccepted(_CHANGED)
    return _only_the_side(answer) if privacy.epsilon is not None else answer


def as_it_is(answer: Answer, privacy: StudyPrivacySettings, *, agreed: bool) -> Answer:
    """An answer from the form itself, which exchanges nothing.

    Args:
        answer: The answer.
        privacy: The study's settings.
        agreed: Whether the person agreed that this choice is sent as it is.

    Raises:
        NotAccepted: If the study exchanges choices and the person did not agree.
    """
    if privacy.epsilon is None:
        return answer
    if not agreed:
        raise NotAccepted(_NOT_EXCHANGED)
    return _only_the_side(answer)


def _only_the_side(answer: Answer) -> Answer:
    if answer.choice not in ("left", "right"):
        raise NotAccepted(_TWO_SIDES)
    return replace(answer, strength=None, reason=None, seconds=None, made_at=None)
