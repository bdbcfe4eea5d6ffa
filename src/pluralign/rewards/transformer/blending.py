"""Blend parts: the parameters of the reference plus shares of what each community adds to them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from pluralign.core import DamagedFile, InvalidInput, Steer, known_community, read_json_object

ADAPTER, ADAPTER_CONFIG, MODEL = (
    "adapter_model.safetensors",
    "adapter_config.json",
    "model.safetensors",
)
_AGAIN = "train this part again"
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
        adapter = cls(_read_json(folder / ADAPTER_CONFIG), _read_tensors(folder / ADAPTER))
        adapter._hold_whole(folder)
        return adapter

    def _hold_whole(self, folder: Path) -> None:
        """Refuse invalid ranks and single matrices: PEFT would draw their counterparts."""
        rank, alpha = self.config.get("r"), self.config.get("lora_alpha")
        if type(rank) is not int or rank < 1 or not _is_finite(alpha):
            what = (
                "r must be a whole number above 0 and lora_alpha a number, "
                f"got {rank!r:.20} and {alpha!r:.20}"
            )
            raise DamagedFile(what, where=str(folder / ADAPTER_CONFIG), hint=_AGAIN)
        matrices = [key for key in self.tensors if key.endswith((_A, _B))]
        for name in {key.removesuffix(_A).removesuffix(_B) for key in matrices}:
            a, b = self.tensors.get(name + _A), self.tensors.get(name + _B)
            if a is None or b is None or a.shape[:1] != (rank,) or b.shape[1:] != (rank,):
                what = f"{name} must have two matrices of rank {rank}"
                raise DamagedFile(what, where=str(folder / ADAPTER), hint=_AGAIN)

    def write(self, folder: Path) -> None:
        """Write an adapter folder."""
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        save_file(
            {k: v.contiguous() for k, v in self.tensors.items()},
            folder / ADAPTER,
            metadata={"format": "pt"},
        )
        (folder / ADAPTER_CONFIG).write_text(
            json.dumps(dict(self.config), indent=2), encoding="utf-8", newline="\n"
        )


def coefficients(
    steer: Steer, communities: Sequence[str], where: str = "steer"
) -> dict[str, float]:
    """Coefficient of each community's addition in a steer; ``~world`` may be the reference.

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
        An adapter whose rank is the sum of ranks, and whose head is the trunk's plus the blended
        differences.

    Raises:
        InvalidInput: If the adapters do not sit on the same modules.
    """
    import torch

    first = parts[0][0]
    names = _modules(first)
    for adapter, _ in parts:
        if sorted(_modules(adapter)) != sorted(names):
            raise InvalidInput(
                "the adapters sit on different modules", hint="blend adapters of one run"
            )
    tensors: dict[str, Any] = {}
    for name in names:
        downs, ups = [], []
        for adapter, share in parts:
            # In float32, because shares of half-precision matrices lose digits.
            scale = share * adapter.config["lora_alpha"] / adapter.config["r"]
            downs.append(adapter.tensors[name + _A].float())
            ups.append(adapter.tensors[name + _B].float() * scale)
        tensors[name + _A] = torch.cat(downs, dim=0)
        tensors[name + _B] = torch.cat(ups, dim=1)
    for key in first.tensors:
        if not key.endswith((_A, _B)):
            base = _base_of(key, base_head)
            differences = [share * (a.tensors[key].float() - base) for a, share in parts]
            tensors[key] = base + sum(differences)
    rank = sum(int(a.config["r"]) for a, _ in parts)
    # An alpha equal to the rank scales by 1: the shares are in the matrices already.
    return Adapter({**first.config, "r": rank, "lora_alpha": rank}, tensors)


def _modules(adapter: Adapter) -> list[str]:
    """Names of the modules that an adapter sits on."""
    return [key.removesuffix(_A) for key in adapter.tensors if key.endswith(_A)]


def _base_of(key: str, base_head: Mapping[str, Any]) -> Any:
    """The trunk's own parameter for one of an adapter's head."""
    own = next(value for name, value in base_head.items() if key.endswith(f".{name}"))
    return own.float().cpu()


def blend_copies(base: Mapping[str, Any], parts: Sequence[tuple[Path, float]]) -> dict[str, Any]:
    """The reference's parameters plus shares of full copies' differences, read copy by copy.

    Args:
        base: Parameters of the reference by name.
        parts: Folders of full copies, and how much of each.
    """
    blended = {name: value.detach().clone().float().cpu() for name, value in base.items()}
    for folder, share in parts:
        found = _read_tensors(folder / MODEL)
        _hold_fits(found, base, folder / MODEL)
        for name, value in found.items():
            if blended[name].is_floating_point():
                blended[name] += share * (value.float() - base[name].detach().float().cpu())
    return blended


def _hold_fits(found: Mapping[str, Any], base: Mapping[str, Any], path: Path) -> None:
    """Refuse a copy with other tensors than its reference; of tied tensors one is enough."""
    for name, value in found.items():
        if name not in base or value.shape != base[name].shape:
            what = f"the tensor {name!r:.80} of shape {tuple(value.shape)} does not fit the model"
            raise DamagedFile(what, where=str(path), hint=_AGAIN)
    for name in base.keys() - found.keys():
        if not any(_same(base[name], base[other]) for other in found):
            raise DamagedFile(f"the tensor {name!r} is missing", where=str(path), hint=_AGAIN)


def _same(one: Any, other: Any) -> bool:
    return one.shape == other.shape and bool(one.equal(other))


def _read_tensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        shards = sorted(path.parent.glob("model-*.safetensors")) if path.name == MODEL else []
        if not shards:
            raise InvalidInput("the weights are missing", where=str(path), hint=_AGAIN)
        joined: dict[str, Any] = {}
        for shard in shards:
            joined |= _read_tensors(shard)
        return joined
    try:
        tensors = dict(load_file(path))
    except SafetensorError as error:
        raise DamagedFile(
            "the weights are truncated or altered", where=str(path), hint=_AGAIN
        ) from error
    for name, value in tensors.items():
        if name.endswith("weight") and not value.is_floating_point():
            raise DamagedFile(
                f"{name!r:.80} must contain floats, got {value.dtype}", where=str(path), hint=_AGAIN
            )
        if value.is_floating_point() and not value.isfinite().all():
            raise DamagedFile(
                f"{name!r:.80} contains numbers that are not finite", where=str(path), hint=_AGAIN
            )
    return tensors


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return read_json_object(path, _AGAIN)
    except FileNotFoundError as error:
        raise InvalidInput(
            "no adapter here", where=str(path), hint=f"an adapter is a folder with {path.name}"
        ) from error


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
