"""The repeats of a finished run at hand again: their pairs, their ridges, and their margins."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pluralign.core import (
    REFERENCE,
    FloatArray,
    InvalidInput,
    InvalidSettings,
    PreferencePair,
    Reporter,
    read_json_object,
)
from pluralign.evaluation import TestPairs, own_margins
from pluralign.experiments.benches import reference_at_hand, trunk_of_repeat
from pluralign.experiments.linear_bench import LinearBench, LinearFit, UnsavedFit
from pluralign.experiments.planning import Plan, plan
from pluralign.experiments.repeats import reference_under, sides, spoken_for
from pluralign.experiments.splitting import split_pairs
from pluralign.methods import Method, ReferenceFit, RidgeChoice, TrainingSet
from pluralign.models.trunks import OpenTrunk, open_trunk
from pluralign.rewards import EncodedPairs, LinearRewardModel
from pluralign.runs.folder import RECORD, RunFolder
from pluralign.runs.withdrawn import read_withdrawn
from pluralign.settings.resolved_experiment import Resolved
from pluralign.sources.pair_loading import Loaded, load_pairs

_SAME = 1e-4
"""Logits by which the margins of a model that was fitted again may differ."""


@dataclass(frozen=True, slots=True)
class FinishedRepeat:
    """One repeat of a finished run.

    Attributes:
        bench: Its bench, with the ridges that the run chose.
        plan: Roles of the communities.
        test: Its test pairs.
        folder: The folder of the run.
        reference_ridge: The ridge of its reference; None where the reference was not fitted.
        people: Ids of all raters of the run.
    """

    bench: LinearBench
    plan: Plan
    test: EncodedPairs
    folder: RunFolder
    reference_ridge: float | None
    people: frozenset[str]

    @property
    def seed(self) -> int:
        """Its seed."""
        return self.bench.seed

    def fitted(self, method: Method) -> tuple[LinearFit | UnsavedFit, TestPairs, FloatArray]:
        """A method fitted again, and the test pairs and margins that the run wrote.

        Returns:
            The fit; the test pairs; and the margin of each under its own community's steer, in
            logits, shape (N,).

        Raises:
            DamagedFile: If the file is missing or damaged.
            InvalidInput: If other margins are found now, as after a change of version or of the
                settings: the difference would be taken for that of a person.
        """
        judged, margins = self.folder.read_predictions(self.seed, method.name)
        again_N = self.test.margins(self.bench.reference.reference_D)
        self._check_same(REFERENCE, judged.reference_N, again_N)
        again, margin_N = self.bench.fit(method), own_margins(margins, judged)
        self._check_same(method.name, margin_N, own_margins(again.margins(self.test), judged))
        return again, judged, margin_N

    def _check_same(self, name: str, written_N: FloatArray, again_N: FloatArray) -> None:
        if len(written_N) == len(again_N) and np.allclose(written_N, again_N, atol=_SAME):
            return
        raise InvalidInput(
            f"{name} cannot be fitted again as it was in the run",
            where=str(self.folder.path),
            hint="run the experiment again with this version and these settings",
        )

    def learned_from(self, pair: PreferencePair) -> bool:
        """Whether the reference learned from such a pair, if it is a training pair."""
        return self.reference_ridge is not None and pair.community in self.plan.spoken_for

    def without(self, rater: str) -> LinearBench:
        """The bench as if a person had not been there, with the ridges of the run."""
        pairs, train = self.bench.train.encoded.pairs, self.bench.train
        gone_N = np.array([pair.rater == rater for pair in pairs])
        rest, reference = train.without(gone_N), self.bench.reference
        if any(pair.rater == rater and self.learned_from(pair) for pair in pairs):
            reference = self._reference(rest)
        return replace(self.bench, train=rest, reference=reference)

    def _reference(self, train: TrainingSet) -> LinearRewardModel:
        assert self.reference_ridge is not None
        trunk = self.bench.reference.trunk
        return reference_under(self.reference_ridge, spoken_for(train, self.plan), trunk)


def finished_repeats(
    folder: Path, resolved: Resolved, reporter: Reporter, cache: Path | None = None
) -> Iterator[FinishedRepeat]:
    """The repeats of a run of linear heads; texts are encoded again where no vectors are kept.

    Args:
        folder: Folder of the run.
        resolved: Its experiment, as `recorded_settings` gives it.
        reporter: Is notified of the progress.
        cache: Folder of kept vectors; the default one where None.

    Raises:
        InvalidSettings: If communities are trained parts of a transformer.
        InvalidInput: If the data are no longer those of the run.
    """
    settings, record = resolved.settings, read_json_object(folder / RECORD)
    if settings.trunk.tuned:
        raise InvalidSettings(
            "communities are trained parts of a transformer here, which nobody can be taken out of",
            where=str(folder),
            hint="train a copy of the run without the person: `pluralign withdraw`",
        )
    opened = open_trunk(settings.trunk, cache, reporter)
    reporter.stage("reading pairs")
    loaded = load_pairs(
        resolved.sources, settings.limit, settings.seed, withdrawn=read_withdrawn(folder)
    )
    if loaded.fingerprint != record["data"]["fingerprint"]:
        raise InvalidInput(
            "the data have changed since the run read them",
            where=str(folder),
            hint="run the experiment again with them",
        )
    reporter.stage(f"encoding the texts of {len(loaded.pairs):,} pairs")
    encoded = opened.trunk.encode_pairs(loaded.pairs)
    for seed in record["seeds"]:
        ridges = {name: float(row["ridge"]) for name, row in record["ridges"][str(seed)].items()}
        yield _repeat(folder, resolved, opened, loaded, encoded, seed, ridges)


def _repeat(
    folder: Path,
    resolved: Resolved,
    opened: OpenTrunk,
    loaded: Loaded,
    encoded: EncodedPairs,
    seed: int,
    ridges: dict[str, float],
) -> FinishedRepeat:
    settings = resolved.settings
    roles = plan(settings, loaded.people(), given=opened.own_reference() is not None)
    split = split_pairs(loaded, settings, resolved.sources, seed)
    reference, ridge = reference_at_hand(settings, opened), None
    trunk, encoded = trunk_of_repeat(reference, opened, encoded, split, settings)
    side = sides(encoded, split, roles, settings, seed)
    train = side.train
    if reference is None:
        ridge = ridges[REFERENCE]
        reference = reference_under(ridge, spoken_for(train, roles), trunk)
        train = train.knowing(ReferenceFit(tuple(roles.spoken_for), ridge))
    bench = LinearBench(
        resolved=resolved,
        train=train,
        reference=reference,
        seed=seed,
        trunk=opened.described,
        ridges={name: RidgeChoice(chosen, {}) for name, chosen in ridges.items()},
    )
    people = frozenset(pair.rater for pair in loaded.pairs if pair.rater is not None)
    return FinishedRepeat(
        bench=bench,
        plan=roles,
        test=side.test,
        folder=RunFolder(folder),
        reference_ridge=ridge,
        people=people,
    )
