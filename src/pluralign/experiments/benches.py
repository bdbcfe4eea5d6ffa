"""The bench of each repeat: linear heads on features at hand, or trained parts of a transformer."""

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from pluralign.core import InvalidSettings, SteerableRewardModel, count_of
from pluralign.experiments.records import Work, card_of
from pluralign.experiments.repeats import Bench, Sides, fit_reference, sides, spoken_for
from pluralign.experiments.splitting import split_pairs
from pluralign.experiments.transformer_bench import PartsBench, trained_reference
from pluralign.methods import Method
from pluralign.models.trunks import OpenTrunk, model_source, reward_itself, transformer_trunk
from pluralign.rewards import (
    DenseFeatures,
    EmbeddingTrunk,
    EncodedPairs,
    LinearRewardModel,
    Trunk,
    load_card,
    load_reward_model,
    save_reward_model,
)


def encode(work: Work) -> EncodedPairs | None:
    """Features of all pairs, each distinct text read once; None where each repeat trains a reference of its own."""
    if _trains_reference(work):
        return None
    since = time.perf_counter()
    work.reporter.stage(f"encoding the texts of {count_of(len(work.loaded.pairs), 'pair')}")
    encoded = work.opened.trunk.encode_pairs(work.loaded.pairs)
    work.timed("encode", since)
    return encoded


def bench_for(
    work: Work, encoded: EncodedPairs | None, seed: int
) -> tuple[Bench | PartsBench, Sides]:
    """Where the methods of one repeat are fitted, and its two sides.

    Args:
        work: The run.
        encoded: As `encode` gives it.
        seed: Seed of the repeat.
    """
    if work.resolved.settings.trunk.tuned:
        return _parts_bench(work, encoded, seed)
    assert encoded is not None
    settings = work.resolved.settings
    side = _sides(work, encoded, seed)
    since = time.perf_counter()
    given = _reference_at_hand(work)
    if given is not None:
        bench = Bench(work.resolved, side.train, given, seed)
    else:
        fitted, choice = fit_reference(side.train, work.opened.trunk, work.plan, settings, seed)
        bench = Bench(work.resolved, side.train, fitted, seed)
        bench.ridges["reference"] = choice
    work.timed("fit the reference", since)
    return bench, side


def keep(
    work: Work, bench: Bench | PartsBench, method: Method, model: SteerableRewardModel
) -> None:
    """Save a fitted model with its card; one that has no weights of its own, such as ``length``, is not kept."""
    folder = work.folder.model(bench.seed, method.name)
    about = card_of(work, bench, method)
    if isinstance(model, LinearRewardModel):
        saved = LinearRewardModel(
            model.trunk, model.reference_D, model.communities, model.delta_C_D, about
        )
        save_reward_model(saved, folder, work.opened.described)
        return
    if not isinstance(bench, PartsBench):
        return
    from pluralign.rewards.transformer.model import TransformerRewardModel
    from pluralign.rewards.transformer.saving import save_parts

    if isinstance(model, TransformerRewardModel):
        described = dict(bench.opened.described)
        trained = _trained_folder(model.backbone.source.name, work.folder.path)
        if trained is not None:  # named from the model's own folder, so that a run can be moved
            described["model"] = os.path.relpath(trained, folder)
        save_parts(replace(model, about=about), folder, described)


def given_reference(folder: Path, trunk: Trunk) -> LinearRewardModel:
    """The reference of a saved model, on a trunk that is open already.

    Raises:
        InvalidSettings: If it was fitted with another interaction.
        InvalidInput: If it was fitted on another trunk.
    """
    described = load_card(folder)["trunk"]
    assert isinstance(described, dict)
    if isinstance(trunk, EmbeddingTrunk) and described.get("interaction") != trunk.interaction:
        raise InvalidSettings(
            f"the reference was fitted with trunk.interaction = {described.get('interaction')}",
            where="reference.model",
            hint=f"set trunk.interaction = {described.get('interaction')}",
        )
    return LinearRewardModel(trunk, load_reward_model(folder, trunk).reference_D)


def _parts_bench(work: Work, encoded: EncodedPairs | None, seed: int) -> tuple[PartsBench, Sides]:
    opened = work.opened
    if encoded is None:
        opened = _with_trained_reference(work, seed)
        work.reporter.stage(f"seed {seed}: scoring with the reference")
        since = time.perf_counter()
        encoded = opened.trunk.encode_pairs(work.loaded.pairs)
        work.timed("encode", since)
    side = _sides(work, encoded, seed)
    models, studies = (
        work.folder.path / "models" / f"seed-{seed}",
        work.folder.path / "studies" / "parts",
    )
    reference = reward_itself(opened.trunk)
    return PartsBench(
        work.resolved, side.train, reference, seed, opened, models, studies, work.reporter
    ), side


def _with_trained_reference(work: Work, seed: int) -> OpenTrunk:
    """The trunk of a repeat: trained on the training pairs of those whom the reference speaks for."""
    from pluralign.rewards.transformer.backbones import load_backbone

    since = time.perf_counter()
    settings = work.resolved.settings
    unread = EncodedPairs(
        work.loaded.pairs, DenseFeatures(np.zeros((len(work.loaded.pairs), 1), np.float32))
    )
    own = spoken_for(_sides(work, unread, seed).train, work.plan)
    place = work.folder.model(seed, "reference")
    folder = trained_reference(work.opened, settings, own, place, seed, work.reporter)
    source = replace(model_source(settings.trunk), name=str(folder), revision=None, label=None)
    work.timed("fit the reference", since)
    return transformer_trunk(settings.trunk, load_backbone(source), work.cache, work.reporter)


def _sides(work: Work, encoded: EncodedPairs, seed: int) -> Sides:
    settings = work.resolved.settings
    return sides(
        encoded,
        split_pairs(work.loaded, settings, work.resolved.sources, seed),
        work.plan,
        settings,
    )


def _reference_at_hand(work: Work) -> LinearRewardModel | None:
    settings = work.resolved.settings
    if settings.reference.model is not None:
        return given_reference(settings.reference.model, work.opened.trunk)
    return work.opened.own_reference() if settings.reference.fit_on is None else None


def _trains_reference(work: Work) -> bool:
    settings = work.resolved.settings
    return settings.trunk.tuned and (
        settings.reference.fit_on is not None or work.opened.own_reference() is None
    )


def _trained_folder(name: str, run: Path) -> Path | None:
    """The folder of a model that this run trained; None where it came from elsewhere."""
    path = Path(name).resolve()
    return path if path.is_relative_to(run.resolve()) else None
