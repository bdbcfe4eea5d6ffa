"""Pairs in memory: read from anything, counted, split."""

import os
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any, NamedTuple, overload

from pluralign.core import (
    AnyPath,
    InvalidInput,
    PairSource,
    PreferencePair,
    Tally,
    UnknownCommunity,
    as_path,
    community_hint,
    community_name,
    count_of,
    html_table,
    known_community,
    listed,
    rng_for,
)
from pluralign.notebook.python_hints import in_python, python_hints
from pluralign.runs.progress_bars import reporting
from pluralign.settings.experiment import Settings
from pluralign.settings.validation import source_from
from pluralign.sources import Loaded, SplitKind, load_pairs, pairs_from, split_by

_FILES = "jsonl"  # the source that reads files of pairs; their ending names the format
_LIMIT: int = Settings.model_fields["limit"].default


@dataclass(frozen=True, eq=False, repr=False)
class Pairs(Sequence[PreferencePair]):
    """Pairs in memory, and a tally of the rows that they were made of.

    They are a sequence: ``pairs[0]`` is a pair. ``pairs[:100]``, ``pairs.of("MEX")`` and
    ``pairs + others`` are pairs again.

    Attributes:
        loaded: The pairs, and the tally of each source.
        licenses: Licences of the sources.
        notes: Sentences that the reader should know, such as columns that are not used.
        unit: The unit that a split kept whole: ``rater``, ``question``, ``stem`` or ``both``.
    """

    loaded: Loaded
    licenses: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unit: SplitKind = "rater"

    @overload
    def __getitem__(self, index: int) -> PreferencePair: ...

    @overload
    def __getitem__(self, index: slice) -> "Pairs": ...

    def __getitem__(self, index: int | slice) -> "PreferencePair | Pairs":
        if isinstance(index, slice):
            return self.take(range(len(self))[index])
        return self.loaded.pairs[index]

    def __len__(self) -> int:
        return len(self.loaded.pairs)

    def __add__(self, other: "Pairs") -> "Pairs":
        """Both together, as several sources of one run; an id that comes twice gets a prefix."""
        sides = [_Made(self), _Made(other)]
        joined = load_pairs(sides, len(self) + len(other), seed=0)
        return replace(
            self,
            loaded=replace(joined, tallies=self.loaded.tallies + other.loaded.tallies),
            licenses=tuple(dict.fromkeys(self.licenses + other.licenses)),
            notes=tuple(dict.fromkeys(self.notes + other.notes)),
        )

    @property
    def tally(self) -> Tally:
        """Rows read, kept and dropped by reason, over all sources."""
        whole = Tally()
        for tally in self.loaded.tallies:
            whole.merge(tally)
        return whole

    @property
    def communities(self) -> tuple[str, ...]:
        """Ids of the raters' communities, sorted."""
        return tuple(self.people())

    def people(self) -> dict[str, dict[str, int | None]]:
        """Community -> pairs and raters; None where answers were published as shares only."""
        return self.loaded.people()

    def of(self, *communities: str) -> "Pairs":
        """The pairs of these communities.

        Args:
            communities: Ids or names.

        Raises:
            UnknownCommunity: If no pair belongs to one of them. The message suggests similar names.
        """
        wanted = {self._known(label) for label in communities}
        return self.take([k for k, pair in enumerate(self) if pair.community in wanted])

    def _known(self, label: str) -> str:
        try:
            return known_community(label, self.communities)
        except UnknownCommunity as error:
            hint = community_hint(label, list(self.communities))
            raise UnknownCommunity(
                f"no pair belongs to {label!r:.200}",
                hint=hint or f"there are pairs of {listed(self.communities, most=20)}",
            ) from error

    def take(self, positions: Iterable[int]) -> "Pairs":
        """The pairs at these positions, in this order."""
        kept = list(positions)
        loaded = replace(
            self.loaded,
            pairs=tuple(self.loaded.pairs[k] for k in kept),
            source_N=tuple(self.loaded.source_N[k] for k in kept),
        )
        return replace(self, loaded=loaded)

    def __repr__(self) -> str:
        return "\n".join([f"Pairs({self._summary})", *self._remarks])

    def _repr_html_(self) -> str:
        rows = []
        for community, count in self.people().items():
            raters = count["raters"]
            people = "not published" if raters is None else f"{raters:,}"
            rows.append([community, community_name(community), f"{count['pairs']:,}", people])
        lines = "<br>".join(map(escape, [self._summary, *self._remarks]))
        return f"<p>{lines}</p>{html_table(['id', 'community', 'pairs', 'people'], rows)}"

    @property
    def _summary(self) -> str:
        raters = {pair.rater for pair in self if pair.rater is not None}
        people = f" by {count_of(len(raters), 'person', 'people')}" if raters else ""
        return f"{count_of(len(self), 'pair')} of {listed(self.communities)}{people}"

    @property
    def _remarks(self) -> list[str]:
        tally = self.tally
        read = f"{count_of(tally.read, 'row')} read, {tally.dropped.total():,} dropped"
        lines = [f"{read}: {_reasons(tally.dropped)}" if tally.dropped else read]
        if tally.left_out:
            lines.append(f"not used of the rows kept: {_reasons(tally.left_out)}")
        return [*lines, *self.notes]


def _reasons(counts: Counter[str], most: int = 3) -> str:
    """The most frequent reasons, with their counts."""
    shown = [f"{n:,} x {reason}" for reason, n in counts.most_common(most)]
    more = len(counts) - most
    return "; ".join([*shown, count_of(more, "more reason")] if more > 0 else shown)


class TrainTest(NamedTuple):
    """The two sides of a split.

    Attributes:
        train: Pairs to fit on.
        test: Pairs to evaluate on.
    """

    train: Pairs
    test: Pairs


def read_pairs(
    given: AnyPath | Iterable[Any] | PairSource | None = None,
    *,
    source: str = _FILES,
    limit: int = _LIMIT,
    seed: int = 0,
    **settings: Any,
) -> Pairs:
    """Read preference pairs from a file, a data frame, a data set or rows.

    Args:
        given: A path (JSON Lines, JSON, CSV or Parquet by its ending, or a folder of
            ``Dataset.save_to_disk``), a pandas or polars data frame, a ``datasets.Dataset``, a
            pyarrow table, a list of mappings or of `PreferencePair`, or a source of pairs.
        source: Name of the source that reads a path, as in a settings file.
        limit: Largest number of pairs, >= 1; a seeded sample is drawn from larger data.
        seed: Seed of the sample.
        **settings: Settings of the source, such as ``columns``, ``community`` or ``skip_bad``.

    Returns:
        The pairs. Every row that was dropped is counted with its reason in ``tally``.

    Raises:
        InvalidInput: If a row cannot be read.
        InvalidSettings: If a setting is unknown, or there is no such file.
        NotEnoughData: If there is no pair. The message counts the dropped rows by reason.

    >>> rows = [{"prompt": "Tea?", "chosen": "Yes", "rejected": "No", "country": "Mexico"},
    ...         {"prompt": "Tea?", "chosen": "No", "rejected": "No", "country": "Peru"}]
    >>> read_pairs(rows, columns={"community": "country"})
    Pairs(1 pair of MEX)
    2 rows read, 1 dropped: 1 x chosen equals rejected
    """
    if isinstance(given, Pairs):
        return given
    with python_hints(), reporting(None) as reporter:
        found = _source(given, source, settings)
        reporter.stage("reading pairs")
        loaded = load_pairs([found], limit, seed, lambda n: reporter.progress(n, 0))
    notes = tuple(in_python(advice) for tally in loaded.tallies for advice in tally.advice)
    for sentence in notes:
        warnings.warn(sentence, stacklevel=2)
    return Pairs(loaded, (found.license,), notes)


def split(pairs: Any, by: SplitKind = "rater", test: float = 0.2, seed: int = 0) -> TrainTest:
    """Split pairs into training pairs and test pairs, as ``pluralign run`` does.

    Args:
        pairs: Pairs, or anything that `read_pairs` reads.
        by: The unit that must not be on both sides: ``rater``, ``question``, ``stem``, or ``both``
            (rater and question).
        test: Fraction of the units to test on, in (0, 1).
        seed: Seed of the draw.

    Returns:
        ``train`` and ``test``. With ``both``, pairs on neither side are counted in the notes.

    Raises:
        InvalidInput: If the pairs lack what the split needs, such as raters.
        NotEnoughData: If a side would be empty.
    """
    whole = read_pairs(pairs)
    found = split_by(by, whole.loaded.pairs, test, rng_for(seed, "split"))
    notes = list(whole.notes)
    for reason, n in found.left_out.items():
        notes.append(f"{count_of(n, 'pair')} on neither side of the split: {reason}")
    whole = replace(whole, notes=tuple(notes), unit=by)
    return TrainTest(whole.take(found.train.tolist()), whole.take(found.test.tolist()))


def _source(given: object, name: str, settings: dict[str, Any]) -> PairSource:
    """The source that reads what is given."""
    if isinstance(given, PairSource):
        if settings:
            raise InvalidInput(
                f"a source has its settings already, got {', '.join(settings)}",
                hint="give them where the source is made",
            )
        return given
    if isinstance(given, str | os.PathLike):
        settings = settings | {"path": str(as_path(given))}
    elif given is not None:
        rows = list(given) if isinstance(given, list | tuple) else given
        if isinstance(rows, list) and rows and isinstance(rows[0], PreferencePair):
            return _Made(rows)
        return pairs_from(rows, **settings)
    elif name == _FILES and "path" not in settings:
        raise InvalidInput(
            "there is nothing to read", hint="give a path, a data frame, rows or a source"
        )
    found: PairSource = source_from({"source": name, **settings}, Path(), "read_pairs")
    path = getattr(found, "path", None)
    if isinstance(path, Path) and not path.exists():
        raise InvalidInput(f"no such file or folder: {path}", hint="check the path")
    return found


@dataclass(frozen=True, slots=True)
class _Made:
    """Pairs that were made in Python, as a source."""

    made: Sequence[PreferencePair]
    name: str = "pairs made in Python"
    license: str = "not stated"

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        """Stream the pairs."""
        for pair in self.made:
            if tally is not None:
                tally.read += 1
                tally.kept += 1
            yield pair
