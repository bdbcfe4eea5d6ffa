"""A few pairs to rehearse with: a sample in the shape of PRISM, or the first pairs of a source."""

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import InvalidSettings, PairSource, PreferencePair, Tally
from pluralign.simulation import SocietySource
from pluralign.sources import PrismPairs

_PEOPLE, _TURNS, _ANSWERS = 8, 2, 3
_EACH, _OF_ONE, _COMMUNITIES = 48, 4, 6
_OVER = "left out of the rehearsal"


@dataclass(frozen=True, slots=True)
class FewPairs:
    """The first pairs of each community in a source, a few of each rater (or question).

    Attributes:
        source: Where they come from.
        communities: Ids of the communities; None takes the first ones that appear.
        each: Pairs of each community.
        of_one: Pairs of each rater at most.
    """

    source: PairSource
    communities: tuple[str, ...] | None = None
    each: int = _EACH
    of_one: int = _OF_ONE

    @property
    def name(self) -> str:
        """Name of the source."""
        return self.source.name

    @property
    def license(self) -> str:
        """Licence of the source."""
        return self.source.license

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        """Stream the pairs; the source is read no further than needed."""
        tally = tally if tally is not None else Tally()
        wanted = dict.fromkeys(self.communities or (), self.each)
        met: Counter[tuple[str, str]] = Counter()
        for pair in self.source.pairs(tally):
            if self.communities is None and len(wanted) < _COMMUNITIES:
                wanted.setdefault(pair.community, self.each)
            who = (pair.community, pair.rater or pair.question)
            if wanted.get(pair.community, 0) > 0 and met[who] < self.of_one:
                met[who] += 1
                wanted[pair.community] -= 1
                yield pair
            else:
                tally.made -= 1
                tally.leave_out(_OVER)
            # Without chosen communities, more may appear until there are enough of them.
            enough = 1 if self.communities is not None else _COMMUNITIES
            if len(wanted) >= enough and not any(wanted.values()):
                return


def write_prism_sample(
    folder: Path, communities: Sequence[str], rng: np.random.Generator
) -> PrismPairs:
    """Write a sample in the shape of PRISM: ``survey.jsonl`` and ``utterances.jsonl``.

    Every community has people on both sides of the published split. The texts are those of the
    simulated society, the scores are drawn.

    Args:
        folder: Where to; it exists.
        communities: Countries to live in.
        rng: Source of randomness.

    Raises:
        InvalidSettings: If a community is no country: people of PRISM are known by their country of
            residence.
    """
    for community in communities:
        if not (len(community) == 3 and community.isalpha()):
            raise InvalidSettings(
                f"PRISM has people by country of residence; {community!r} must be a country",
                where="communities",
                hint="name countries, such as MEX",
            )
    people = [f"user{i}" for i in range(_PEOPLE * len(communities))]
    # The published split reads the file of people, so it is written twice: first to learn who is
    # tested, then with homes dealt out on each side.
    _write(folder / "survey.jsonl", ({"user_id": p} | _living("GBR") for p in people))
    source = PrismPairs(folder)
    tested = source.published_test_raters()
    home: dict[str, str] = {}
    for side in (True, False):
        dealt = itertools.cycle(communities)
        home |= {p: next(dealt) for p in people if (p in tested) is side}
    _write(folder / "survey.jsonl", ({"user_id": p} | _living(home[p]) for p in people))
    _write(folder / "utterances.jsonl", _utterances(people, rng))
    return source


def sample_texts() -> list[str]:
    """Texts of the simulated society, in order of appearance."""
    pairs = SocietySource(each=24, thin=8, world=24).pairs()
    texts: dict[str, None] = {}
    for pair in pairs:
        texts |= dict.fromkeys((str(pair.prompt), pair.chosen, pair.rejected))
    return list(texts)


def _living(country: str) -> dict[str, Any]:
    return {"location": {"birth_countryISO": country, "reside_countryISO": country}}


def _utterances(people: Sequence[str], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
    pairs = list(SocietySource(each=24, thin=8, world=24).pairs())
    prompts = list(dict.fromkeys(str(p.prompt) for p in pairs))
    answers = list(dict.fromkeys(p.chosen for p in pairs))
    each = [person for person in people for _ in range(_TURNS)]
    for turn, person in enumerate(each):
        prompt = prompts[turn % len(prompts)]
        drawn = rng.choice(len(answers), _ANSWERS, replace=False)
        scores = rng.choice(np.arange(1, 101), _ANSWERS, replace=False)
        for k, (answer, score) in enumerate(zip(drawn.tolist(), scores.tolist(), strict=True)):
            yield {
                "utterance_id": f"ut{turn}-{k}",
                "interaction_id": f"int{turn}",
                "conversation_id": f"c{turn}",
                "user_id": person,
                "turn": 0,
                "model_name": f"model-{k}",
                "user_prompt": prompt,
                "model_response": answers[answer],
                "score": score,
            }


def _write(path: Path, rows: Iterator[Mapping[str, Any]] | Any) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8", newline="\n")
