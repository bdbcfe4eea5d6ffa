"""Where methods are fitted as trained parts of a transformer: adapters or full copies."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pluralign.core import (
    NO_STEER,
    REFERENCE,
    BoolArray,
    FloatArray,
    IntArray,
    NotEnoughData,
    Reporter,
    RewardRequest,
    Steer,
    SteerableRewardModel,
    folder_faults,
    list_folder,
    rng_for,
    text_digest,
)
from pluralign.evaluation import margins_by_steer
from pluralign.experiments.bench import FittedMethod
from pluralign.experiments.linear_bench import fitted
from pluralign.huggingface.processes import process_count, split_between_processes, writing
from pluralign.methods import Method, TrainingSet
from pluralign.models.trunks import OpenTrunk
from pluralign.rewards import EncodedPairs, LinearRewardModel
from pluralign.rewards.transformer.config import PartKind, TrainingConfig
from pluralign.settings.experiment import Settings
from pluralign.settings.resolved_experiment import Resolved

if TYPE_CHECKING:
    from pluralign.rewards.transformer.model import TransformerRewardModel

_FEW_UNITS = 5
_FACTS = (
    *("pairs", "held_out_pairs", "pairs_cut", "pairs_dropped_as_too_long"),
    *("steps", "best_step", "seconds"),
)


@dataclass(slots=True, kw_only=True)
class TransformerBench:
    """A bench of trained parts: each method trains an adapter or a full copy for each community.

    Attributes:
        resolved: The experiment.
        train: Training pairs, with the reference's reward as their one feature.
        reference: The model that steering starts from.
        seed: Seed of the repeat.
        opened: The reference as a transformer.
        run: Folder of the run.
        reporter: Receives the progress.
        whole: Whether ``train`` is all of the repeat's training pairs.
        facts: Method -> part -> how its training went.
    """

    resolved: Resolved
    train: TrainingSet
    reference: LinearRewardModel
    seed: int
    opened: OpenTrunk
    run: Path
    reporter: Reporter
    whole: bool = True
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def on(self, train: TrainingSet) -> "TransformerBench":
        """The same bench with other training pairs."""
        return replace(self, train=train, whole=False, facts={})

    def tuning(self, earlier: Mapping[str, Any]) -> dict[str, Any]:
        """How the parts were trained, together with what was known before an interruption."""
        return dict(earlier) | self.facts

    def card(self, methods: Sequence[str]) -> dict[str, Any]:
        """How the parts of some methods were trained."""
        return {
            "training": self.resolved.settings.training.model_dump(mode="json"),
            "parts_trained": {m: self.facts[m] for m in methods if m in self.facts},
        }

    def fit(self, method: Method, **settings: object) -> FittedMethod:
        """Train a part for each community, with the settings of the method's table or others."""
        values = dict(self.resolved.given.get(method.name, {})) | settings
        config = method.configure(**values)
        if method.weights is None:
            rng = rng_for(self.seed, "fit", method.name)
            model = method.fit(self.train, self.reference, config, rng)
            # The linear reference is a stand-in for the transformer that computes its one feature.
            return self._fitted({}) if model is self.reference else fitted(model, self._described)
        margin_N = self.train.encoded.margins(self.reference.reference_D)
        weight_N = self.train.weight_N * method.weights(margin_N, config)
        home = self._home(method, settings)
        folders: dict[str, Path] = {}
        for group in self._groups(method):
            folder = home / ("together" if method.shared else group[0].replace("/", "--"))
            if self._train(method.name, group, weight_N, folder):
                folders |= dict.fromkeys(group, folder)
        return self._fitted(folders)

    def _groups(self, method: Method) -> list[tuple[str, ...]]:
        """The communities that learn one part together."""
        if method.shared:
            return [self.train.communities]
        return [(community,) for community in self.train.communities]

    def _fitted(self, folders: Mapping[str, Path]) -> "TransformerFit":
        from pluralign.rewards.transformer.model import TransformerRewardModel

        settings, opened = self.resolved.settings.transformer, self.opened
        assert opened.backbone is not None and opened.score_form is not None
        model = TransformerRewardModel(
            backbone=opened.backbone,
            form=opened.score_form,
            kind=settings.part_kind,
            folders=folders,
            tokens=settings.tokens,
            note=self.reporter.note,
        )
        return TransformerFit(model, self.reference, self._described, self.run)

    @property
    def _described(self) -> Mapping[str, object]:
        return self.opened.described

    @property
    def _training(self) -> "Training":
        settings = self.resolved.settings
        return Training(
            self.opened, settings.transformer.part_kind, settings.training, self.seed, self.reporter
        )

    def _home(self, method: Method, settings: Mapping[str, object]) -> Path:
        """Folder of a method's parts; parts of a study are named by all that decides them."""
        if self.whole and not settings:
            return self.run / "models" / f"seed-{self.seed}" / method.name / "parts"
        ids = text_digest("\x1e".join(p.id for p in self.train.encoded.pairs))
        what = json.dumps([self.seed, method.name, settings, ids], sort_keys=True, default=str)
        return self.run / "studies" / "parts" / text_digest(what)[:16]

    def _train(self, method: str, group: Sequence[str], weight_N: FloatArray, folder: Path) -> bool:
        """Train one part; whether there was anything to learn from."""
        rows = np.flatnonzero(np.isin(self.train.community_N, group))
        name = group[0] if len(group) == 1 else f"{len(group)} communities together"
        self.reporter.stage(f"seed {self.seed}: training {method} for {name}")
        try:
            facts = self._training.train(self.train, rows, weight_N, folder)
        except NotEnoughData as error:
            self.reporter.note(f"{method} leaves {name} at the reference: {error.what}")
            return False
        self.facts.setdefault(method, {})["+".join(group)] = {key: facts[key] for key in _FACTS}
        return True


@dataclass(frozen=True, slots=True)
class TransformerFit:
    """A transformer with the parts that a method trained.

    Attributes:
        model: The model.
        reference: The linear model on its reward, for margins that are in memory.
        trunk: Description of the trunk, for the card.
        run: Folder of the run.
    """

    model: "TransformerRewardModel"
    reference: LinearRewardModel
    trunk: Mapping[str, object]
    run: Path

    def margins(self, test: EncodedPairs) -> Mapping[str, FloatArray]:
        """Margins of the test pairs under every steer."""
        if not self.model.communities:
            return {NO_STEER: test.margins(self.reference.reference_D)}
        shared = _SharedOut(self.model) if process_count() > 1 else self.model
        margins = margins_by_steer(shared, test.pairs)
        # Texts that the model reads alike may differ by rounding, which must not decide a pair.
        return {steer: np.where(test.alike_N, 0.0, margin_N) for steer, margin_N in margins.items()}

    def save(self, folder: Path, about: Mapping[str, object]) -> None:
        """Write the card; the folder contains the parts already."""
        from pluralign.rewards.transformer.saving import save_parts

        described = dict(self.trunk)
        trained = Path(self.model.backbone.source.name).resolve()
        if trained.is_relative_to(self.run.resolve()):
            # Named from the model's own folder, so that a run can be moved.
            described["model"] = os.path.relpath(trained, folder)
        save_parts(replace(self.model, about=about), folder, described)


@dataclass(frozen=True, slots=True)
class _SharedOut:
    """A model that scores a part of the requests in each process of a launcher.

    Attributes:
        model: The model, the same in every process.
    """

    model: SteerableRewardModel

    @property
    def communities(self) -> tuple[str, ...]:
        return self.model.communities

    def score(self, requests: Sequence[RewardRequest], steer: Steer | None = None) -> FloatArray:
        return self.model.score(requests, steer)

    def score_all(self, requests: Sequence[RewardRequest]) -> FloatArray:
        from pluralign.rewards.transformer.tokenized_texts import request_key, request_of

        def own(keys: Sequence[str]) -> FloatArray:
            if not keys:
                return np.zeros((0, len(self.communities)), np.float32)
            return self.model.score_all([request_of(key) for key in keys]).astype(np.float32)

        return split_between_processes([request_key(r) for r in requests], own)


@dataclass(frozen=True, slots=True)
class Training:
    """The training of one part.

    Attributes:
        opened: The model that training starts from.
        kind: Adapter or full copy.
        config: Settings of the training.
        seed: Seed of the repeat.
        reporter: Is notified of the progress.
    """

    opened: OpenTrunk
    kind: PartKind
    config: TrainingConfig
    seed: int
    reporter: Reporter

    def train(
        self, train: TrainingSet, rows: IntArray, weight_N: FloatArray, folder: Path
    ) -> dict[str, Any]:
        """Train on some of the training pairs; a part of their raters is held out to stop early by.

        Raises:
            NotEnoughData: If no pair counts.
        """
        from pluralign.huggingface.watch import Watch
        from pluralign.rewards.transformer.finetuning import fine_tune
        from pluralign.rewards.transformer.training_rows import WeightedPairs

        assert self.opened.backbone is not None and self.opened.form is not None
        place_N = None if train.place_N is None else train.place_N[rows]
        held = held_out(train.unit_N[rows], self.config.held_out, self.seed, place_N)
        # Under the plain loss, reports are read as if they were choices.
        pairs = [
            replace(pair, flip=0.0) if train.loss == "plain" else pair
            for pair in train.encoded.pairs
        ]
        learned = rows[~held]
        return fine_tune(
            self.opened.backbone,
            self.opened.form,
            self.kind,
            WeightedPairs([pairs[i] for i in learned.tolist()], weight_N[learned]),
            folder,
            self.config.model_copy(update={"seed": self.config.seed + self.seed}),
            [pairs[i] for i in rows[held].tolist()],
            Watch(self.reporter.progress, self.reporter.note),
        )


def held_out(
    unit_N: np.ndarray[Any, Any], part: float, seed: int, place_N: FloatArray | None = None
) -> BoolArray:
    """Pairs whose rater (or question) is held out of a training, shape (N,).

    No pair is held out where there are too few raters.

    The same raters are held out of every method's training: drawn at random, or those with the
    least places, where there are places (`TrainingSet.place_N`).
    """
    units = np.unique(unit_N)
    count = round(part * len(units))
    if part == 0 or len(units) < _FEW_UNITS:
        return np.zeros(len(unit_N), dtype=np.bool_)
    if place_N is not None:
        # At least one, and one is left to learn from.
        held: BoolArray = (place_N <= max(part, place_N.min())) & (place_N < place_N.max())
        return held
    # At least one, because a small part of few raters rounds to 0.
    drawn = rng_for(seed, "held out").permutation(units)[: max(1, count)]
    return np.isin(unit_N, drawn)


def trained_reference(
    opened: OpenTrunk,
    settings: Settings,
    train: TrainingSet,
    folder: Path,
    seed: int,
    reporter: Reporter,
) -> Path:
    """Train the reference on training pairs, each with the weight of its source.

    Returns:
        Folder of a plain Hugging Face model.
    """
    from pluralign.rewards.transformer.export import export_model
    from pluralign.rewards.transformer.model import TransformerRewardModel

    reporter.stage(f"seed {seed}: training the reference")
    kind = (
        settings.transformer.part_kind
        if settings.reference.part == "same"
        else settings.reference.part
    )
    part = folder / "parts" / REFERENCE
    training = Training(opened, kind, settings.reference_training, seed, reporter)
    training.train(train, np.arange(len(train.encoded)), train.weight_N, part)
    if kind == "full":
        return part
    merged = folder / "merged"
    if folder_faults(merged) != {}:
        assert opened.backbone is not None and opened.form is not None
        # Files of an interrupted export must not be mixed with the new ones.
        with writing() as main:
            if main:
                shutil.rmtree(merged, ignore_errors=True)
        export_model(
            TransformerRewardModel(opened.backbone, opened.form, kind, {REFERENCE: part}),
            Steer.to(REFERENCE),
            merged,
        )
        with writing() as main:
            if main:
                list_folder(merged)
    return merged
