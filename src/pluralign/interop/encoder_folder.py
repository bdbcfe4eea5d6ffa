"""A sentence encoder with linear heads as one folder of sentence-transformers' own modules.

The reward of a response y to a prompt x is linear in ``[e(y), s * e(x) * e(y)]``. So it is a dot
product::

    reward = q(x) . e(y)        q(x) = a + s * b * e(x)        head = [a, b]

With principal components P of prompts (less their mean m) and R of responses, the head has a matrix
B, and ``q(x) = a + s * R B' P' (e(x) - m)``.

A prompt is therefore read by a `Dense` layer after the encoder, one for each route of a `Router`; a
response is read by the encoder alone. No code comes with the folder.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import FloatArray, InvalidInput, RewardRequest, parse_json, prompt_text
from pluralign.rewards import EmbeddingTrunk, PrincipalComponents

ROUTES = "pluralign.json"
"""The file with the routes of an exported encoder, or the form of texts of a transformer."""
QUERY, RESPONSE = "query", "document"
"""The routes of ``encode_query`` (prompts under the steer) and ``encode_document`` (responses)."""

_MODULES = "sentence_transformers.models"
_COPIED = {".safetensors", ".json", ".txt", ".model", ".jinja"}
_OTHERS = {"onnx", "openvino", "data_config.json", ROUTES}
"""Copies for other programs, the list of training data, and a file that this export writes anew."""
_SETTINGS = "config_sentence_transformers.json"


def write_encoder_folder(
    source: Path, heads: Mapping[str, FloatArray], trunk: EmbeddingTrunk, folder: Path
) -> None:
    """Write an encoder with heads.

    Args:
        source: Folder of a sentence-transformers model with a ``modules.json``.
        heads: Route -> head, shape (D,); ``query`` is one of them.
        trunk: The trunk that the heads read.
        folder: The folder to write into; it exists and is empty.

    Raises:
        InvalidInput: If the encoder reads queries and documents differently, or cuts its vectors.
    """
    modules = _read(source / "modules.json")
    settings = _read(source / _SETTINGS) if (source / _SETTINGS).is_file() else {}
    _refuse_unusual(source, modules, settings)
    _copy(source, folder)
    if modules[-1]["type"].rpartition(".")[2] != "Normalize":
        modules.append(_module(len(modules), "Normalize"))
    modules.append(_module(len(modules), "Router"))
    _write_router(folder / modules[-1]["path"], heads, trunk)
    _write(folder / "modules.json", modules)
    _write(folder / _SETTINGS, _for_rewards(settings))
    _write(folder / ROUTES, {"routes": list(heads), "head": f"{modules[-1]['path']}/{QUERY}"})


def rewards_in_library(
    folder: Path, requests: Sequence[RewardRequest], routes: Sequence[str]
) -> FloatArray:
    """Rewards as sentence-transformers computes them on the CPU, shape (N, routes)."""
    from pluralign.encoders.library import load_model

    model = load_model(folder, "cpu")
    prompts = [prompt_text(request.prompt) for request in requests]
    response_N_D = model.encode_document([request.response for request in requests])
    columns: list[FloatArray] = []
    for route in routes:
        query_N_D = model.encode(prompts, task=route, show_progress_bar=False)
        columns.append((query_N_D * response_N_D).sum(axis=1))
    return np.stack(columns, axis=1)


def is_half(folder: Path) -> bool:
    """Whether some weights of an encoder are in half precision, with which no two runs agree."""
    from safetensors import safe_open

    kinds: set[str] = set()
    for path in folder.glob("*.safetensors"):
        with safe_open(path, framework="numpy") as file:
            kinds |= {file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
    return bool(kinds & {"F16", "BF16"})


def dense_of(
    head_D: FloatArray, interaction: float, components: PrincipalComponents | None = None
) -> tuple[FloatArray, FloatArray]:
    """The layer that reads a prompt's vector under a head.

    Args:
        head_D: The head.
        interaction: Weight of the features that depend on the prompt, >= 0.
        components: Principal components of prompts and responses; None where vectors are
            multiplied by element.

    Returns:
        Weight, shape (d, d), and bias, shape (d,), float32.

    >>> weight, bias = dense_of(np.array([1.0, 2.0, 3.0, 4.0]), interaction=0.5)
    >>> weight.astype(float).round(2).tolist(), bias.tolist()
    ([[2.12, 0.0], [0.0, 2.83]], [1.0, 2.0])
    """
    if components is not None:
        return _dense_of_components(head_D.astype(np.float64), interaction, components)
    own_d, with_prompt_d = np.split(head_D.astype(np.float64), 2)
    scale = interaction * np.sqrt(len(own_d))
    weight_d_d: FloatArray = np.diag(scale * with_prompt_d).astype(np.float32)
    return weight_d_d, own_d.astype(np.float32)


def _dense_of_components(
    head_D: FloatArray, interaction: float, components: PrincipalComponents
) -> tuple[FloatArray, FloatArray]:
    own_d, product_pr = np.split(head_D, [len(components.mean_d)])
    product_p_r = product_pr.reshape(components.shape)
    weight_d_d = components.response_d_r @ product_p_r.T @ components.prompt_d_p.T
    weight_d_d *= interaction
    bias_d: FloatArray = own_d - weight_d_d @ components.mean_d
    return weight_d_d.astype(np.float32), bias_d.astype(np.float32)


def _refuse_unusual(source: Path, modules: Any, settings: Mapping[str, Any]) -> None:
    kinds = [str(module["type"]).rpartition(".")[2] for module in modules]
    why = ""
    if {"Router", "Asym"} & set(kinds):
        why = "the encoder reads queries and documents differently"
    elif settings.get("truncate_dim") is not None:
        why = "the encoder cuts its vectors (truncate_dim)"
    if why:
        raise InvalidInput(
            f"{why}, so heads cannot be added to it as modules",
            where=str(source),
            hint="score with pluralign, or run with another encoder",
        )


def _copy(source: Path, folder: Path) -> None:
    for path in _files(source):
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def _files(source: Path) -> Iterator[Path]:
    """The files that sentence-transformers reads, and licences."""
    for path in source.rglob("*"):
        wanted = path.suffix in _COPIED or path.name.startswith(("LICENSE", "NOTICE"))
        if wanted and path.is_file() and not _OTHERS & set(path.relative_to(source).parts):
            yield path


def _module(index: int, kind: str) -> dict[str, Any]:
    path = f"{index}_{kind}"
    return {"idx": index, "name": str(index), "path": path, "type": f"{_MODULES}.{kind}"}


def _write_router(folder: Path, heads: Mapping[str, FloatArray], trunk: EmbeddingTrunk) -> None:
    # A community's id may have a slash, which would be a folder within a folder.
    places = {route: route.replace("/", ".") for route in heads}
    for route, head_D in heads.items():
        _write_dense(folder / places[route], *dense_of(head_D, trunk.interaction, trunk.components))
    types = dict.fromkeys(places.values(), f"{_MODULES}.Dense")
    structure = {route: [place] for route, place in places.items()}
    config = {
        # A response is normalised a second time, which changes nothing: a route needs a module.
        "types": types | {RESPONSE: f"{_MODULES}.Normalize"},
        "structure": structure | {RESPONSE: [RESPONSE]},
        "parameters": {"default_route": RESPONSE, "allow_empty_key": True},
    }
    _write(folder / "router_config.json", config)


def _write_dense(folder: Path, weight_d_d: FloatArray, bias_d: FloatArray) -> None:
    from safetensors.numpy import save

    folder.mkdir(parents=True)
    config = {
        "in_features": len(bias_d),
        "out_features": len(bias_d),
        "bias": True,
        "activation_function": "torch.nn.modules.linear.Identity",
    }
    _write(folder / "config.json", config)
    weights = save({"linear.weight": weight_d_d, "linear.bias": bias_d})
    (folder / "model.safetensors").write_bytes(weights)


def _for_rewards(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The encoder's settings with the dot product, and with one prompt on every route."""
    default = settings.get("default_prompt_name")
    before = (settings.get("prompts") or {}).get(default, "") if default else ""
    prompts = {QUERY: before, RESPONSE: before} | ({default: before} if default else {})
    return {**settings, "prompts": prompts, "similarity_fn_name": "dot"}


def _read(path: Path) -> Any:
    return parse_json(path.read_bytes())


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False), encoding="utf-8", newline="\n")
