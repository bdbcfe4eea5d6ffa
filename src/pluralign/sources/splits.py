"""Splits into training and test pairs that share no rater, question, stem or source."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from pluralign.core import (
    IntArray,
    InvalidInput,
    NotEnoughData,
    PreferencePair,
    keyed_number,
)
from pluralign.sources.stems import MOST_STEMS, shared_stems

SplitKind = Literal["rater", "question", "stem", "both"]
"""Kept whole by a split: raters, questions, stems, or raters and questions."""


@dataclass(frozen=True, slots=True)
class Split:
    """The training pairs and the test pairs.

    Attributes:
        train: Positions of the training pairs, increasing.
        test: Positions of the test pairs, increasing.
        left_out: Reason -> pairs on neither side.
    """

    train: IntArray
    test: IntArray
    left_out: Counter[str] = field(default_factory=Counter)

    def __repr__(self) -> str:
        return (
            f"Split({len(self.train):,} training pairs, {len(self.test):,} test pairs, "
            f"{self.left_out.total():,} on neither side)"
        )


def split_by(
    kind: SplitKind, pairs: Sequence[PreferencePair], test: float, rng: np.random.Generator
) -> Split:
    """Split so that no unit is on both sides.

    By rater, the test raters are drawn within each community (at least one where there are two; the
    only rater of a community is in the training data). By question or stem, the same ones are
    tested for every community. By both, a test pair has a test rater and a test question, and a
    training pair neither; the other pairs are left out. Units are drawn in sorted order, so the
    order of the pairs does not matter.

    Args:
        kind: ``rater``, ``question``, ``stem`` or ``both`` (rater and question).
        pairs: The pairs.
        test: Part of the units to test on, in (0, 1).
        rng: Generator of the draw.

    Returns:
        The two sides, as positions in ``pairs``.

    Raises:
        InvalidInput: If ``test`` is out of range, or raters are needed and a pair has none.
        NotEnoughData: If there are too few units for two sides.

    >>> def answer(i: int) -> PreferencePair:
    ...     return PreferencePair(str(i), "Tea?", "Yes", "No", "GBR", rater=str(i % 5))
    >>> pairs = [answer(i) for i in range(10)]
    >>> split = split_by("rater", pairs, 0.2, np.random.default_rng(7))
    >>> len(split.train), len(split.test)
    (8, 2)
    """
    _check(kind, pairs, test)
    if kind == "rater":
        chosen = _draw_raters(pairs, test, rng)
        return _sides([_rater(pair) in chosen for pair in pairs], "rater")
    if kind in ("question", "stem"):
        units = [pair.question if kind == "question" else pair.stem for pair in pairs]
        drawn = _draw(set(units), test, rng)
        return _sides([unit in drawn for unit in units], kind)
    raters = _draw_raters(pairs, test, rng)
    questions = _draw({pair.question for pair in pairs}, test, rng)
    return _crossed(
        [_rater(pair) in raters for pair in pairs], [pair.question in questions for pair in pairs]
    )


def split_by_hash(
    kind: SplitKind, pairs: Sequence[PreferencePair], test: float, seed: int
) -> Split:
    """Split so that the side of a unit depends on its own id and the seed, and on nothing else.

    A unit that leaves or comes changes the side of no other unit, in contrast to `split_by`. So the
    test part is near ``test``, not equal to it, and a community of few raters may have all of them
    on one side.

    Args:
        kind: As in `split_by`.
        pairs: The pairs.
        test: Probability that a unit is tested on, in (0, 1).
        seed: Key of the hash.

    Returns:
        The two sides, as positions in ``pairs``.

    Raises:
        InvalidInput: If ``test`` is out of range, or raters are needed and a pair has none.
        NotEnoughData: If a side is empty.

    >>> def answer(i: int) -> PreferencePair:
    ...     return PreferencePair(str(i), "Tea?", "Yes", "No", "GBR", rater=f"r{i}")
    >>> split_by_hash("rater", [answer(i) for i in range(1000)], 0.2, seed=7)
    Split(825 training pairs, 175 test pairs, 0 on neither side)
    """
    _check(kind, pairs, test)
    if kind == "both":
        return _crossed(*(_hashed(unit, pairs, test, seed) for unit in ("rater", "question")))
    return _sides(_hashed(kind, pairs, test, seed), kind)


def split_by_source(pairs: Sequence[PreferencePair], repeat: int) -> Split:
    """Train on all sources but one, and test on that one.

    Surveys share questions. Test pairs whose stem also occurs in training are on neither side, so
    that what is measured is another survey, not its overlap. Stems are compared as the batteries
    of one survey are (`shared_stems`); more than `MOST_STEMS` match only if they are equal.

    Args:
        pairs: The pairs; the ``source`` of each is its survey.
        repeat: Number of the repeat, >= 0: repeats take the sources in sorted order, in turn.

    Returns:
        The two sides, as positions in ``pairs``.

    Raises:
        InvalidInput: If a pair has no source.
        NotEnoughData: If there are fewer than two sources, or no test pair has a stem of its own.

    >>> def answer(source: str, question: str) -> PreferencePair:
    ...     return PreferencePair(source + question, question, "Yes", "No", "GBR", source=source)
    >>> pairs = [answer("a", "Tea?"), answer("b", "Tea?"), answer("b", "Milk?")]
    >>> split_by_source(pairs, repeat=1)
    Split(1 training pairs, 1 test pairs, 1 on neither side)
    """
    names = [_source(pair) for pair in pairs]
    sources = sorted(set(names))
    if len(sources) < 2:
        raise NotEnoughData(
            f"there are fewer than two sources to split: {', '.join(sources) or 'none'}",
            where="split.by",
            hint="join another with a second [[pairs]] table, or split by question or stem",
        )
    tested_N = np.array(names) == sources[repeat % len(sources)]
    stems = _batteries({pair.stem for pair in pairs})
    stem_N = np.array([stems[pair.stem] for pair in pairs])
    known_N = tested_N & np.isin(stem_N, stem_N[~tested_N])
    left_out = Counter({"test source, training stem": int(known_N.sum())})
    sides = np.flatnonzero(~tested_N), np.flatnonzero(tested_N & ~known_N)
    return _both_filled(Split(*sides, +left_out), "source")


def _batteries(stems: set[str]) -> dict[str, str]:
    """Stem -> its battery among the stems of all sources; itself where there are too many."""
    if len(stems) <= MOST_STEMS:
        return shared_stems(stems)
    return {stem: stem for stem in stems}


def split_prism(pairs: Sequence[PreferencePair], test_raters: Collection[str]) -> Split:
    """Split by given raters; ``PrismPairs(...).published_test_raters()`` are the raters of SCPO.

    Args:
        pairs: The pairs.
        test_raters: Raters of the test side.

    Raises:
        InvalidInput: If a pair has no rater.
        NotEnoughData: If a side is empty.
    """
    return _sides([_rater(pair) in test_raters for pair in pairs], "rater")


def restrict_test(
    split: Split, pairs: Sequence[PreferencePair], values: Mapping[str, str]
) -> Split:
    """Test only on pairs with given values in further columns; the others are on neither side.

    Args:
        split: The two sides.
        pairs: The pairs.
        values: Name of a column in ``extra`` -> its value, as text.

    Raises:
        InvalidInput: If no pair has such a column.
        NotEnoughData: If no test pair is left.

    >>> def answer(i: int) -> PreferencePair:
    ...     extra = {"reason": "anchor" if i % 2 else "fresh"}
    ...     return PreferencePair(str(i), "Tea?", "Yes", "No", "GBR", rater=f"r{i}", extra=extra)
    >>> pairs = [answer(i) for i in range(10)]
    >>> split = split_by("rater", pairs, 0.4, np.random.default_rng(7))
    >>> restrict_test(split, pairs, {"reason": "anchor"})
    Split(6 training pairs, 2 test pairs, 2 on neither side)
    """
    for name in values:
        if not any(name in pair.extra for pair in pairs):
            raise InvalidInput(
                f"no pair has a column {name!r}",
                where="split.test_where",
                hint="name a further column of the source, such as reason of a collected release",
            )
    kept_n = np.array([_has(pairs[i], values) for i in split.test.tolist()], dtype=bool)
    left_out = split.left_out + Counter({"not in split.test_where": int((~kept_n).sum())})
    return _both_filled(Split(split.train, split.test[kept_n], left_out), "split.test_where")


def _has(pair: PreferencePair, values: Mapping[str, str]) -> bool:
    return all(str(pair.extra.get(name)) == value for name, value in values.items())


def _check(kind: str, pairs: Sequence[PreferencePair], test: float) -> None:
    if not 0 < test < 1:
        raise InvalidInput(
            f"the test part must be in (0, 1), got {test}",
            where="split.test",
            hint="use a value such as 0.2",
        )
    if not pairs:
        raise NotEnoughData("there are no pairs to split", hint="see why rows were dropped")
    if kind not in get_args(SplitKind):
        raise InvalidInput(
            f"there is no split by {kind!r}",
            where="split.by",
            hint="use rater, question, stem or both",
        )


def _hashed(unit: str, pairs: Sequence[PreferencePair], test: float, seed: int) -> list[bool]:
    """Whether the unit of each pair is tested on."""
    names = [_rater(pair) if unit == "rater" else str(getattr(pair, unit)) for pair in pairs]
    tested = {name: keyed_number(seed, f"split by {unit}", name) < test for name in set(names)}
    return [tested[name] for name in names]


def _crossed(by_rater: Sequence[bool], by_question: Sequence[bool]) -> Split:
    """Both tested, or neither; the other pairs are left out."""
    by_rater_N, by_question_N = np.array(by_rater), np.array(by_question)
    sides = np.flatnonzero(~by_rater_N & ~by_question_N), np.flatnonzero(by_rater_N & by_question_N)
    left_out = Counter(
        {
            "test rater, training question": int((by_rater_N & ~by_question_N).sum()),
            "training rater, test question": int((~by_rater_N & by_question_N).sum()),
        }
    )
    return _both_filled(Split(*sides, +left_out), "rater and question")


def _draw_raters(
    pairs: Sequence[PreferencePair], test: float, rng: np.random.Generator
) -> set[str]:
    home: dict[str, str] = {}
    for pair in pairs:
        rater = _rater(pair)
        home[rater] = min(home.get(rater, pair.community), pair.community)
    by_community: defaultdict[str, set[str]] = defaultdict(set)
    for rater, community in home.items():
        by_community[community].add(rater)
    drawn: set[str] = set()
    for community in sorted(by_community):
        if len(by_community[community]) > 1:
            drawn |= _draw(by_community[community], test, rng)
    return drawn


def _draw(units: set[str], test: float, rng: np.random.Generator) -> set[str]:
    names = sorted(units)
    if len(names) < 2:
        raise NotEnoughData(
            f"there is only one unit to split: {names[0][:60]!r}",
            hint="two are needed, one to train on and one to test on; "
            "add data or set another split.by",
        )
    size = min(max(round(test * len(names)), 1), len(names) - 1)
    return {names[i] for i in rng.permutation(len(names))[:size]}


def _sides(tested: Sequence[bool], unit: str) -> Split:
    tested_N = np.asarray(tested, dtype=bool)
    return _both_filled(Split(np.flatnonzero(~tested_N), np.flatnonzero(tested_N)), unit)


def _both_filled(split: Split, unit: str) -> Split:
    for side, positions in (("training", split.train), ("test", split.test)):
        if not len(positions):
            raise NotEnoughData(
                f"no pair is on the {side} side of a split by {unit}",
                hint="use more data or another split",
            )
    return split


def _source(pair: PreferencePair) -> str:
    if pair.source is None:
        raise InvalidInput(
            "a pair has no source",
            where=f"pair {pair.id}",
            hint="name the survey of each pair in the column source, or set another split.by",
        )
    return pair.source


def _rater(pair: PreferencePair) -> str:
    if pair.rater is None:
        raise InvalidInput(
            "a pair has no rater",
            where=f"pair {pair.id}",
            hint="name the column of raters, or split by question or stem",
        )
    return pair.rater
