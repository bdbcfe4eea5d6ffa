"""Measure the taste of any reward model with replies that differ in one trait only."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pluralign.core import FloatArray, InvalidInput, NotEnoughData, RewardRequest
from pluralign.simulation.bank import PROMPTS
from pluralign.simulation.texts import draft, write


@dataclass(frozen=True, slots=True)
class Probe:
    """Two replies to one prompt that differ in one trait only.

    Attributes:
        trait: The trait.
        positive: The reply that shows it.
        negative: The reply that shows its opposite.
    """

    trait: str
    positive: RewardRequest
    negative: RewardRequest


def draw_probes(traits: Sequence[str], per_trait: int, rng: np.random.Generator) -> list[Probe]:
    """Draw probes for each trait, over different prompts, other traits and wordings.

    Args:
        traits: Traits to probe.
        per_trait: Number of probes for each trait, >= 1.
        rng: Generator of the draws.

    Returns:
        Probes, trait by trait.

    Raises:
        InvalidInput: If ``per_trait`` is below 1.
    """
    if per_trait < 1:
        raise InvalidInput(f"per_trait must be >= 1, got {per_trait}")
    prompts = list(itertools.chain.from_iterable(PROMPTS.values()))
    probes = []
    for column, trait in enumerate(traits):
        drafts = draft(traits, per_trait, rng)
        shown, opposite = drafts.z_N_D.copy(), drafts.z_N_D.copy()
        shown[:, column], opposite[:, column] = 1, -1
        positive = write(traits, replace(drafts, z_N_D=shown))
        negative = write(traits, replace(drafts, z_N_D=opposite))
        asked = rng.permutation(len(prompts))
        for i in range(per_trait):
            prompt = prompts[asked[i % len(prompts)]]
            requests = RewardRequest(prompt, positive[i]), RewardRequest(prompt, negative[i])
            probes.append(Probe(trait, *requests))
    return probes


def recovered_taste(
    probes: Sequence[Probe], positive_N: FloatArray, negative_N: FloatArray
) -> dict[str, float]:
    """The taste of a reward model, from its scores of the probes.

    Args:
        probes: The probes, N of them.
        positive_N: Reward of each probe's positive reply, in logits, shape (N,).
        negative_N: Reward of each probe's negative reply, shape (N,).

    Returns:
        Trait -> half the mean difference: on the scale of a planted weight, in logits.

    Raises:
        NotEnoughData: If there are no probes.
        InvalidInput: If scores and probes differ in number.

    >>> warm = RewardRequest("Hi", "That sounds hard.")
    >>> probe = Probe("warm", warm, RewardRequest("Hi", "Feelings aside."))
    >>> recovered_taste([probe, probe], np.array([2.0, 4.0]), np.array([0.0, 0.0]))
    {'warm': 1.5}
    """
    if not probes:
        raise NotEnoughData("there are no probes")
    if not len(probes) == len(positive_N) == len(negative_N):
        raise InvalidInput(
            f"each of the {len(probes)} probes must have two scores, got {len(positive_N)} and "
            f"{len(negative_N)}"
        )
    half_N = (np.asarray(positive_N) - np.asarray(negative_N)) / 2
    traits = np.array([p.trait for p in probes])
    return {t: float(half_N[traits == t].mean()) for t in dict.fromkeys(p.trait for p in probes)}


def taste_correlation(recovered: Mapping[str, float], planted: Mapping[str, float]) -> float:
    """Pearson correlation of a recovered taste with the planted one, in [-1, 1].

    It is computed over the traits of the recovered taste.

    Args:
        recovered: Trait -> weight.
        planted: Trait -> weight; 0 where not named.

    Raises:
        NotEnoughData: If there are fewer than three traits, or one taste is equal for all traits.

    >>> round(taste_correlation({"warm": 2, "money": -2, "faith": 0}, {"warm": 1, "money": -1}), 6)
    1.0
    """
    found = np.array(list(recovered.values()))
    truth = np.array([planted.get(t, 0.0) for t in recovered])
    if len(found) < 3 or np.ptp(found) == 0 or np.ptp(truth) == 0:
        raise NotEnoughData("a correlation needs three traits whose weights are not all equal")
    return float(np.corrcoef(found, truth)[0, 1])
