"""Words and numbers for each kind of finding: titles, headings, units, the people's own value."""

from pluralign.audits import Finding
from pluralign.core import Estimate
from pluralign.languages.speech import Speech

_TITLES = {
    "simplification/within": "Answers vary less within a community than its people do",
    "simplification/alike": "Communities are made more alike than they are",
    "simplification/axes": "Differences between communities are reduced to one or two axes",
    "simplification/stereotypes": "Answers exaggerate what sets a community apart",
    "misidentification/other-people": "Answers in the name of one people are those of another",
    "misidentification/default-culture": "One people's answers show through in every name",
    "misidentification/language": "The language of a question matters more than the culture named",
    "misidentification/artefacts": "Order and wording matter more than the culture named",
    "misidentification/wrong-neighbour": "Another community's steer predicts choices better",
    "misidentification/coarse-country": "The choices of some groups are predicted worse",
    "reasoning/levels": "A culture's rule is applied when given, but not found",
    "reasoning/between": "Questions that need two cultures are answered worse",
    "reasoning/reasons": "Stated reasons support another answer than the one given",
    "reasoning/known": "The model estimates a people's answers better than it gives them",
    "participation/few-people": "Few people speak for a community",
    "participation/one-voice": "One person decides for a community",
    "participation/outsiders": "People from elsewhere judge for a community",
    "participation/unlike-residents": "The people who judged are unlike the residents",
    "participation/own-words": "People's own words are missing from the records",
    "participation/institutional": "The records answer questions of institutions only",
    "participation/terms": "Consent or licence is missing from records",
    "participation/not-asked": "A people was not asked what the others were asked",
    "participation/uncounted": "The number of people behind the answers is not known",
    "participation/contradictions": "Sources contradict each other",
    "reward-bias/contested-only": "The model learned to contradict, at a cost on all pairs",
    "reward-bias/harm": "A steer moves other communities more than its own",
    "reward-bias/length": "The model likes long responses more than its people do",
    "reward-bias/refusals": "The model likes refusals more than its people do",
    "reward-bias/beyond-evidence": "The model moves further than the evidence reaches",
    "privacy/membership": "The model reveals who took part",
}
_NUMBERS = {
    "simplification/within": "variety lost",
    "simplification/alike": "diversity over communities (0 to 100)",
    "simplification/axes": "share of the differences on two axes",
    "simplification/stereotypes": "exaggeration",
    "misidentification/other-people": "points nearer to the other people",
    "misidentification/default-culture": "share of answers that are theirs",
    "misidentification/language": "answers changed, beyond the effect of the culture",
    "misidentification/artefacts": "answers changed, beyond the effect of the culture",
    "misidentification/wrong-neighbour": "accuracy gained by the other steer",
    "misidentification/coarse-country": "gap between groups",
    "reasoning/levels": "accuracy lost",
    "reasoning/between": "accuracy lost",
    "reasoning/reasons": "reasons against the answer",
    "reasoning/known": "closeness lost",
    "participation/few-people": "people",
    "participation/one-voice": "share of one person",
    "participation/outsiders": "share of people from elsewhere",
    "participation/unlike-residents": "distance to the residents",
    "participation/own-words": "records with people's own words",
    "participation/institutional": "records of institutions' questions",
    "participation/terms": "records concerned",
    "participation/not-asked": "questions not asked",
    "participation/uncounted": "answers concerned",
    "participation/contradictions": "questions contradicted",
    "reward-bias/contested-only": "accuracy lost on all pairs",
    "reward-bias/harm": "change for others beyond its own",
    "reward-bias/length": "longer response preferred",
    "reward-bias/refusals": "refusal preferred",
    "reward-bias/beyond-evidence": "choices turned",
    "privacy/membership": "training pairs recognised",
}
_OTHERS = {
    "misidentification/other-people": "nearer to the answers of",
    "misidentification/wrong-neighbour": "predicted better by the steer to",
}
_SHOWN = {
    "simplification/alike": "pairwise_diversity",
    "simplification/axes": "on_axes",
    "misidentification/default-culture": "shows_through",
    "reward-bias/length": "by_model",
    "reward-bias/refusals": "by_model",
}
"""The number that readers understand, where it is not the one that decided."""
_OF_PEOPLE = {
    "simplification/alike": "pairwise_diversity_of_people",
    "simplification/axes": "on_axes_of_people",
    "reward-bias/length": "by_raters",
    "reward-bias/refusals": "by_raters",
}
"""The people's own value of the number shown."""
_SCORES = {"pairwise_diversity", "nearer_by"}
_COUNTS = {"raters"}


def kind_of(finding: Finding) -> str:
    """Audit and check of a finding."""
    return f"{finding.audit}/{finding.check}"


def title_of(kind: str, say: Speech) -> str:
    """Title of a kind of findings; a check of somebody else's goes by its name."""
    return say(_TITLES.get(kind) or kind.replace("-", " ").replace("/", ": "))


def heading_of(kind: str, name: str, say: Speech) -> str:
    """Heading of the number of a kind of findings."""
    return say(_NUMBERS.get(kind) or name.replace("_", " "))


def heading_of_others(kind: str, say: Speech) -> str:
    """Heading of the other people that a kind of findings names."""
    return say(_OTHERS[kind]) if kind in _OTHERS else say("other people")


def number_of(finding: Finding) -> tuple[str, Estimate]:
    """Name and value of the number that a page shows first."""
    decided = next(iter(finding.numbers))
    shown = _SHOWN.get(kind_of(finding), decided)
    name = shown if shown in finding.numbers else decided
    return name, finding.numbers[name]


def of_people(finding: Finding) -> float | None:
    """The people's own value of that number, where the finding has it."""
    found = finding.numbers.get(_OF_PEOPLE.get(kind_of(finding), ""))
    return None if found is None else found.value


def written(kind: str, name: str, value: float, say: Speech) -> str:
    """A number in its unit: a count, a score from 0 to 100, or a share.

    >>> written("simplification/alike", "pairwise_diversity", 17.6, Speech())
    '17.6'
    >>> written("reward-bias/length", "by_model", 0.59, Speech())
    '59.0%'
    """
    if kind not in _NUMBERS:  # a check of somebody else's, whose units are not known
        return say.number(value, 3)
    if name in _COUNTS:
        return say.number(value, 0)
    return say.number(value) if name in _SCORES else say.percent(value)
