"""Where methods are fitted as trained parts of a transformer: adapters or full copies."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pluralign.core import BoolArray, FloatArray, IntArray, NotEnoughData, Steer, SteerableRewardModel, rng_for
from pluralign.evaluation import margins_by_steer
from pluralign.experiments.reporting import Reporter
from pluralign.experiments.resolving import Resolved
from pluralign.experiments.trunks import OpenTrunk
from pluralign.methods import Method, TrainingSet
from pluralign.rewards import EncodedPairs, LinearRewardModel

if TYPE_CHECKING:
    from pluralign.rewards.transformer.model import TransformerRewardModel

_FEW_UNITS = 5
REFERENCE = "reference"


@dataclass(slots=True)
class PartsBench:
    """Where the methods of one repeat are trained.

    Attributes:
        resolved: The experiment.
        train: Training pairs, with the reference's reward as their one feature.
        reference: The model that steering starts from.
        seed: Seed of the repeat.
        opened: The reference as a transformer.
        models: Folder of the repeat's models.
        studies: Folder of parts that only studies need.
        reporter: Hears the progress.
        whole: Whether ``train`` is all of the repeat's training pairs.
        facts: Method -> part -> how its training went.
    """

    resolved: Resolved
    train: TrainingSet
    reference: LinearRewardModel
    seed: int
    opened: OpenTrunk
    models: Path
    studies: Path
    reporter: Reporter
    whole: bool = True
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def on(self, train: TrainingSet) -> "PartsBench":
        """The same bench with other training pairs."""
        return replace(self, train=train, whole=False, facts={})

    def tuning(self, earlier: Mapping[str, Any]) -> dict[str, Any]:
        """How the parts were trained, beside what was known before an interruption."""
        return dict(earlier) | self.facts

    def fit(self, method: Method, **settings: object) -> SteerableRewardModel:
        """Train a part for each community by one method, with the settings of its table, or with others."""
        values = dict(self.resolved.given.get(method.name, {})) | settings
        config = method.configure(**values)
        if method.name == REFERENCE:
            return self._model({})
        if method.weights is None:
            return method.fit(self.train, self.reference, config, rng_for(self.seed, "fit", method.name))
        margin_N = self.train.encoded.margins(self.reference.reference_D)
        weight_N = self.train.weight_N * method.weights(margin_N, config)
        place = self._place(method, settings)
        groups = [self.train.communities] if method.shared else [(c,) for c in self.train.communities]
        folders: dict[str, Path] = {}
        for group in groups:
            folder = place / ("together" if method.shared else group[0].replace("/", "--"))
            if self._train(method.name, group, weight_N, folder):
                folders |= dict.fromkeys(group, folder)
        return self._model(folders)

    def margins(self, model: SteerableRewardModel, test: EncodedPairs) -> Mapping[str, FloatArray]:
        """Margins of the test pairs under every steer."""
        from pluralign.rewards.transformer.model import TransformerRewardModel

        if isinstance(model, TransformerRewardModel) and not model.communities:
            return {"": test.margins(self.reference.reference_D)}
        return margins_by_steer(model, test.pairs)

    def _model(self, folders: Mapping[str, Path]) -> "TransformerRewardModel":
        from pluralign.rewards.transformer.model import TransformerRewardModel

        settings, opened = self.resolved.settings.trunk, self.opened
        assert opened.backbone is not None and opened.score_form is not None and settings.community != "head"
        return TransformerRewardModel(
            opened.backbone, opened.score_form, settings.community, folders, {}, settings.tokens, self.reporter.note
        )

    def _place(self, method: Method, settings: Mapping[str, object]) -> Path:
        if self.whole and not settings:
            return self.models / method.name / "parts"
        ids = hashlib.sha256("\x1e".join(p.id for p in self.train.encoded.pairs).encode()).hexdigest()
        what = json.dumps([self.seed, method.name, settings, ids], sort_keys=True, default=str)
        return self.studies / hashlib.sha256(what.encode()).hexdigest()[:16]

    def _train(self, method: str, group: Sequence[str], weight_N: FloatArray, folder: Path) -> bool:
        """Train one part; whether there was anything to learn from."""
        rows = np.flatnonzero(np.isin(self.train.community_N, group))
        name = group[0] if len(group) == 1 else f"{len(group)} communities together"
        self.reporter.stage(f"seed {self.seed}: training {method} for {name}")
        try:
            facts = train_part(self.opened, self.resolved, self.train, rows, weight_N, folder, self.seed, self.reporter)
        except NotEnoughData as error:
            self.reporter.note(f"{method} leaves {name} at the reference: {error.what}")
            return False
        kept = ("pairs", "held_out_pairs", "pairs_cut", "pairs_dropped_as_too_long", "steps", "best_step", "seconds")
        self.facts.setdefault(method, {})["+".join(group)] = {key: facts[key] for key in kept}
        return True


def train_part(
    opened: OpenTrunk,
    resolved: Resolved,
    train: TrainingSet,
    rows: IntArray,
    weight_N: FloatArray,
    folder: Path,
    seed: int,
    reporter: Reporter,
) -> dict[str, Any]:
    """Train one part on some of the training pairs; a part of their raters is held out to stop early by.

    Raises:
        NotEnoughData: If no pair counts.
    """
    from pluralign.rewards.transformer.finetuning import Watch, WeightedPairs, fine_tune

    settings = resolved.settings
    assert opened.backbone is not None and opened.form is not None and settings.trunk.community != "head"
    held = held_out(train.unit_N[rows], settings.training.held_out, seed)
    learned = rows[~held]
    return fine_tune(
        opened.backbone,
        opened.form,
        settings.trunk.community,
        WeightedPairs([train.encoded.pairs[i] for i in learned.tolist()], weight_N[learned]),
        folder,
        settings.training.model_copy(update={"seed": settings.training.seed + seed}),
        [train.encoded.pairs[i] for i in rows[held].tolist()],
        Watch(reporter.progress, reporter.note),
    )


def held_out(unit_N: np.ndarray[Any, Any], part: float, seed: int) -> BoolArray:
    """Pairs whose rater (or question) is held out of a training, shape (N,); none where there are too few raters.

    The same raters are held out of every method's training.
    """
    units = np.unique(unit_N)
    count = round(part * len(units))
    if part == 0 or len(units) < _FEW_UNITS:
        return np.zeros(len(unit_N), dtype=np.bool_)
    drawn = rng_for(seed, "held out").permutation(units)[: max(1, count)]
    return np.isin(unit_N, drawn)


def trained_reference(
    opened: OpenTrunk,
    resolved: Resolved,
    train: TrainingSet,
    rows: IntArray,
    folder: Path,
    seed: int,
    reporter: Reporter,
) -> Path:
    """Train the reference on some of the training pairs, all with the weight of their source.

    Returns:
        Folder of a plain Hugging Face model.
    """
    from pluralign.rewards.transformer.export import export_model
    from pluralign.rewards.transformer.model import TransformerRewardModel

    reporter.stage(f"seed {seed}: training the reference")
    part = folder / "parts" / "reference"
    train_part(opened, resolved, train, rows, train.weight_N, part, seed, reporter)
    if resolved.settings.trunk.community == "full":
        return part
    merged = folder / "merged"
    if not (merged / "config.json").is_file():
        assert opened.backbone is not None and opened.form is not None
        model = TransformerRewardModel(opened.backbone, opened.form, "lora", {REFERENCE: part})
        export_model(model, Steer.to(REFERENCE), merged)
    return merged
