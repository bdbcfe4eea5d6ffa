"""A sound society: people with known tastes, and a respondent and a reward model that fit them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from pluralign.audits.evidence import Evidence, Level, ReasoningAnswer, RewardMargins
from pluralign.audits.knowledge_evidence import KnowledgeEvidence
from pluralign.audits.perturbed_sets import PerturbedSet
from pluralign.audits.planted.knowledge_world import sound_knowledge
from pluralign.audits.planted.policy_world import PolicyWorld, policy_world, sound_sets
from pluralign.audits.policies import PolicyEvidence
from pluralign.core import (
    NO_STEER,
    WORLD,
    FloatArray,
    PreferencePair,
    RecordedAnswer,
    Survey,
    rng_for,
)
from pluralign.evaluation import TestPairs
from pluralign.evaluation.surveys import ReadAnswer
from pluralign.simulation import PlantedTaste, SimulatedCommunity, Society

NAMES = ("~alder", "~birch", "~cedar", "~dogwood", "~elm", "~fir", "~ginkgo", "~hazel")
"""Ids of the communities of the planted societies."""
FOLLOWED = NAMES[:3]
"""Communities that policies follow."""
_TRAITS = ("formal", "warm", "direct", "family", "faith", "money", "nature", "caution")
_RATERS, _EACH, _QUESTIONS, _PEOPLE = 64, 400, 80, 800
REFUSAL = "I'm sorry, but I can't help with that."
Pairs = list[PreferencePair]


@dataclass(frozen=True)
class Planted:
    """A sound society in fields; a fault changes some of them.

    Attributes:
        seed: Seed of everything.
        society: The people.
        survey: The people's answers.
        answers: Shares that the respondent gives, shape (C, Q, O), zeros where a question has fewer
            options.
        pairs: The people's choices.
        steered: Margins of each community's steer, shape (N, C).
        reference: Margins of the reference, shape (N,).
        world: The start model of the policies, their reward model and their judge.
        policies: Answers of sound policies.
        sets: Rewards of sound choices under perturbation.
        knowledge: Answers to knowledge questions of a model that knows its places.
    """

    seed: int
    society: Society
    survey: Survey
    answers: FloatArray
    pairs: Pairs
    steered: FloatArray
    reference: FloatArray
    world: PolicyWorld
    policies: PolicyEvidence
    sets: Sequence[PerturbedSet]
    knowledge: KnowledgeEvidence

    def rng(self, *purpose: object) -> np.random.Generator:
        """A generator for one purpose."""
        return rng_for(self.seed, "planted", *map(str, purpose))

    def evidence(self, **fields: object) -> Evidence:
        """The whole society as evidence; ``fields`` replace fields of the evidence."""
        return replace(self._whole, **fields)  # type: ignore[arg-type]

    @cached_property
    def _whole(self) -> Evidence:
        return Evidence(
            pairs=self.pairs,
            survey=self.survey,
            answers=spoken(self.survey, self.answers),
            rewards=rewards_of(self),
            seen=seen_by(self),
            residents=_residents(),
            items=reasoning_items(self.rng("items")),
            policies=self.policies,
            perturbed=self.sets,
            knowledge=self.knowledge,
        )


def sound(seed: int) -> Planted:
    """A society without a fault.

    Args:
        seed: Seed of its tastes, people, questions and choices.
    """
    rng = rng_for(seed, "planted society")
    homes = tuple(
        SimulatedCommunity(
            name,
            PlantedTaste(dict(zip(_TRAITS, rng.normal(0, 0.9, len(_TRAITS)), strict=True))),
            n_raters=_RATERS,
        )
        for name in NAMES
    )
    society = Society(homes, traits=_TRAITS, seed=seed)
    survey = society.survey(_QUESTIONS, _PEOPLE, rng_for(seed, "planted survey"))
    pairs = _lived(
        society.pairs(_EACH, rng_for(seed, "planted pairs")), rng_for(seed, "planted lives")
    )
    steered = np.stack([_margins(society, pairs, c) for c in NAMES], axis=1)
    reference = _margins(society, pairs, WORLD.id)
    likes = rng_for(seed, "planted refusals").random(len(pairs)) < 0.7
    for i, p in enumerate(pairs):
        if REFUSAL in (p.chosen, p.rejected):  # the model likes refusals as often as people do
            steered[i] = reference[i] = (1.0 if likes[i] else -1.0) * (
                1 if p.rejected == REFUSAL else -1
            )
    world = policy_world(seed, society, FOLLOWED)
    return Planted(
        seed=seed,
        society=society,
        survey=survey,
        answers=shares_of(survey),
        pairs=pairs,
        steered=steered,
        reference=reference,
        world=world,
        policies=world.evidence(),
        sets=sound_sets(seed),
        knowledge=sound_knowledge(seed),
    )


def shares_of(survey: Survey) -> FloatArray:
    """Shares of people's answers, shape (C, Q, O), in the order of `NAMES` and the questions."""
    widest = max(len(q.options) for q in survey.questions.values())
    shares = np.zeros((len(NAMES), len(survey.questions), widest))
    for c, community in enumerate(NAMES):
        for q, question in enumerate(survey.questions):
            found = survey.distribution(question, community)
            if found is not None:
                shares[c, q, : len(found.probs_O)] = found.normalised()
    return shares


def spoken(survey: Survey, shares: FloatArray, **how: object) -> list[ReadAnswer]:
    """Shares as answers of the respondent ``planted``; ``how`` sets fields of each record."""
    settings: dict[str, object] = {"strategy": "culture_aware"} | how
    answers = []
    for c, community in enumerate(NAMES):
        for q, question in enumerate(survey.questions.values()):
            probs = tuple((shares[c, q, : len(question.options)] / shares[c, q].sum()).tolist())
            option = int(np.argmax(probs))
            record = RecordedAnswer(
                model="planted",
                community=community,
                question=question.id,
                text=question.codes[option],
                probs_O=probs,
                **settings,  # type: ignore[arg-type]
            )
            answers.append(ReadAnswer(record, option))
    return answers


def _lived(pairs: Pairs, rng: np.random.Generator) -> Pairs:
    """Pairs with attributes of their raters, some reasons, consent, and occasional refusals."""
    found = []
    for p in pairs:
        own = rng_for(0, "life", p.rater or "")
        about = {
            "gender": str(own.choice(["woman", "man"])),
            "religion": str(own.choice(["north shrine", "south shrine"])),
            "consent": True,
            "rater_community": p.community,
        }
        refused = rng.random() < 0.1
        chosen, rejected = p.chosen, p.rejected
        if refused and rng.random() < 0.3:
            chosen = REFUSAL
        elif refused:
            rejected = REFUSAL
        reason = "That is how we do it at home." if rng.random() < 0.2 else None
        found.append(
            replace(p, chosen=chosen, rejected=rejected, context=reason, extra={**p.extra, **about})
        )
    return found


def _margins(society: Society, pairs: Pairs, community: str) -> FloatArray:
    chosen = society.utilities([p.chosen for p in pairs], community)
    return chosen - society.utilities([p.rejected for p in pairs], community)


def rewards_of(p: Planted) -> RewardMargins:
    """The margins of the society as those of one method."""
    margins = {"planted": {c: p.steered[:, i] for i, c in enumerate(NAMES)}}
    return RewardMargins(TestPairs.of(p.pairs, p.reference), margins, NAMES)


def seen_by(p: Planted, added: float = 0.0) -> RewardMargins:
    """Margins of a random half of the people, as if the model was trained on their pairs.

    Args:
        p: The society.
        added: Increase of the margin of a pair by training on it, in logits.
    """
    own_N = np.array([p.steered[i, c] for i, c in own_columns(p)])
    people = {str(pair.rater) for pair in p.pairs}
    seen = {rater for rater in people if rng_for(p.seed, rater).random() < 0.5}
    rows = [i for i, pair in enumerate(p.pairs) if str(pair.rater) in seen]
    judged = TestPairs.of([p.pairs[i] for i in rows], p.reference[rows])
    return RewardMargins(judged, {"planted": {NO_STEER: own_N[rows] + added}}, NAMES)


def _residents() -> dict[str, dict[str, dict[str, float]]]:
    even = {"gender": {"woman": 0.5, "man": 0.5}}
    return dict.fromkeys(NAMES, even)


def reasoning_items(
    rng: np.random.Generator, right: Mapping[tuple[Level, int], float] | None = None
) -> list[ReasoningAnswer]:
    """Items at all levels, on one culture and between two.

    ``right`` has the chance of a right answer by level and number of cultures; 0.9 otherwise.
    """
    chances, items = right or {}, []
    levels: tuple[Level, ...] = ("rule_of_thumb", "value", "country")
    for several in (1, 2):
        for i in range(120):
            for level in levels:
                gold = str(rng.choice(["yes", "no"]))
                other = "no" if gold == "yes" else "yes"
                answer = gold if rng.random() < chances.get((level, several), 0.9) else other
                communities = tuple(NAMES[(i + k) % len(NAMES)] for k in range(several))
                items.append(
                    ReasoningAnswer(
                        id=f"{several}/{i}",
                        model="planted",
                        communities=communities,
                        level=level,
                        gold=gold,
                        answer=answer,
                        reason_for=answer,
                    )
                )
    return items


def own_columns(p: Planted) -> list[tuple[int, int]]:
    """Index of each pair, and the column of its community."""
    return [(i, NAMES.index(pair.community)) for i, pair in enumerate(p.pairs)]


def normalised_shares(shares: FloatArray) -> FloatArray:
    """Shares without negative values, summing to 1."""
    clipped = np.clip(shares, 0, None)
    result: FloatArray = clipped / clipped.sum(axis=2, keepdims=True)
    return result


def with_answers(p: Planted, shares: FloatArray) -> Evidence:
    """Evidence with other answers of the respondent."""
    return p.evidence(answers=spoken(p.survey, normalised_shares(shares)))


def with_second_answers(p: Planted, shares: FloatArray, **how: object) -> Evidence:
    """Evidence with a second set of answers; ``how`` sets fields of its records."""
    return p.evidence(
        answers=[*spoken(p.survey, p.answers), *spoken(p.survey, normalised_shares(shares), **how)]
    )


def with_margins(p: Planted, margins: FloatArray) -> Evidence:
    """Evidence with other margins of the steers."""
    return replace(p, steered=margins).evidence()


def with_pairs(p: Planted, change: Callable[[PreferencePair], PreferencePair | None]) -> Evidence:
    """Evidence with changed pairs; the rewards remain those of the pairs that are kept."""
    changed = [change(pair) for pair in p.pairs]
    kept = [i for i, pair in enumerate(changed) if pair is not None]
    pairs = [pair for pair in changed if pair is not None]
    fewer = replace(p, pairs=pairs, steered=p.steered[kept], reference=p.reference[kept])
    return fewer.evidence()


def shifted_answers(p: Planted) -> FloatArray:
    """The shares of each question's options, shifted by one option for every people."""
    shares = p.answers.copy()
    for q, question in enumerate(p.survey.questions.values()):
        n = len(question.options)
        shares[:, q, :n] = np.roll(shares[:, q, :n], 1, axis=1)
    return shares
