"""The same model as the other repeats of its run fitted it: what tells how sure its rewards are."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import DamagedFile, FloatArray, SteerableRewardModel, parse_json
from pluralign.rewards import LinearRewardModel, load_card, load_reward_model
from pluralign.runs.folder import RECORD

_SEED = re.compile(r"seed-\d+")
_ENOUGH = 3
_HELD_OUT = {
    "rater": "raters that happened to take part",
    "question": "questions that happened to be asked",
    "stem": "question stems that happened to be asked",
}


@dataclass(frozen=True, slots=True)
class Refits:
    """Fits of one method in one run, each without another random part of the people.

    Attributes:
        models: The fits, the one that is asked about first; alone where there is nothing to compare it with.
        held_out: Share of the people (or questions) that each was fitted without, in (0, 1).
        about: What intervals from them stand on, or why there are none; a sentence for readers.
    """

    models: tuple[LinearRewardModel, ...]
    held_out: float
    about: str

    @property
    def show_spread(self) -> bool:
        """Whether intervals can be had."""
        return len(self.models) >= _ENOUGH

    def heads(self) -> FloatArray:
        """Heads of every fit, shape (B, 1 + C, D): the reference, then what each community adds.

        Communities are those of the first fit; nan where another fit has no such community.
        """
        first = self.models[0]
        head_B_P_D = np.full(
            (len(self.models), 1 + len(first.communities), first.trunk.dimensions), np.nan
        )
        for model, head_P_D in zip(self.models, head_B_P_D, strict=True):
            head_P_D[0] = model.reference_D
            for row, id_ in enumerate(first.communities, start=1):
                if id_ in model.communities:
                    head_P_D[row] = model.delta_C_D[model.communities.index(id_)]
        return head_B_P_D


def refits_of(folder: Path, model: SteerableRewardModel) -> Refits:
    """Find the other repeats of a saved model in the folder of its run.

    Args:
        folder: Of the saved model: ``RUN/models/seed-7/METHOD``.
        model: The model, opened.

    Returns:
        All repeats whose splits were drawn anew for each; the model alone where there are none, with the reason.

    Raises:
        DamagedFile: If another repeat or the run's record cannot be read.
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
            "none: the model does not lie in the folder of its run, beside its other repeats",
        )
    split = _split(seeds.parent / RECORD)
    if split is None:
        return Refits(
            alone,
            0.0,
            f"none: the run has no {RECORD}; it is not finished, or was moved without it",
        )
    by, test = split
    if by not in _HELD_OUT:
        return Refits(
            alone,
            0.0,
            f"none: they need repeats that each lack other people, and the run splits by {by}",
        )
    unit, held_out = _HELD_OUT[by], float(test)
    models = (model, *(_other(path, model) for path in _others(seeds, folder)))
    if len(models) < _ENOUGH:
        return Refits(alone, 0.0, f"none: the run has fewer than {_ENOUGH} repeats of this model")
    about = f"95 %, over the {unit}: from {len(models)} fits of one run, each without another {held_out:.0%} of them"
    return Refits(models, held_out, about)


def _others(seeds: Path, folder: Path) -> list[Path]:
    places = (path / folder.name for path in sorted(seeds.iterdir()) if _SEED.fullmatch(path.name))
    return [place for place in places if place != folder and (place / "card.json").is_file()]


def _other(place: Path, model: LinearRewardModel) -> LinearRewardModel:
    if load_card(place).get("data_fingerprint") != model.about.get("data_fingerprint"):
        raise DamagedFile(
            "this repeat was fitted on other data",
            where=str(place),
            hint="run the experiment again",
        )
    return load_reward_model(place, model.trunk)


def _split(record: Path) -> tuple[str, Any] | None:
    """By what a run splits, and how much it tests on; None where it left no record."""
    if not record.is_file():
        return None
    try:
        split = parse_json(record.read_bytes())["settings"]["split"]
        return str(split["by"]), split["test"]
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedFile(
            "the record of the run cannot be read", where=str(record), hint="run it again"
        ) from error
