"""Which bench each repeat gets: of linear heads, or of trained parts of a transformer."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from pluralign.core import REFERENCE, InvalidSettings, count_of
from pluralign.experiments.bench import Bench
from pluralign.experiments.linear_bench import LinearBench
from pluralign.experiments.repeats import Sides, fit_reference, sides, spoken_for
from pluralign.experiments.reward_record import RewardWork
from pluralign.experiments.splitting import split_pairs
from pluralign.experiments.transformer_bench import TransformerBench, trained_reference
from pluralign.models.trunks import OpenTrunk, model_source, reward_itself, transformer_trunk
from pluralign.rewards import (
    DenseFeatures,
    EmbeddingTrunk,
    EncodedPairs,
    LinearRewardModel,
    Trunk,
    fit_trunk,
    load_card,
    load_reward_model,
)
from pluralign.settings.experiment import Settings
from pluralign.sources import Split


def encode(work: RewardWork) -> EncodedPairs | None:
    """Features of all pairs, each text read once; None where a repeat trains its reference."""
    if _trains_reference(work):
        return None
    since = time.perf_counter()
    work.reporter.stage(f"encoding the texts of {count_of(len(work.loaded.pairs), 'pair')}")
    encoded = work.opened.trunk.encode_pairs(work.loaded.pairs)
    work.timed("encode", since)
    return encoded


def bench_for(work: RewardWork, encoded: EncodedPairs | None, seed: int) -> tuple[Bench, Sides]:
    """Where the methods of one repeat are fitted, and its two sides.

    Args:
        work: The run.
        encoded: As `encode` returns it.
        seed: Seed of the repeat.
    """
    if work.resolved.settings.trunk.tuned:
        return _transformer_bench(work, encoded, seed)
    assert encoded is not None
    return _linear_bench(work, encoded, seed)


def _linear_bench(work: RewardWork, encoded: EncodedPairs, seed: int) -> tuple[LinearBench, Sides]:
    settings, described = work.resolved.settings, work.opened.described
    since = time.perf_counter()
    reference, ridges = reference_at_hand(settings, work.opened), {}
    split = split_pairs(work.loaded, settings, work.resolved.sources, seed)
    trunk, encoded = trunk_of_repeat(reference, work.opened, encoded, split, settings)
    side = sides(encoded, split, work.plan, settings, seed)
    train = replace(side.train, pool=work.workers)
    if reference is None:
        fitted = fit_reference(train, trunk, work.plan, settings, seed)
        reference, train = fitted.model, fitted.train
        ridges[REFERENCE] = fitted.choice
    work.timed("fit the reference", since)
    bench = LinearBench(
        resolved=work.resolved,
        train=train,
        reference=reference,
        seed=seed,
        trunk=described,
        ridges=ridges,
    )
    return bench, side


def trunk_of_repeat(
    reference: LinearRewardModel | None,
    opened: OpenTrunk,
    encoded: EncodedPairs,
    split: Split,
    settings: Settings,
) -> tuple[Trunk, EncodedPairs]:
    """The trunk of one repeat, and all pairs as it reads them.

    Args:
        reference: The reference that is at hand: its trunk is taken. None: principal components,
            where settings ask for some, are fitted on the training texts.
        opened: The trunk that encoded the pairs.
        encoded: All pairs.
        split: The split of the repeat.
        settings: Of the experiment.
    """
    if reference is None:
        return fit_trunk(opened.trunk, encoded, split.train, settings.components)
    if isinstance(reference.trunk, EmbeddingTrunk):
        encoded = reference.trunk.read_again(encoded)
    return reference.trunk, encoded


def given_reference(folder: Path, opened: OpenTrunk) -> LinearRewardModel:
    """The reference of a saved model, on a trunk that is open already, with its own components.

    Raises:
        InvalidSettings: If it was fitted with another interaction or other components.
        InvalidInput: If it was fitted on another trunk.
    """
    described = load_card(folder)["trunk"]
    assert isinstance(described, dict)
    if opened.described["kind"] == "embedding":
        for name, default in (("interaction", None), ("components", 0)):
            _check_same(name, described.get(name, default), opened.described.get(name, default))
    loaded = load_reward_model(folder, opened.trunk)
    return LinearRewardModel(loaded.trunk, loaded.reference_D)


def _check_same(name: str, fitted_with: object, wanted: object) -> None:
    if fitted_with != wanted:
        raise InvalidSettings(
            f"the reference was fitted with trunk.{name} = {fitted_with}",
            where="reference.model",
            hint=f"set trunk.{name} = {fitted_with}",
        )


def _transformer_bench(
    work: RewardWork, encoded: EncodedPairs | None, seed: int
) -> tuple[TransformerBench, Sides]:
    opened = work.opened
    if encoded is None:
        opened = _with_trained_reference(work, seed)
        work.reporter.stage(f"seed {seed}: scoring with the reference")
        since = time.perf_counter()
        encoded = opened.trunk.encode_pairs(work.loaded.pairs)
        work.timed("encode", since)
    side = _sides(work, encoded, seed)
    bench = TransformerBench(
        resolved=work.resolved,
        train=side.train,
        reference=reward_itself(opened.trunk),
        seed=seed,
        opened=opened,
        run=work.folder.path,
        reporter=work.reporter,
    )
    return bench, side


def _with_trained_reference(work: RewardWork, seed: int) -> OpenTrunk:
    """The trunk of a repeat, trained on the pairs of the reference's communities."""
    from pluralign.rewards.transformer.backbones import load_backbone

    since = time.perf_counter()
    settings = work.resolved.settings
    unread = EncodedPairs(
        work.loaded.pairs, DenseFeatures(np.zeros((len(work.loaded.pairs), 1), np.float32))
    )
    own = spoken_for(_sides(work, unread, seed).train, work.plan)
    home = work.folder.model(seed, REFERENCE)
    folder = trained_reference(work.opened, settings, own, home, seed, work.reporter)
    source = replace(
        model_source(settings.transformer), name=str(folder), revision=None, label=None
    )
    work.timed("fit the reference", since)
    return transformer_trunk(settings.transformer, load_backbone(source), work.cache, work.reporter)


def _sides(work: RewardWork, encoded: EncodedPairs, seed: int) -> Sides:
    settings = work.resolved.settings
    return sides(
        encoded,
        split_pairs(work.loaded, settings, work.resolved.sources, seed),
        work.plan,
        settings,
        seed,
    )


def reference_at_hand(settings: Settings, opened: OpenTrunk) -> LinearRewardModel | None:
    """The reference that is loaded or that the trunk has; None where each repeat fits its own."""
    if settings.reference.model is not None:
        return given_reference(settings.reference.model, opened)
    return opened.own_reference() if settings.reference.fit_on is None else None


def _trains_reference(work: RewardWork) -> bool:
    settings = work.resolved.settings
    return settings.trunk.tuned and (
        settings.reference.fit_on is not None or work.opened.own_reference() is None
    )
