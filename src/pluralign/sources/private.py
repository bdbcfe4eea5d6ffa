"""Any source of pairs with its choices reported by randomised response."""

import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from pluralign.core import (
    InvalidInput,
    PairKeys,
    PairSource,
    PreferencePair,
    Tally,
    as_reported,
    both_responses,
    flip_probability,
    person_digest,
    prompt_text,
    whole_file,
)
from pluralign.sources.ledger import Ledger, default_ledger
from pluralign.sources.pairs_files import REPEATED_CHOICE

Adjacency = Literal["label", "person"]
_BATCH = 4096
_BITS = 53
_SHARED = (
    "prompts for which one person's pairs share a response: where one choice among several made "
    "the pairs, they reveal it"
)


@dataclass(frozen=True, slots=True)
class PrivatePairs:
    """A source whose choices are private; that a person took part is not.

    Each choice passes randomised response once: with probability 1 / (1 + exp(epsilon)) the
    opposite is reported. The report is written to a ledger before anybody reads it and found there
    ever after. Texts, communities, weights and people's ids are not protected.

    Attributes:
        source: The source.
        epsilon: Privacy parameter of each report, > 0.
        per: ``label``: every choice is reported, each protected by ``epsilon``. ``person``: one
            choice of each person is reported, so that ``epsilon`` protects all that the person
            chose.
        ledger: The ledger. When unset: ``pluralign/ledger.jsonl`` in the user's data folder; with a
            seed, none.
        seed: Seed of the reports, for experiments on data whose choices are known anyway. A reader
            who knows the seed can undo the flips, so nothing is private. With the same seed, a
            smaller epsilon flips the same pairs and more.

    Raises:
        InvalidInput: If ``epsilon`` is not > 0.
    """

    source: PairSource
    epsilon: float
    per: Adjacency = "label"
    ledger: Path | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        flip_probability(self.epsilon)

    @property
    def name(self) -> str:
        """Short name of the data set."""
        return self.source.name

    @property
    def license(self) -> str:
        """Its licence or terms."""
        return self.source.license

    @property
    def flip(self) -> float:
        """Probability that a report is the opposite of the choice."""
        return flip_probability(self.epsilon)

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        """Stream the pairs as they are reported.

        Raises:
            InvalidInput: If a report was drawn with another epsilon, or a pair has no rater and
                ``per`` is ``person``.
            DamagedFile: If the ledger was altered.
        """
        tally = tally if tally is not None else Tally()
        ledger, keys, shared = Ledger(self._ledger_path()), PairKeys(), _SharedResponses()
        ledger.refresh()
        chosen = self._one_each(ledger) if self.per == "person" else None
        stream = self.source.pairs(tally)
        while batch := list(islice(stream, _BATCH)):
            # The number of equal choices depends on what was chosen, unlike that of the pairs.
            tally.flagged.pop(REPEATED_CHOICE, None)
            kept = []
            for pair in batch:
                key, person = keys.of(pair), _person(pair)
                if ledger.has_withdrawn(person):
                    tally.leave_out("choices of people who withdrew")
                elif chosen is not None and chosen.get(str(person)) != key:
                    tally.leave_out("choices of a person beyond the first (privacy per person)")
                else:
                    shared.see(pair)
                    kept.append((pair, key))
            yield from self._reported(kept, ledger, tally)
        if groups := shared.count():
            tally.flag(_SHARED, groups)

    def _reported(
        self, kept: Sequence[tuple[PreferencePair, str]], ledger: Ledger, tally: Tally
    ) -> Iterator[PreferencePair]:
        for pair, _ in kept:
            self._check_choice(pair)
        choices = [(key, _person(p), p.chosen == both_responses(p)[0]) for p, key in kept]
        reports = ledger.reports(choices, self.epsilon, self._flips())
        flip = self.flip
        for (pair, key), (_, _, truth), first in zip(kept, choices, reports, strict=True):
            tally.note(f"choices reported with epsilon {self.epsilon:g} (flip {flip:.3f})")
            if self.seed is not None and first != truth:
                # Without a seed the count is secret: with all other choices it gives the last.
                tally.note("reports that are the opposite of the choice (known by the seed)")
            yield as_reported(pair, first, key, flip)

    def _check_choice(self, pair: PreferencePair) -> None:
        if pair.flip:
            raise InvalidInput(
                "the choices are reports already",
                where=self.name,
                hint="leave privacy out for this source: its column flip is used",
            )

    def _flips(self) -> Callable[[str], bool]:
        flip, seed = self.flip, self.seed
        if seed is None:
            return lambda key: secrets.randbelow(2**_BITS) < flip * 2**_BITS
        return lambda key: _uniform(seed, key) < flip

    def _ledger_path(self) -> Path | None:
        if self.ledger is None and self.seed is None:
            return default_ledger()
        return self.ledger

    def _one_each(self, ledger: Ledger) -> dict[str, str]:
        """Person -> key of the pair to report: the one that was, else that of the least key.

        A key does not depend on the choice, so neither does which pair is reported. A person whose
        report was about a pair of another source gets the key of that pair, and no new report.
        """
        keys, least = PairKeys(), dict[str, tuple[str, bool]]()
        for pair in self.source.pairs(Tally()):
            person, key = _person(pair), keys.of(pair)
            if person is None:
                raise InvalidInput(
                    "privacy per person needs a rater for each pair",
                    where=f"pair {pair.id}",
                    hint='set privacy.per = "label"',
                )
            self._check_choice(pair)
            one = (key, pair.chosen == both_responses(pair)[0])
            least[person] = min(one, least.get(person, one))
        # All at once and before any is used: another process may read the same people now.
        wanted = [(key, person, choice) for person, (key, choice) in least.items()]
        ledger.first_reports(wanted, self.epsilon, self._flips())
        return {p: min(ledger.pairs_of(p), default=key) for p, (key, _) in least.items()}


def write_reports(source: PrivatePairs, path: Path, tally: Tally) -> int:
    """Write the pairs of a source as they are reported, in JSON Lines that `JsonlPairs` reads.

    The file has the probability of an opposite report in the column ``flip``. The source is not
    needed any more, and can be deleted.

    Args:
        source: The source.
        path: The file; only its owner may read it.
        tally: Counts the rows of the source.

    Returns:
        The number of pairs.
    """
    written = 0
    with (
        whole_file(path, private=True) as partial,
        partial.open("w", encoding="utf-8", newline="\n") as file,
    ):
        for pair in source.pairs(tally):
            row = {"license": source.license, **_row_of(pair)}
            file.write(json.dumps(row) + "\n")
            written += 1
    return written


def _row_of(pair: PreferencePair) -> dict[str, Any]:
    row = {field.name: getattr(pair, field.name) for field in fields(pair)}
    if not isinstance(pair.prompt, str):
        row["prompt"] = [asdict(message) for message in pair.prompt]
    return {name: value for name, value in row.items() if value is not None and name != "extra"}


def settings_of(source: Any) -> dict[str, Any]:
    """The settings of a source; the settings of `PrivatePairs` are in the table ``privacy``."""
    if not isinstance(source, PrivatePairs):
        return asdict(source)
    privacy = {"epsilon": source.epsilon, "per": source.per}
    more = {"ledger": source.ledger, "seed": source.seed}
    given = {key: value for key, value in more.items() if value is not None}
    return {**settings_of(source.source), "privacy": {**privacy, **given}}


def unwrapped(source: PairSource) -> PairSource:
    """The source itself, under its privacy."""
    return source.source if isinstance(source, PrivatePairs) else source


def _person(pair: PreferencePair) -> str | None:
    return None if pair.rater is None else person_digest(pair.rater)


def _uniform(seed: int, key: str) -> float:
    """A number in [0, 1) that belongs to a pair: the same for every epsilon."""
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


class _SharedResponses:
    """Counts the prompts for which all pairs of one person have a response in common."""

    def __init__(self) -> None:
        self._common: dict[int, frozenset[int]] = {}
        self._pairs: Counter[int] = Counter()

    def see(self, pair: PreferencePair) -> None:
        if pair.rater is None:
            return
        group = hash((pair.rater, prompt_text(pair.prompt)))
        both = frozenset(map(hash, (pair.chosen, pair.rejected)))
        common = self._common.get(group, both)
        if group not in self._common or common != both:
            self._pairs[group] += 1
        self._common[group] = common & both

    def count(self) -> int:
        return sum(1 for group, n in self._pairs.items() if n > 1 and self._common[group])
