"""Fit a method on pairs in memory, as one repeat of ``pluralign run`` does."""

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from pluralign._version import __version__
from pluralign.core import (
    AnyPath,
    InvalidInput,
    InvalidSettings,
    PreferencePair,
    Reporter,
    SteerableRewardModel,
    as_path,
    count_of,
    resolve_community,
    rng_for,
)
from pluralign.encoders import language_warning
from pluralign.experiments.linear_bench import LinearBench, LinearFit
from pluralign.experiments.planning import Plan, plan
from pluralign.experiments.repeats import component_notes, fit_reference
from pluralign.experiments.reward_record import LIMITS, people_by_role
from pluralign.methods import Method, TrainingSet
from pluralign.models.saved_models import open_model
from pluralign.models.trunks import open_trunk, remember_trunk
from pluralign.notebook.pairs import Pairs, read_pairs
from pluralign.notebook.python_hints import python_hints
from pluralign.rewards import ExplainableRewardModel, LinearRewardModel, Trunk, fit_trunk
from pluralign.runs.progress_bars import reporting
from pluralign.settings.resolved_experiment import Resolved, resolve
from pluralign.sources import pairs_from

POOLED = "pooled"
AnyReference = str | os.PathLike[str] | Sequence[str] | LinearRewardModel
"""Communities, ``"pooled"``, or a saved model or its path."""


@dataclass(frozen=True, slots=True)
class _Start:
    """The model that steering starts from.

    Attributes:
        trunk: Reads the responses.
        described: How the trunk can be opened again, for the card of a saved model.
        given: The reference that is there already; None where it is fitted.
    """

    trunk: Trunk
    described: Mapping[str, object]
    given: LinearRewardModel | None


def fit(
    pairs: Any,
    method: str = "adaptive",
    *,
    reference: AnyReference | None = None,
    communities: Sequence[str] | str | None = None,
    encoder: str | None = None,
    seed: int = 0,
    cache: AnyPath | None = None,
    **settings: Any,
) -> ExplainableRewardModel:
    """Fit a reward model that is steered to communities.

    The numbers are those of ``pluralign run`` on the same training pairs, seed and encoder.

    Args:
        pairs: Training pairs, or anything that `pluralign.read_pairs` reads.
        method: Name of a method, such as ``adaptive``, ``scpo``, ``full`` or ``pooled``.
        reference: The model that steering starts from: ids or names of communities that it is
            fitted on, ``"pooled"`` for all of them together, or a saved model or its path.
            Default: pooled.
        communities: Ids or names of the communities to steer to. Default: every one with at least
            ``min_pairs`` pairs (200) and ``min_raters`` raters (10) that the reference is not
            fitted on by name.
        encoder: The encoder that reads texts: ``minilm``, ``minilm-onnx``, ``static``, ``hash``,
            or the name or folder of a sentence-transformers model. Default: ``minilm``. Servers of
            embeddings are named by
            ``trunk={"encoder": "endpoint", "endpoint": {"urls": [...], "model": ...}}``.
        seed: Seed of random steps, such as the folds in which a ridge is chosen.
        cache: Folder of cached embeddings. Default: that of ``pluralign data cache``.
        **settings: Further settings as in a settings file, such as ``min_pairs=50`` or
            ``scpo={"tau": 0.6}``.

    Returns:
        The model. ``model.score``, ``model.explain`` and `pluralign.evaluate` take it; of one with
        linear heads ``model.training`` are the training pairs.

    Raises:
        InvalidSettings: If a name or a value is wrong. The message suggests similar names.
        NotEnoughData: If no community has enough pairs and people.

    >>> from pluralign.simulation import SocietySource
    >>> society = SocietySource(each=40, thin=10, world=100)
    >>> fit(society, "scpo", reference="~world", communities="~hill", encoder="hash")
    LinearRewardModel(steers to ~hill; 1,248 features of EmbeddingTrunk, fitted by scpo)
    """
    whole = read_pairs(pairs)
    saved, fit_on = _reference(reference)
    tables = _tables(whole, method, fit_on, communities, encoder, seed, settings)
    with python_hints():
        resolved = resolve(tables, where="fit")
    if resolved.settings.trunk.tuned:
        raise InvalidSettings(
            "trained parts of a transformer need a folder",
            where="fit: trunk",
            hint='use pluralign run, or set trunk={..., "community": "head"}',
        )
    if resolved.settings.privacy.epsilon is not None:
        raise InvalidSettings(
            "the pairs are in memory already, so their choices cannot be reported any more",
            where="fit: privacy.epsilon",
            hint="fit PrivatePairs(source, epsilon), of pluralign.sources",
        )
    with reporting(None) as reporter:
        start = _start(resolved, saved, encoder, cache, reporter)
        with python_hints("fit"):
            roles = plan(resolved.settings, whole.people(), start.given is not None)
        reporter.stage(f"encoding the texts of {count_of(len(whole), 'pair')}")
        encoded = start.trunk.encode_pairs(whole.loaded.pairs)
        if start.given is None:
            wanted = resolved.settings.components
            if "trunk.components" in resolved.origin:
                for note in component_notes(whole.loaded.pairs, wanted):
                    reporter.note(note)
            trunk, encoded = fit_trunk(start.trunk, encoded, np.arange(len(whole)), wanted)
            start = replace(start, trunk=trunk)
        _warn_of_languages(whole, start.trunk, seed)
        built = TrainingSet.build(encoded, roles.steered, whole.unit)
        train = replace(built, loss=resolved.settings.privacy.chosen_loss)
        model = _fitted(resolved, train, start, roles, reporter)
    if not isinstance(model, LinearRewardModel):
        # Each model of this package explains; one of a plug-in may lack the method.
        return cast("ExplainableRewardModel", model)
    about = {**model.about, **_people(whole, roles)}
    return replace(model, about=about, described=start.described, training=encoded)


def _fitted(
    resolved: Resolved, train: TrainingSet, start: _Start, roles: Plan, reporter: Reporter
) -> SteerableRewardModel:
    """Fit the reference where there is none, then the method on it."""
    (method,), settings = resolved.methods, resolved.settings
    reporter.stage(
        f"fitting {method.name} for {count_of(len(roles.steered), 'community', 'communities')}"
    )
    ridges = {}
    reference = start.given
    if reference is None:
        fitted = fit_reference(train, start.trunk, roles, settings, settings.seed)
        reference, train = fitted.model, fitted.train
        ridges["reference"] = fitted.choice
    described = start.described
    bench = LinearBench(
        resolved=resolved,
        train=train,
        reference=reference,
        seed=settings.seed,
        trunk=described,
        ridges=ridges,
    )
    found = bench.fit(method)
    if not isinstance(found, LinearFit):
        return found.model
    return found.whole(_about(resolved, method, bench, roles))


def _about(
    resolved: Resolved, method: Method, bench: LinearBench, roles: Plan
) -> dict[str, object]:
    """Facts about the model, as on the card of a model of a run."""
    used = ("reference", method.tuned_as or method.name)
    return {
        "method": method.name,
        "about": method.about,
        "seed": bench.seed,
        "reference_fitted_on": list(roles.spoken_for),
        "training_pairs": len(bench.train.encoded),
        "settings": dict(resolved.given.get(method.name, {})),
        **bench.card(used),
    }


def _people(pairs: Pairs, roles: Plan) -> dict[str, object]:
    """Facts about the people behind a model, as on the card of a model of a run."""
    people = pairs.people()
    named = dict.fromkeys((*roles.steered, *roles.spoken_for))
    return {
        "people": {community: people[community] for community in named},
        "in_data": people_by_role(people, roles),
        "licenses": sorted(pairs.licenses),
        "limits": LIMITS,
        "pluralign": __version__,
    }


def _reference(
    given: AnyReference | None,
) -> tuple[LinearRewardModel | None, Sequence[str] | str | None]:
    """The model that is given, or the communities that one is to be fitted on."""
    if given is None or given == POOLED:
        return None, given
    if isinstance(given, LinearRewardModel):
        return given, None
    if isinstance(given, str) and resolve_community(given) is not None:
        return None, [given]
    if isinstance(given, str | os.PathLike):
        return _saved_reference(given), None
    if isinstance(given, Sequence) and given and all(isinstance(one, str) for one in given):
        return None, list(given)
    raise InvalidInput(
        f"reference must be communities, a saved model or its path, got {type(given).__name__}",
        where="fit: reference",
        hint='write reference="USA", reference=["USA", "GBR"] or reference="runs/mine/models/..."',
    )


def _saved_reference(path: AnyPath) -> LinearRewardModel:
    if not as_path(path).is_dir():
        raise InvalidInput(
            f"{os.fspath(path)!r:.200} is neither a community nor the folder of a saved model",
            where="fit: reference",
            hint='write an id or a name ("USA", "Mexico"), "pooled", or the path of a model',
        )
    model = open_model(path)
    if not isinstance(model, LinearRewardModel):
        raise InvalidInput(
            f"a {type(model).__name__} has no linear head to start from", where="fit: reference"
        )
    return model


def _tables(
    pairs: Pairs,
    method: str,
    fit_on: Sequence[str] | str | None,
    communities: Sequence[str] | str | None,
    encoder: str | None,
    seed: int,
    settings: dict[str, Any],
) -> dict[str, Any]:
    """The arguments of `fit` as the tables of a settings file."""
    tables: dict[str, Any] = {
        **settings,
        "pairs": pairs_from(pairs),
        "methods": [method],
        "seed": seed,
    }
    if fit_on is not None:
        tables["reference"] = {"fit_on": fit_on, **settings.get("reference", {})}
    if communities is not None:
        tables["communities"] = [communities] if isinstance(communities, str) else list(communities)
    if encoder is not None:
        tables["trunk"] = {"encoder": encoder, **settings.get("trunk", {})}
    return tables


def _start(
    resolved: Resolved,
    saved: LinearRewardModel | None,
    encoder: str | None,
    cache: AnyPath | None,
    reporter: Reporter,
) -> _Start:
    if saved is not None:
        if encoder is not None:
            raise InvalidInput(
                "a saved reference reads texts with its own encoder",
                where="fit: encoder",
                hint="leave encoder out",
            )
        own = saved.described.get("components", 0)
        if "trunk.components" in resolved.origin and resolved.settings.components != own:
            raise InvalidInput(
                "a saved reference multiplies texts by its own principal components",
                where="fit: trunk.components",
                hint="leave components out",
            )
        reference = LinearRewardModel(saved.trunk, saved.reference_D)
        return _Start(saved.trunk, saved.described, reference)
    opened = open_trunk(resolved.settings.trunk, as_path(cache), reporter)
    remember_trunk(resolved.settings.trunk)
    own = opened.own_reference() if resolved.settings.reference.fit_on is None else None
    return _Start(opened.trunk, opened.described, own)


def _warn_of_languages(pairs: Sequence[PreferencePair], trunk: Trunk, seed: int) -> None:
    encoder = getattr(trunk, "encoder", None)
    if encoder is None:
        return
    chosen = [pair.chosen for pair in pairs]
    if warning := language_warning(chosen, encoder, rng_for(seed, "languages")):
        warnings.warn(warning, stacklevel=3)
