"""A saved reward model: a folder with safetensors weights and a JSON card that vouches for them."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import (
    WORLD,
    AnyPath,
    DamagedFile,
    FloatArray,
    InvalidInput,
    as_path,
    community_name,
    parse_json,
    reference_name,
    text_digest,
    whole_file,
)
from pluralign.huggingface.processes import writing
from pluralign.rewards.card_shape import MOST_BYTES, check_card
from pluralign.rewards.linear import LinearRewardModel
from pluralign.rewards.principal_components import PrincipalComponents
from pluralign.rewards.saved_parts import (
    fading_facts,
    fading_shapes,
    fading_tensors,
    prior_facts,
    prior_shapes,
    prior_tensors,
    read_fading,
    read_prior,
)
from pluralign.rewards.trunk import COMPONENTS, EmbeddingTrunk, Trunk

FORMAT = "pluralign-reward-model"
FORMAT_VERSION = 1
WEIGHTS, CARD = "model.safetensors", "card.json"
_AGAIN = "save the model again"
_LARGEST = 1e30
_OF_TRUNK = ("fingerprint", "component_counts")
_OWN = (
    *("format", "version", "trunk", "communities"),
    *("prior", "fading", "weights_sha256", "card_sha256"),
)


def save_reward_model(
    model: LinearRewardModel, folder: AnyPath, trunk: Mapping[str, object]
) -> None:
    """Write a model to a folder; each file appears whole or not at all.

    Args:
        model: The model.
        folder: Where to; made if absent, a model already there is replaced.
        trunk: How the trunk can be had again, as in ``{"kind": "embedding", "encoder": "minilm",
            "interaction": 0.5}``. Principal components are saved next to the heads.

    Raises:
        InvalidInput: If the facts about the model use a key that the card itself needs.
    """
    folder = as_path(folder)
    from safetensors.numpy import save

    taken = [key for key in _OWN if key in model.about]
    if taken:
        raise InvalidInput(
            f"the card keeps {', '.join(taken)} for itself", where="about", hint="use other keys"
        )
    tensors = {"reference": model.reference_D, "delta": model.delta_C_D}
    if model.prior is not None:
        tensors |= prior_tensors(model.prior)
    if model.fading is not None:
        tensors |= fading_tensors(model.fading)
    if isinstance(model.trunk, EmbeddingTrunk) and model.trunk.components is not None:
        trunk = {**trunk, "component_counts": list(model.trunk.components.shape)}
        tensors |= _component_tensors(model.trunk)
    blob = save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()})
    card = _card(
        {
            "trunk": {**trunk, "fingerprint": model.trunk.fingerprint},
            "communities": list(model.communities),
            **({} if model.prior is None else {"prior": prior_facts(model.prior)}),
            **({} if model.fading is None else {"fading": fading_facts(model.fading)}),
            **model.about,
            "weights_sha256": hashlib.sha256(blob).hexdigest(),
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / WEIGHTS, blob)
    _write_card(folder, card)


def write_card(folder: Path, facts: Mapping[str, object]) -> None:
    """Write the card of a saved model: facts about it, and a checksum over the card."""
    _write_card(folder, _card(facts))


def annotate_card(folder: AnyPath, facts: Mapping[str, object]) -> None:
    """Add facts to the card of a saved model, such as how well it serves each community.

    Raises:
        InvalidInput: If the folder contains no model.
        DamagedFile: If the card was altered.
    """
    folder = as_path(folder)
    _write_card(folder, json.loads(json.dumps({**load_card(folder), **facts})))


def load_card(folder: AnyPath) -> dict[str, object]:
    """Read and check the card of a saved model.

    Raises:
        InvalidInput: If the folder contains no model.
        DamagedFile: If the card is truncated, altered or of a newer format.
    """
    folder = as_path(folder)
    path = folder / CARD
    if not path.is_file():
        raise InvalidInput("no saved reward model here", where=str(folder), hint=_models_in(folder))
    if path.stat().st_size > MOST_BYTES:
        raise DamagedFile(
            f"the card must have at most {MOST_BYTES:,} bytes", where=str(path), hint=_AGAIN
        )
    try:
        card = parse_json(path.read_bytes())
        digest = card.pop("card_sha256")
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise DamagedFile(
            f"the card is truncated or not written by pluralign: {error}",
            where=str(path),
            hint=_AGAIN,
        ) from error
    if digest != _digest(card):
        raise DamagedFile("the card was altered after it was saved", where=str(path), hint=_AGAIN)
    if card.get("format") != FORMAT or card.get("version") != FORMAT_VERSION:
        raise DamagedFile(
            f"the card has format {card.get('format')!r}, version {card.get('version')!r}",
            where=str(path),
            hint=f"this pluralign reads {FORMAT!r}, version {FORMAT_VERSION}",
        )
    check_card(card, path)
    return dict(card)


def _models_in(folder: Path, most: int = 12) -> str:
    """A hint: the saved models below a folder, such as a run's, or what a saved model is."""
    found = sorted(path.parent for path in folder.glob(f"models/*/*/{CARD}")) or sorted(
        path.parent for path in folder.glob(f"*/{CARD}")
    )
    if not found:
        return f"a model is a folder with {CARD} and {WEIGHTS}"
    more = f", and {len(found) - most} more" if len(found) > most else ""
    return f"the models in it: {', '.join(map(str, found[:most]))}{more}"


def name_on_card(card: Mapping[str, Any], id_: str) -> str:
    """Name of a saved model's community; ``~world`` is its reference unless it steers to it.

    >>> card = {"communities": ["MEX"], "reference_fitted_on": ["USA"]}
    >>> name_on_card(card, "MEX"), name_on_card(card, "~world")
    ('Mexico', 'reference (United States)')
    """
    if id_ != WORLD.id or id_ in (card.get("communities") or ()):
        return community_name(id_)
    return reference_name([str(community) for community in card.get("reference_fitted_on") or ()])


def load_reward_model(folder: AnyPath, trunk: Trunk) -> LinearRewardModel:
    """Load a model, checking every byte of it.

    Args:
        folder: A folder written by `save_reward_model`.
        trunk: The trunk that the card names; principal components are read from the folder.

    Raises:
        InvalidInput: If the folder contains no model, or the trunk is not the one it was fitted on.
        DamagedFile: If a file is truncated or altered.
    """
    folder = as_path(folder)
    card = load_card(folder)
    path = folder / WEIGHTS
    if not path.is_file():
        raise DamagedFile("the weights are missing", where=str(path), hint=_AGAIN)
    described, communities = card["trunk"], card["communities"]
    assert isinstance(described, Mapping)
    assert isinstance(communities, list)
    trunk = _trunk_of(trunk, described, folder)
    shapes = {"reference": (trunk.dimensions,), "delta": (len(communities), trunk.dimensions)}
    shapes |= {name: array.shape for name, array in _component_tensors(trunk).items()}
    about_prior = card.get("prior")
    assert about_prior is None or isinstance(about_prior, Mapping)
    if about_prior is not None:
        shapes |= prior_shapes(about_prior, trunk.dimensions)
    about_fading = card.get("fading")
    assert about_fading is None or isinstance(about_fading, Mapping)
    if about_fading is not None:
        shapes |= fading_shapes(about_fading)
    tensors = _read_heads(path, str(card["weights_sha256"]), shapes)
    if isinstance(trunk, EmbeddingTrunk) and trunk.components is not None:
        trunk = replace(trunk, components=PrincipalComponents.of_tensors(tensors))
    return LinearRewardModel(
        trunk,
        tensors["reference"],
        tuple(communities),
        tensors["delta"],
        {key: value for key, value in card.items() if key not in _OWN},
        {key: value for key, value in described.items() if key not in _OF_TRUNK},
        prior=None if about_prior is None else read_prior(tensors, about_prior),
        fading=None if about_fading is None else read_fading(tensors, about_fading),
    )


def _trunk_of(trunk: Trunk, described: Mapping[str, Any], folder: Path) -> Trunk:
    """The trunk of a card, its components still to be read, if it is the one that is given."""
    fitted_on, counts = str(described["fingerprint"]), described.get("component_counts")
    if isinstance(trunk, EmbeddingTrunk) and trunk.components is not None:
        trunk = replace(trunk, components=None)
    if counts is not None:
        fitted_on = fitted_on.rpartition(COMPONENTS)[0]
    if trunk.fingerprint != fitted_on:
        raise InvalidInput(
            f"the model was fitted on {fitted_on!r}, not on {trunk.fingerprint!r}",
            where=str(folder),
            hint=f"load it with the trunk that its card names: {_named(described)}",
        )
    if counts is None or not isinstance(trunk, EmbeddingTrunk):
        return trunk
    return replace(trunk, components=PrincipalComponents.zeros(trunk.encoder.dimensions, *counts))


def _component_tensors(trunk: Trunk) -> dict[str, FloatArray]:
    """The arrays of a trunk's principal components; none where it has none."""
    components = trunk.components if isinstance(trunk, EmbeddingTrunk) else None
    return {} if components is None else components.tensors()


def _read_heads(
    path: Path, digest: str, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, FloatArray]:
    """Tensors by name, checked by the card; ambiguous files are refused."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    most = sum(8 * math.prod(shape) for shape in shapes.values()) + 100_000
    if path.stat().st_size > most:
        raise DamagedFile(
            f"the weights must have at most {most:,} bytes", where=str(path), hint=_AGAIN
        )
    blob = path.read_bytes()
    if hashlib.sha256(blob).hexdigest() != digest:
        raise DamagedFile("the weights are truncated or altered", where=str(path), hint=_AGAIN)
    try:
        tensors = load(blob)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise DamagedFile(
            f"the weights are no safetensors: {error}", where=str(path), hint=_AGAIN
        ) from error
    if tensors.keys() != shapes.keys():
        raise DamagedFile(
            f"must contain the tensors {', '.join(sorted(shapes))}, "
            f"got {', '.join(sorted(tensors)):.200}",
            where=str(path),
            hint=_AGAIN,
        )
    for name, tensor in tensors.items():
        if not np.issubdtype(tensor.dtype, np.floating) or tensor.shape != shapes[name]:
            what = (
                f"{name} must be floats of shape {shapes[name]}, "
                f"got {tensor.dtype} of shape {tensor.shape}"
            )
            raise DamagedFile(what, where=str(path), hint=_AGAIN)
        if not (np.abs(tensor) < _LARGEST).all():
            raise DamagedFile(
                f"{name} contains numbers that are not finite", where=str(path), hint=_AGAIN
            )
    return tensors


def _card(facts: Mapping[str, object]) -> dict[str, object]:
    """A card as it will be read: text keys, lists."""
    return dict(json.loads(json.dumps({"format": FORMAT, "version": FORMAT_VERSION, **facts})))


def _named(described: Mapping[str, object]) -> str:
    return ", ".join(
        f"{key} = {value!r}" for key, value in described.items() if key not in _OF_TRUNK
    )


def _digest(card: Mapping[str, object]) -> str:
    return text_digest(json.dumps(card, sort_keys=True, ensure_ascii=False))


def _write_card(folder: Path, card: Mapping[str, object]) -> None:
    signed = {**card, "card_sha256": _digest(card)}
    _write(folder / CARD, json.dumps(signed, indent=2, ensure_ascii=False).encode())


def _write(path: Path, blob: bytes) -> None:
    """Write a file; of several processes that share a run, the first writes and the others wait."""
    with writing() as main:
        if main:
            with whole_file(path) as partial:
                partial.write_bytes(blob)
