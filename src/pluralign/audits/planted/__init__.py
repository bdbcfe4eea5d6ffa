"""Evidence with one planted fault, and evidence without any: the oracle for audits.

Each fault is planted into the same sound society: people with known tastes, a respondent that
knows their answers, and a reward model that knows their preferences. An audit is right if it finds
its own faults, and no other audit finds them.
"""

from collections.abc import Callable, Mapping, Sequence

from pluralign.audits.evidence import Evidence
from pluralign.audits.planted.misidentification import (
    default_shows,
    language_for_culture,
    one_group_served,
    order_moves,
    paraphrase_moves,
    swapped_peoples,
    wrong_steer,
)
from pluralign.audits.planted.participation import (
    few_speak,
    institutions_ask,
    left_unasked,
    men_speak,
    no_terms,
    nobody_says_why,
    one_speaks,
    others_speak,
    sources_disagree,
    uncounted_people,
)
from pluralign.audits.planted.privacy import members_remembered
from pluralign.audits.planted.reasoning import (
    known_not_lived,
    one_culture_at_a_time,
    reasons_do_not_fit,
    rules_not_found,
)
from pluralign.audits.planted.reward_bias import (
    contradiction_learned,
    evidence_outrun,
    length_liked,
    others_harmed,
    refusals_liked,
)
from pluralign.audits.planted.simplification import exaggerated, flattened, on_two_axes, sharpened
from pluralign.audits.planted.society import NAMES, Planted, shares_of, sound, spoken

Fault = Callable[[Planted], Evidence]

FAULTS: Mapping[tuple[str, str], Sequence[Fault]] = {
    ("simplification", "within"): (sharpened,),
    ("simplification", "alike"): (flattened,),
    ("simplification", "axes"): (on_two_axes,),
    ("simplification", "stereotypes"): (exaggerated,),
    ("misidentification", "other-people"): (swapped_peoples,),
    ("misidentification", "default-culture"): (default_shows,),
    ("misidentification", "language"): (language_for_culture,),
    ("misidentification", "artefacts"): (paraphrase_moves, order_moves),
    ("misidentification", "wrong-neighbour"): (wrong_steer,),
    ("misidentification", "coarse-country"): (one_group_served,),
    ("reasoning", "levels"): (rules_not_found,),
    ("reasoning", "between"): (one_culture_at_a_time,),
    ("reasoning", "reasons"): (reasons_do_not_fit,),
    ("reasoning", "known"): (known_not_lived,),
    ("participation", "few-people"): (few_speak,),
    ("participation", "one-voice"): (one_speaks,),
    ("participation", "outsiders"): (others_speak,),
    ("participation", "unlike-residents"): (men_speak,),
    ("participation", "own-words"): (nobody_says_why,),
    ("participation", "institutional"): (institutions_ask,),
    ("participation", "terms"): (no_terms,),
    ("participation", "not-asked"): (left_unasked,),
    ("participation", "uncounted"): (uncounted_people,),
    ("participation", "contradictions"): (sources_disagree,),
    ("reward-bias", "contested-only"): (contradiction_learned,),
    ("reward-bias", "harm"): (others_harmed,),
    ("reward-bias", "length"): (length_liked,),
    ("reward-bias", "refusals"): (refusals_liked,),
    ("reward-bias", "beyond-evidence"): (evidence_outrun,),
    ("privacy", "membership"): (members_remembered,),
}
"""Audit and check -> the faults that are planted for it."""

__all__ = [
    "FAULTS",
    "NAMES",
    "Fault",
    "Planted",
    "contradiction_learned",
    "default_shows",
    "evidence_outrun",
    "exaggerated",
    "few_speak",
    "flattened",
    "institutions_ask",
    "known_not_lived",
    "language_for_culture",
    "left_unasked",
    "length_liked",
    "members_remembered",
    "men_speak",
    "no_terms",
    "nobody_says_why",
    "on_two_axes",
    "one_culture_at_a_time",
    "one_group_served",
    "one_speaks",
    "order_moves",
    "others_harmed",
    "others_speak",
    "paraphrase_moves",
    "reasons_do_not_fit",
    "refusals_liked",
    "rules_not_found",
    "shares_of",
    "sharpened",
    "sound",
    "sources_disagree",
    "spoken",
    "swapped_peoples",
    "uncounted_people",
    "wrong_steer",
]
