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
    "reward-hacking/unconfirmed": "A policy pleases its reward model, not the people",
    "reward-hacking/growing-gap": "The gap between reward model and judge grows",
    "reward-hacking/turning-down": "More candidates please the judge less",
    "reward-hacking/surface": "Length, a mark or a word explains the gain",
    "policy-flattening/alike": "Policies of several communities are alike",
    "policy-flattening/variety": "Answers of a policy to one prompt are alike",
    "policy-harm/worse-for": "A policy is worse than its start model for a community",
    "policy-harm/costs-others": "A policy costs others more than its own people gain",
    "policy-harm/refusals": "A policy refuses more often than its start model",
    "policy-harm/empty": "A policy is silent more often than its start model",
    "policy-harm/repetition": "A policy repeats itself more than its start model",
    "policy-harm/stereotypes": "A policy judges whole peoples more often",
    "policy-harm/ability": "A policy is less able in other tasks",
    "reward-perturbations/concept": "The model does not notice another cultural concept",
    "reward-perturbations/label": "The name of a culture decides",
    "reward-perturbations/language": "The language of a response decides",
    "reward-perturbations/paraphrase": "The choice changes with other words of the same meaning",
    "knowledge/language": "The language of a question changes what the model knows",
    "knowledge/places-alike": "Answers about several places are alike",
    "knowledge/wrong-neighbour": "The model takes one place for another",
    "knowledge/other-people": "Answers about a place are those of another people",
    "knowledge/default-culture": "The model falls back on one community's answers",
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
    "reward-hacking/unconfirmed": "part of the gain that the judge does not confirm",
    "reward-hacking/growing-gap": "part of the judge's confirmation that is lost",
    "reward-hacking/turning-down": "judged gain lost, in spreads",
    "reward-hacking/surface": "part of the gain that it explains",
    "policy-flattening/alike": "part of a community's own that is lost",
    "policy-flattening/variety": "variety lost",
    "policy-harm/worse-for": "judged loss, in spreads",
    "policy-harm/costs-others": "cost beyond the gain, in spreads",
    "policy-harm/refusals": "rise of refusals",
    "policy-harm/empty": "rise of empty answers",
    "policy-harm/repetition": "rise of repeated words",
    "policy-harm/stereotypes": "rise of judgements about peoples",
    "policy-harm/ability": "accuracy lost",
    "reward-perturbations/concept": "choices changed",
    "reward-perturbations/label": "choices changed",
    "reward-perturbations/language": "choices changed",
    "reward-perturbations/paraphrase": "choices changed",
    "knowledge/language": "credit changed by the language",
    "knowledge/places-alike": "credit gained by the right place",
    "knowledge/wrong-neighbour": "credit gained about the other place",
    "knowledge/other-people": "credit in the other community beyond its own",
    "knowledge/default-culture": "credit in that community beyond the places' own",
}
_OTHERS = {
    "misidentification/other-people": "nearer to the answers of",
    "misidentification/wrong-neighbour": "predicted better by the steer to",
    "knowledge/wrong-neighbour": "taken for it",
    "knowledge/other-people": "answers are those of",
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
_SPREADS = {"judged_gain_lost", "judged_loss", "cost_beyond_gain"}
"""Gains in spreads of the start model's rewards."""


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
    """A number in its unit: a count, a score from 0 to 100, spreads of rewards, or a share.

    >>> written("simplification/alike", "pairwise_diversity", 17.6, Speech())
    '17.6'
    >>> written("reward-bias/length", "by_model", 0.59, Speech())
    '59.0%'
    """
    if kind not in _NUMBERS:  # a check of somebody else's, whose units are not known
        return say.number(value, 3)
    if name in _COUNTS:
        return say.number(value, 0)
    if name in _SPREADS:
        return say.number(value, 2)
    return say.number(value) if name in _SCORES else say.percent(value)
