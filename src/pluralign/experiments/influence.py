"""The difference that a person's choices make to the model of their community.

A person is taken out in one of two ways. *Refit*: the reference, where it learned from them, and
the method are fitted again without their pairs, for any method of linear heads. *One step*: a step
of Newton's method from the fitted head, for all people of a community from one factorisation
(`heads_without`), for methods that only weigh pairs. Ridges stay those of the run, so that the
difference is due to the person's choices alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import (
    AnyPath,
    FloatArray,
    InvalidInput,
    PreferencePair,
    Reporter,
    as_path,
    prompt_text,
)
from pluralign.evaluation import Changes, Drawing, TestPairs, changes
from pluralign.experiments.finished_repeats import FinishedRepeat, finished_repeats
from pluralign.experiments.people_out import TakenOut, by_one_step, by_refitting
from pluralign.experiments.rater_ids import check_raters
from pluralign.experiments.recorded_settings import recorded_settings, recorded_tables
from pluralign.methods import Method
from pluralign.runs.progress_bars import reporting
from pluralign.settings.registry import ranked_methods
from pluralign.settings.resolved_experiment import Resolved

_SHOWN = 5
_NOT_LEARNED = "no model of the run learned from their choices: they are test pairs, or left out"
_NOT_TESTED = (
    "models learned from their choices, but nobody else of {} has test pairs in these repeats"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedPair:
    """Two responses between which the model moved, in the order of the model with the person.

    Attributes:
        prompt: The prompt.
        preferred: The response that the model with the person prefers.
        other: The other response.
        margin: Reward of the first less that of the second, with the person, in logits, >= 0.
        without: The same without the person; below 0 the model prefers the other response.
    """

    prompt: str
    preferred: str
    other: str
    margin: float
    without: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Influence:
    """The changes by one person's choices for the other people of their community.

    Attributes:
        rater: Their id.
        community: Their community.
        pairs: Seed of a repeat -> number of their pairs that its models learned from.
        changes: The differences on test pairs of others, over these repeats.
        elsewhere: Other community -> the largest change of a margin of its test pairs, in logits;
            empty where people are taken out by one step.
        examples: The pairs that changed most; empty where they were not asked for.
    """

    rater: str
    community: str
    pairs: dict[int, int]
    changes: Changes
    elsewhere: dict[str, float] = field(default_factory=dict)
    examples: list[ChangedPair] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Influences:
    """The changes by the choices of people in a run.

    Attributes:
        run: Its folder.
        method: The method whose models are compared.
        refitted: Whether models were fitted again without each person; otherwise one step of
            Newton's method was made for each.
        seeds: Seeds of the repeats.
        people: The people, the one who changed most first.
        not_measured: Person -> the reason why nothing can be measured for them.
    """

    run: str
    method: str
    refitted: bool
    seeds: list[int]
    people: list[Influence]
    not_measured: dict[str, str]


def influence(
    run: AnyPath,
    raters: Sequence[str] | None = None,
    method: str | None = None,
    settings: Resolved | AnyPath | None = None,
    reporter: Reporter | None = None,
    cache: AnyPath | None = None,
    examples: bool | None = None,
) -> Influences:
    """Measure what people's choices changed, on the test pairs of the others in their community.

    Args:
        run: Folder of a run of reward models with linear heads.
        raters: Ids of people, whose models are fitted again without each; all people, by one step
            for each, where None.
        method: The method; by default the first preferred one of the run, and for all people the
            first that only weighs pairs.
        settings: The experiment, or its file; by default as the run's record has it.
        reporter: Is notified of the progress.
        cache: Folder of kept vectors; the default one where None.
        examples: Whether to name the pairs that changed most; by default only where people are
            named.

    Raises:
        InvalidInput: If there is no run, its pairs have no raters, a rater is unknown, or the data
            are no longer those of the run.
        InvalidSettings: If the record does not have all settings, or communities are trained parts
            of a transformer.
    """
    folder = as_path(run)
    resolved = recorded_settings(settings, recorded_tables(folder), folder)
    chosen = _method(resolved, method, folder, every=raters is None)
    named = None if raters is None else list(dict.fromkeys(raters))
    with reporting(reporter) as drawn:
        drawing = Drawing(resolved.settings.seed, both=resolved.settings.split.by == "both")
        found = _Found(drawing, raters is not None if examples is None else examples)
        for repeat in finished_repeats(folder, resolved, drawn, as_path(cache)):
            check_raters(named or (), repeat.people, folder)
            drawn.stage(f"seed {repeat.seed}: {chosen.name} without {_whom(named)}")
            found.add(repeat, chosen, named)
        people = found.measured()
    measured = {one.rater for one in people}
    return Influences(
        run=str(folder),
        method=chosen.name,
        refitted=named is not None,
        seeds=list(found.seeds),
        people=people,
        not_measured={r: found.reason(r) for r in named or () if r not in measured},
    )


def _method(resolved: Resolved, name: str | None, folder: Path, every: bool) -> Method:
    """The method that is named, or the first preferred one that can be used."""
    of_run = {method.name: method for method in resolved.methods}
    # Where noise protects people, a change would be one of noise.
    steers = [m for m in of_run.values() if m.steers and not m.protects]
    usable = [m for m in steers if m.weights is not None or not every]
    if name is None and usable:
        order = [*ranked_methods()[::-1], *of_run]
        return min(usable, key=lambda m: order.index(m.name))
    if name is not None and of_run.get(name) in usable:
        return of_run[name]
    what = f"for all people, {name!r} must" if every and name in of_run else f"{name!r} must"
    raise InvalidInput(
        f"{what if name else 'a method must'} be a method of the run that steers without noise"
        + (" and only weighs pairs" if every else ""),
        where=str(folder),
        hint=_other_methods(usable, steers),
    )


def _other_methods(usable: Sequence[Method], steers: Sequence[Method]) -> str:
    if usable:
        return f"use {', '.join(method.name for method in usable)}"
    if steers:
        return "name people with --rater"
    return "run the experiment again with such a method, for example full"


def _whom(raters: Sequence[str] | None) -> str:
    if raters is None:
        return "each person"
    return raters[0] if len(raters) == 1 else f"each of {len(raters)} people"


@dataclass(frozen=True, slots=True)
class _Part:
    """The test pairs of a community in one repeat, with their margins with all people."""

    judged: TestPairs
    margin_n: FloatArray
    pairs: tuple[PreferencePair, ...]
    testers: frozenset[str | None]


@dataclass(slots=True)
class _Found:
    """People taken out of repeats, and the test pairs by which they are measured.

    Attributes:
        drawing: How intervals are drawn.
        with_examples: Whether the pairs that changed most are named.
        seeds: Seeds of the repeats so far.
        parts: (Seed, community) -> its test pairs.
        people: (Person, community) -> seed -> the person taken out, where there are test pairs.
        learned_from: Person -> the communities in which models learned from them.
    """

    drawing: Drawing
    with_examples: bool
    seeds: list[int] = field(default_factory=list)
    parts: dict[tuple[int, str], _Part] = field(default_factory=dict)
    people: dict[tuple[str, str], dict[int, TakenOut]] = field(default_factory=dict)
    learned_from: dict[str, set[str]] = field(default_factory=dict)

    def add(self, repeat: FinishedRepeat, method: Method, raters: Sequence[str] | None) -> None:
        """Take people out of a repeat; all of them where ``raters`` is None."""
        fitted, judged, margin_N = repeat.fitted(method)
        for community in np.unique(judged.community_N).tolist():
            rows = np.flatnonzero(judged.community_N == community)
            pairs = repeat.test.take(rows).pairs
            testers = frozenset(pair.rater for pair in pairs)
            part = _Part(judged.take(rows), margin_N[rows], pairs, testers)
            self.parts[repeat.seed, community] = part
        taken = (
            by_one_step(repeat, method, fitted, judged, margin_N)
            if raters is None
            else by_refitting(repeat, method, raters, judged, margin_N)
        )
        self.seeds.append(repeat.seed)
        for one in taken:
            self.learned_from.setdefault(one.rater, set()).add(one.community)
            if (repeat.seed, one.community) in self.parts:
                self.people.setdefault((one.rater, one.community), {})[repeat.seed] = one

    def measured(self) -> list[Influence]:
        """The influence of each person, the largest first."""
        found = []
        for (community, own, seeds), group in self._groups().items():
            parts = [self.parts[seed, community] for seed in seeds]
            without = [np.concatenate([of[s].without_n for s in seeds]) for of in group]
            without_N_P = np.stack(without, axis=1)
            if any(set(part.testers) - {own} for part in parts):
                found += _measure(parts, own, group, without_N_P, self.drawing, self.with_examples)
        return sorted(found, key=lambda one: -one.changes.moved.value)

    def reason(self, rater: str) -> str:
        """The reason why nothing is measured for a person."""
        if rater not in self.learned_from:
            return _NOT_LEARNED
        return _NOT_TESTED.format(" or ".join(sorted(self.learned_from[rater])))

    def _groups(self) -> dict[Any, list[dict[int, TakenOut]]]:
        """People who are measured on the same pairs: (community, person, seeds) -> these people.

        The person is None where nobody of the group has test pairs of their own.
        """
        groups: dict[Any, list[dict[int, TakenOut]]] = {}
        for (rater, community), of in self.people.items():
            tested = any(rater in self.parts[seed, community].testers for seed in of)
            key = (community, rater if tested else None, tuple(of))
            groups.setdefault(key, []).append(of)
        return groups


def _measure(
    parts: Sequence[_Part],
    own: str | None,
    group: Sequence[dict[int, TakenOut]],
    without_N_P: FloatArray,
    drawing: Drawing,
    with_examples: bool,
) -> list[Influence]:
    """The influence of P people on the same test pairs, those of ``own`` left out."""
    pairs = [pair for part in parts for pair in part.pairs]
    rows = np.flatnonzero([own is None or pair.rater != own for pair in pairs])
    judged = TestPairs.join([part.judged for part in parts]).take(rows)
    margin_n = np.concatenate([part.margin_n for part in parts])[rows]
    found = changes(judged, margin_n, without_N_P[rows], drawing)
    influences = []
    for p, (of, change) in enumerate(zip(group, found, strict=True)):
        one = next(iter(of.values()))
        elsewhere = _largest(taken.elsewhere for taken in of.values())
        examples = []
        if with_examples:
            examples = _examples([pairs[r] for r in rows], margin_n, without_N_P[rows, p])
        influences.append(
            Influence(
                rater=one.rater,
                community=one.community,
                pairs={seed: taken.pairs for seed, taken in of.items()},
                changes=change,
                elsewhere=elsewhere,
                examples=examples,
            )
        )
    return influences


def _largest(each: Iterable[dict[str, float]]) -> dict[str, float]:
    """Community -> the largest number of all repeats."""
    found: dict[str, float] = {}
    for of in each:
        for community, change in of.items():
            found[community] = max(change, found.get(community, 0.0))
    return found


def _examples(
    pairs: Sequence[PreferencePair], margin_n: FloatArray, without_n: FloatArray
) -> list[ChangedPair]:
    """The pairs whose margins changed most, each pair of texts once.

    Responses are in the order of the model, so that nobody's choice is shown.
    """
    found: dict[frozenset[str], ChangedPair] = {}
    for k in np.argsort(-np.abs(without_n - margin_n), kind="stable").tolist():
        pair, sign = pairs[k], 1.0 if margin_n[k] >= 0 else -1.0
        texts = (pair.chosen, pair.rejected) if sign > 0 else (pair.rejected, pair.chosen)
        prompt = prompt_text(pair.prompt)
        found.setdefault(
            frozenset((prompt, *texts)),
            ChangedPair(
                prompt=prompt,
                preferred=texts[0],
                other=texts[1],
                margin=float(sign * margin_n[k]),
                without=float(sign * without_n[k]),
            ),
        )
        if len(found) == _SHOWN:
            break
    return list(found.values())
