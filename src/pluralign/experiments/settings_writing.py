"""The text of a first settings file, with a comment on each choice."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import wrap

from pluralign.core import Tally, community_name, count_of
from pluralign.experiments.first_settings import ENOUGH_PAIRS, ENOUGH_PEOPLE, Look, Proposal
from pluralign.sources.recognised import Recognised

_WIDTH = 96
_MOST_LISTED = 12
_REPEATS = 3


def settings_text(
    data: Sequence[str],
    name: str,
    folder: Path,
    recognised: Sequence[Recognised],
    look: Look,
    proposal: Proposal,
) -> str:
    """The text of the settings file, with a comment on each choice.

    Args:
        data: The data files as the user named them, for the heading.
        name: Name of the experiment.
        folder: Folder of the settings file, from which its relative paths start.
        recognised: The layout of each file.
        look: The counts of the data.
        proposal: The settings.
    """
    lines = [
        f"# Settings for `pluralign run`, written by `pluralign init {' '.join(data)}`.",
        "# To see every setting with its meaning, add --explain to the command.",
        "",
        _setting("name", name, "the results are written to the folder runs/NAME"),
        _setting("seed", 0),
        _setting("repeats", _REPEATS, "new splits and fits; more give steadier numbers"),
        "",
        *_communities(look, proposal),
        "",
        *_sources(recognised, look, folder),
        "[split]",
        *_comment(proposal.split_reason),
        _setting("by", proposal.split),
        _setting("test", 0.2, "fraction of the data to test on"),
        *_draw(proposal),
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


def _draw(proposal: Proposal) -> Iterator[str]:
    if proposal.draw == "hash":
        yield from _comment(
            "The side of each person follows from their id and the seed, so that nobody else "
            "changes sides when one person leaves (`pluralign withdraw`)."
        )
        yield _setting("draw", "hash")


def _other_reference(look: Look, proposal: Proposal) -> Iterator[str]:
    if proposal.reference == "pooled" and len(look.people) > 1:
        yield "# " + _setting("fit_on", [next(iter(look.people))])


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
            f"Lowered from {ENOUGH_PAIRS} and {ENOUGH_PEOPLE}, which no community has: "
            "expect wide intervals."
        )
    yield _setting("min_pairs", proposal.min_pairs, "smallest number of pairs to steer to")
    yield _setting("min_raters", proposal.min_raters, "smallest number of people to steer to")


def _sources(recognised: Sequence[Recognised], look: Look, folder: Path) -> Iterator[str]:
    """A table for each source, and an empty line after it."""
    head = "[pairs]" if len(recognised) == 1 else "[[pairs]]"
    for found, license_, tally in zip(recognised, look.licenses, look.tallies, strict=True):
        yield head
        yield from _source(found, license_, tally, folder)
        yield ""


def _source(recognised: Recognised, license_: str, tally: Tally, folder: Path) -> Iterator[str]:
    if recognised.columns:
        yield from _comment(f"Columns of the file: {', '.join(recognised.columns)}.")
    yield _setting("source", recognised.source)
    for key, value in recognised.settings.items():
        placed = _relative(value, folder) if isinstance(value, Path) else value
        yield _setting(key, placed, recognised.reasons.get(key, ""))
    yield from _comment(f"Licence: {license_}.")
    for reason, n in tally.dropped.most_common(5):
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
