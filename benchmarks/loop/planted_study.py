"""A study whose texts show planted traits, for people whose tastes are known."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.special import expit

from pluralign.simulation import Society, default_society
from pluralign.simulation.bank import PROMPTS, TRAITS
from pluralign.simulation.people import PlantedTaste, Raters
from pluralign.simulation.texts import draft, log_words, read_traits, write

COMMUNITIES = ("~river", "~hill", "~isle")
_REPLIES = 8
_NEARLY_EQUAL = 0.3


def planted_society(
    people: int, traits: tuple[str, ...] = TRAITS, reliability: float = 1.5
) -> Society:
    """Three communities of the default society.

    Args:
        people: Number of people in each.
        traits: Traits that replies may show.
        reliability: Median factor from the utility of a reply to the choice of a person.
    """
    known = {one.id: one for one in default_society().communities}
    homes = []
    for id_ in COMMUNITIES:
        weights = known[id_].taste.weights
        taste = PlantedTaste({trait: weights[trait] for trait in traits if trait in weights})
        home = replace(known[id_], taste=taste, reliability=reliability)
        homes.append(replace(home, n_raters=people, population=1.0))
    return Society(tuple(homes), traits)


@dataclass(frozen=True, slots=True)
class Taste:
    """The taste of one person.

    Attributes:
        raters: The people of the community.
        number: Number of the person among them.
        traits: Traits of the society.
    """

    raters: Raters
    number: int
    traits: tuple[str, ...]

    def choose(self, left: str, right: str, rng: np.random.Generator) -> tuple[str, int | None]:
        """A choice between two replies, and its strength where one is better."""
        if rng.random() < 0.05:
            return str(rng.choice(["both-bad", "dont-know"])), None
        pull = self._pull([left, right])
        if abs(pull) < _NEARLY_EQUAL and rng.random() < 0.5:
            return "tie", None
        taken = "left" if rng.random() < expit(pull) else "right"
        return taken, 1 + min(2, int(abs(pull)))

    def _pull(self, replies: Sequence[str]) -> float:
        here = self.number
        utility = read_traits(replies, self.traits) @ self.raters.taste_R_D[here]
        utility += self.raters.length_R[here] * log_words(replies)
        return float(self.raters.reliability_R[here] * (utility[0] - utility[1]))


def tastes(society: Society, community: str) -> list[Taste]:
    """The tastes of all people of a community."""
    raters = society.raters(community)
    return [Taste(raters, number, society.traits) for number in range(len(raters.ids))]


def write_prompts(path: Path, society: Society, rng: np.random.Generator) -> None:
    """Replace a study's first prompts by prompts with replies that show planted traits."""
    rows = []
    for prompt in (prompt for prompts in PROMPTS.values() for prompt in prompts):
        replies: dict[str, None] = {}
        while len(replies) < _REPLIES:
            replies[write(society.traits, draft(society.traits, 1, rng))[0]] = None
        rows.append({"prompt": prompt, "responses": list(replies), "language": "en"})
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
