"""The same model as the other repeats of its run fitted it, by which rewards get intervals."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pluralign.core import DamagedFile, FloatArray, SteerableRewardModel
from pluralign.rewards import LinearRewardModel, Trunk, load_card, load_reward_model
from pluralign.runs.folder import RECORD
from pluralign.runs.opening import open_run
from pluralign.runs.rewards import RewardRun

_SEED = re.compile(r"seed-\d+")
_ENOUGH = 3
_HELD_OUT = {
    "rater": "raters that happened to take part",
    "question": "questions that happened to be asked",
    "stem": "question stems that happened to be asked",
}


@dataclass(frozen=True, slots=True)
class FitsOnTrunk:
    """The fits that read texts by one trunk.

    Attributes:
        trunk: The trunk.
        fits: Which fits these are, B of them.
        head_B_P_D: Heads, shape (B, 1 + C, D): the reference, then what each community adds.
            Communities are those of the first fit of all; nan where a fit has no such community.
    """

    trunk: Trunk
    fits: tuple[int, ...]
    head_B_P_D: FloatArray


@dataclass(frozen=True, slots=True)
class Refits:
    """Fits of one method in one run, each without another random part of the people.

    Attributes:
        models: The fits, the one that is asked about first; alone where there are no others.
        held_out: Share of the people (or questions) that each was fitted without, in (0, 1).
        about: A sentence for readers: the basis of the intervals, or why there are none.
        by: The thing of which each fit lacks another part: ``rater``, ``question`` or ``stem``;
            empty where the model stands alone.
    """

    models: tuple[LinearRewardModel, ...]
    held_out: float
    about: str
    by: str = ""

    @property
    def show_spread(self) -> bool:
        """Whether intervals can be had."""
        return len(self.models) >= _ENOUGH

    def by_trunk(self) -> list["FitsOnTrunk"]:
        """The fits grouped by their trunk; principal components give each fit one of its own.

        The first fit is the first of the first group.
        """
        groups: dict[str, list[int]] = {}
        for k, model in enumerate(self.models):
            groups.setdefault(model.trunk.fingerprint, []).append(k)
        return [
            FitsOnTrunk(
                self.models[fits[0]].trunk,
                tuple(fits),
                np.stack([self._heads_of(self.models[k]) for k in fits]),
            )
            for fits in groups.values()
        ]

    def _heads_of(self, model: LinearRewardModel) -> FloatArray:
        communities = self.models[0].communities
        head_P_D = np.full((1 + len(communities), model.trunk.dimensions), np.nan)
        head_P_D[0] = model.reference_D
        for row, id_ in enumerate(communities, start=1):
            if id_ in model.communities:
                head_P_D[row] = model.delta_C_D[model.communities.index(id_)]
        return head_P_D


def refits_of(folder: Path, model: SteerableRewardModel) -> Refits:
    """Find the other repeats of a saved model in the folder of its run.

    Args:
        folder: Of the saved model: ``RUN/models/seed-7/METHOD``.
        model: The model, opened.

    Returns:
        All repeats whose splits were drawn anew for each; the model alone where there are none,
        with the reason.

    Raises:
        DamagedFile: If another repeat or the run's record is damaged.
    """
    if not isinstance(model, LinearRewardModel):
        return Refits(
            (), 0.0, "none: the communities are trained parts of a transformer, fitted once each"
        )
    alone = (model,)
    folder = folder.resolve()
    seeds = folder.parent.parent
    if not (_SEED.fullmatch(folder.parent.name) and seeds.name == "models"):
        return Refits(
            alone,
            0.0,
            "none: the model is not in the folder of its run, with its other repeats",
        )
    run = _run(seeds.parent)
    if run is None:
        return Refits(
            alone,
            0.0,
            f"none: the run has no {RECORD}; it is not finished, or was moved without it",
        )
    by, test = _split(run)
    if by not in _HELD_OUT:
        return Refits(
            alone,
            0.0,
            f"none: they need repeats that each lack other people, and the run splits by {by}",
        )
    unit, held_out = _HELD_OUT[by], test
    models = (model, *(_other(path, model) for path in _others(run, folder)))
    if len(models) < _ENOUGH:
        return Refits(alone, 0.0, f"none: the run has fewer than {_ENOUGH} repeats of this model")
    about = (
        f"95 %, over the {unit}: from {len(models)} fits of one run, "
        f"each without another {held_out:.0%} of them"
    )
    return Refits(models, held_out, about, by)


def _others(run: RewardRun, folder: Path) -> list[Path]:
    """Folders of the same method's other repeats, by seed."""
    own = [run.models.path(key) for key in run.models if key[0] == folder.name]
    return [place for place in own if place != folder]


def _other(place: Path, model: LinearRewardModel) -> LinearRewardModel:
    if load_card(place).get("data_fingerprint") != model.about.get("data_fingerprint"):
        raise DamagedFile(
            "this repeat was fitted on other data",
            where=str(place),
            hint="run the experiment again",
        )
    return load_reward_model(place, model.trunk)


def _run(folder: Path) -> RewardRun | None:
    """The run that a model belongs to; None if its folder has no record."""
    if not (folder / RECORD).is_file():
        return None
    run = open_run(folder)
    if not isinstance(run, RewardRun):
        raise DamagedFile(
            "not the record of a run of reward models",
            where=str(folder / RECORD),
            hint="run it again",
        )
    return run


def _split(run: RewardRun) -> tuple[str, float]:
    """By what a run splits, and the share that it tests on, in (0, 1)."""
    try:
        by = str(run.settings["split"]["by"])
        # Where files were given, "test" is the name of one.
        return by, float(run.settings["split"]["test"]) if by in _HELD_OUT else 0.0
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedFile(
            "the record of the run has no split of its pairs",
            where=str(run.folder / RECORD),
            hint="run it again",
        ) from error
