"""Topics of a survey, for each of which a model is to write questions."""

import re
from collections.abc import Mapping, Sequence

from pluralign.core import InvalidInput, Survey, SurveyQuestion

_WVS = (
    ("Social Values, Attitudes & Stereotypes", 1, 45),
    ("Happiness and Well-being", 46, 56),
    ("Social Capital, Trust & Organizational Membership", 57, 105),
    ("Economic Values", 106, 111),
    ("Corruption", 112, 120),
    ("Migration", 121, 130),
    ("Security", 131, 151),
    ("Postmaterialist Index", 152, 157),
    ("Science & Technology", 158, 163),
    ("Religious Values", 164, 175),
    ("Ethical Values and Norms", 176, 198),
    ("Political Interest & Political Participation", 199, 234),
    ("Political Culture & Political Regimes", 235, 259),
)
"""Sections of the questionnaire of the World Values Survey, wave 7, and their questions."""

EVERYTHING = "people's values"


def topics_of(
    survey: Survey, given: Mapping[str, Sequence[str]] | None = None
) -> dict[str, tuple[SurveyQuestion, ...]]:
    """Topic -> questions of the survey.

    Args:
        survey: The survey.
        given: Topic -> ids of questions. Without it, questions called Q1 to Q259 are those of the
            World Values Survey (wave 7, 13 topics); any other survey has one topic, `EVERYTHING`.

    Raises:
        InvalidInput: If a topic names a question that the survey lacks, or none.

    >>> question = SurveyQuestion("Q57", "Can most people be trusted?", ("Yes", "No"))
    >>> list(topics_of(Survey("wvs", {"Q57": question}, ())))
    ['Social Capital, Trust & Organizational Membership']
    """
    if given is None:
        return _known(survey)
    for topic, ids in given.items():
        missing = [id_ for id_ in ids if id_ not in survey.questions]
        if missing or not ids:
            what = (
                f"the survey has no question {missing[0]!r}" if missing else "no question is named"
            )
            raise InvalidInput(
                what, where=f"topic {topic!r}", hint="name questions of the survey by their ids"
            )
    return {topic: tuple(survey.questions[id_] for id_ in ids) for topic, ids in given.items()}


def _known(survey: Survey) -> dict[str, tuple[SurveyQuestion, ...]]:
    numbers = {id_: re.fullmatch(r"Q(\d{1,3})", id_) for id_ in survey.questions}
    if not all(numbers.values()):
        return {EVERYTHING: tuple(survey.questions.values())}
    found: dict[str, list[SurveyQuestion]] = {}
    for id_, match in numbers.items():
        for topic, first, last in _WVS:
            if match is not None and first <= int(match[1]) <= last:
                found.setdefault(topic, []).append(survey.questions[id_])
    return {topic: tuple(found[topic]) for topic, _, _ in _WVS if topic in found}
