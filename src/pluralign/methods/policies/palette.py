"""Several communities' adapters combined for one answer (a palette), and their shares.

Cultural Palette (arXiv 2412.11167) merges the adapters of communities by a gate. The formula of its
gate is in none of its published texts; the one here is ours: a softmax over the similarity of the
prompt to each community's prompts.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from scipy.special import softmax

from pluralign.core import FloatArray, InvalidInput, Steer
from pluralign.huggingface.model_folders import whole_folder
from pluralign.rewards.transformer.blending import Adapter, blend_adapters, coefficients

BLEND = "blend.json"
_OTHER_SCALES = ("use_dora", "use_rslora")


def blend_policies(adapters: Mapping[str, Path], steer: Steer, out: Path) -> None:
    """Write one adapter that adds shares of several: ``theta_0 + sum_k share_k * delta_k``.

    It is exact: the ranks of the adapters stand side by side. The share of ``~world`` is that of
    the start model, which adds nothing. A blend costs one pass for an answer, like one adapter.

    Args:
        adapters: Community -> folder of its PEFT adapter; all are of one base model.
        steer: Shares of the communities, and the strength of all of them.
        out: The folder to write; it does not exist yet, or is empty.

    Raises:
        UnknownCommunity: If there is no adapter for a community; near ones are named.
        InvalidInput: If the adapters are of different base models or kinds, or no community has a
            share.
        DamagedFile: If an adapter cannot be read.
    """
    shares = coefficients(steer, list(adapters))
    if not shares:
        raise InvalidInput(
            "no community has a share", where="steer", hint=f"name some of {', '.join(adapters)}"
        )
    parts = {community: Adapter.read(adapters[community]) for community in shares}
    _check_alike({adapters[community]: part for community, part in parts.items()})
    blended = blend_adapters([(parts[c], share) for c, share in shares.items()], base_head={})
    with whole_folder(out) as folder:
        blended.write(folder)
        (folder / BLEND).write_text(
            json.dumps({"shares": shares}, indent=2), encoding="utf-8", newline="\n"
        )


def shares_by_prompt(
    vector_N_D: FloatArray, centroid_C_D: FloatArray, temperature: float = 0.1
) -> FloatArray:
    """Shares of communities for each prompt: ``softmax(q . c_k / T)``.

    Args:
        vector_N_D: Vectors of the prompts, of length 1, shape (N, D).
        centroid_C_D: Mean vectors of each community's prompts, of length 1, shape (C, D).
        temperature: T > 0: near 0 the nearest community has the whole share, for large T all have
            the same.

    Returns:
        Shares, shape (N, C), each row with the sum 1.

    Raises:
        ValueError: If the temperature is not above 0.

    >>> import numpy as np
    >>> towards = np.eye(2)
    >>> shares_by_prompt(np.array([[1.0, 0.0]]), towards, temperature=1.0).round(3).tolist()
    [[0.731, 0.269]]
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, got {temperature}")
    share_N_C: FloatArray = softmax(vector_N_D @ centroid_C_D.T / temperature, axis=1)
    return share_N_C


def _check_alike(parts: Mapping[Path, Adapter]) -> None:
    """Refuse adapters that are not on the same base model, or do not scale by alpha / rank."""
    bases = {str(part.config.get("base_model_name_or_path")): path for path, part in parts.items()}
    if len(bases) > 1:
        named = "; ".join(f"{path}: {base}" for base, path in bases.items())
        raise InvalidInput(
            f"the adapters are of different base models ({named})",
            hint="blend adapters that were trained on one model",
        )
    for path, part in parts.items():
        for setting in _OTHER_SCALES:
            if part.config.get(setting):
                raise InvalidInput(
                    f"an adapter with {setting} cannot be blended exactly",
                    where=str(path),
                    hint="train it with plain LoRA",
                )
