"""Blend parts: the parameters of the reference plus shares of what each community adds to them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.core import DamagedFile, InvalidInput, Steer, known_community, parse_json

ADAPTER, ADAPTER_CONFIG, MODEL = "adapter_model.safetensors", "adapter_config.json", "model.safetensors"
_A, _B = ".lora_A.weight", ".lora_B.weight"


@dataclass(frozen=True, slots=True)
class Adapter:
    """A PEFT adapter in memory.

    Attributes:
        config: As in ``adapter_config.json``.
        tensors: As in ``adapter_model.safetensors``.
    """

    config: Mapping[str, Any]
    tensors: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> "Adapter":
        """Read an adapter folder.

        Raises:
            InvalidInput: If there is none.
            DamagedFile: If it cannot be read.
        """
        return cls(_read_json(folder / ADAPTER_CONFIG), _read_tensors(folder / ADAPTER))

    def write(self, folder: Path) -> None:
        """Write an adapter folder."""
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        save_file({k: v.contiguous() for k, v in self.tensors.items()}, folder / ADAPTER, metadata={"format": "pt"})
        (folder / ADAPTER_CONFIG).write_text(json.dumps(dict(self.config), indent=2), encoding="utf-8")


def coefficients(steer: Steer, communities: Sequence[str], where: str = "steer") -> dict[str, float]:
    """How much of what each community adds goes into a steer; ``~world`` stands for the reference where it is no part.

    Raises:
        UnknownCommunity: If the model has no such community; near ones are named.
    """
    found: dict[str, float] = {}
    for id_, share in steer.shares.items():
        if (known := known_community(id_, communities, where)) in communities:
            found[known] = found.get(known, 0.0) + steer.strength * share
    return found


def blend_adapters(parts: Sequence[tuple[Adapter, float]], base_head: Mapping[str, Any]) -> Adapter:
    """One adapter that does what several do together, exactly: their ranks stand side by side.

    Args:
        parts: Adapters of one trunk, and how much of each.
        base_head: Parameters of the trunk's own head module, by name within it.

    Returns:
        An adapter whose rank is the sum of ranks, and whose head is the trunk's plus the blended differences.

    Raises:
        InvalidInput: If the adapters do not sit on the same modules.
    """
    import torch

    first = parts[0][0]
    names = [k.removesuffix(_A) for k in first.tensors if k.endswith(_A)]
    for adapter, _ in parts:
        if sorted(k.removesuffix(_A) for k in adapter.tensors if k.endswith(_A)) != sorted(names):
            raise InvalidInput("the adapters sit on different modules", hint="blend adapters of one run")
    tensors: dict[str, Any] = {}
    for name in names:
        tensors[name + _A] = torch.cat([a.tensors[name + _A].float() for a, _ in parts], dim=0)
        tensors[name + _B] = torch.cat(
            [a.tensors[name + _B].float() * (share * a.config["lora_alpha"] / a.config["r"]) for a, share in parts],
            dim=1,
        )
    for key in (k for k in first.tensors if not k.endswith((_A, _B))):
        base = next(v for name, v in base_head.items() if key.endswith(f".{name}")).float().cpu()
        tensors[key] = base + sum(share * (a.tensors[key].float() - base) for a, share in parts)
    rank = sum(int(a.config["r"]) for a, _ in parts)
    return Adapter({**first.config, "r": rank, "lora_alpha": rank}, tensors)


def blend_copies(base: Mapping[str, Any], parts: Sequence[tuple[Path, float]]) -> dict[str, Any]:
    """Parameters of the reference plus shares of what full copies add to them, read one copy at a time.

    Args:
        base: Parameters of the reference by name.
        parts: Folders of full copies, and how much of each.
    """
    blended = {name: value.detach().clone().float().cpu() for name, value in base.items()}
    for folder, share in parts:
        for name, value in _read_tensors(folder / MODEL).items():
            if name in blended and blended[name].is_floating_point():
                blended[name] += share * (value.float() - base[name].detach().float().cpu())
    return blended


def _read_tensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file() and path.name == MODEL and (sharded := sorted(path.parent.glob("model-*.safetensors"))):
        return {k: v for shard in sharded for k, v in load_file(shard).items()}
    if not path.is_file():
        raise InvalidInput("the weights are missing", where=str(path), hint="train this part again")
    try:
        return dict(load_file(path))
    except SafetensorError as error:
        raise DamagedFile(
            "the weights are truncated or altered", where=str(path), hint="train this part again"
        ) from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(parse_json(path.read_bytes()))
    except FileNotFoundError as error:
        raise InvalidInput(
            "no adapter here", where=str(path), hint=f"an adapter is a folder with {path.name}"
        ) from error
    except ValueError as error:
        raise DamagedFile("truncated or not ours", where=str(path), hint="train this part again") from error
