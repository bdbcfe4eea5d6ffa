"""Settings of vLLM that serve the start model of a run with the adapters of all communities."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.aligning import policy_adapters, read_align_settings
from pluralign.core import (
    AnyPath,
    InvalidInput,
    InvalidSettings,
    as_path,
    read_json_object,
    whole_file,
)
from pluralign.huggingface.vllm_ranks import VLLM_RANKS, vllm_rank

_MOST_AT_ONCE = 16
_UNSUPPORTED = ("use_dora", "modules_to_save")


@dataclass(frozen=True, slots=True)
class VllmConfig:
    """Settings of ``vllm serve``.

    Attributes:
        settings: Long names of options -> their values.
    """

    settings: Mapping[str, Any]

    @property
    def names(self) -> list[str]:
        """The model names of the server: the start model, and one for each community."""
        adapters = [module.partition("=")[0] for module in self.settings["lora-modules"]]
        return [self.settings["served-model-name"], *adapters]

    def yaml(self) -> str:
        """The settings as a file for ``vllm serve --config``; JSON values are YAML values."""
        lines = [f"{name}: {json.dumps(value)}" for name, value in self.settings.items()]
        return "\n".join(lines) + "\n"

    def command(self) -> str:
        """The settings as a command line."""
        words = ["vllm", "serve", self.settings["model"]]
        for name, value in self.settings.items():
            if name != "model":
                words += [f"--{name}", *_words(value)]
        return shlex.join(words)


def vllm_config(
    run: AnyPath,
    *,
    name: str | None = None,
    method: str | None = None,
    start_model: str | None = None,
) -> VllmConfig:
    """Settings of vLLM for the policies of a run.

    Adapters have the model names of `pluralign serve`: ``name@MEX``. vLLM answers as one community,
    or as the start model; blends, the best of several answers and routes need `pluralign serve`, or
    an adapter that `pluralign.methods.policies.blend_policies` wrote.

    Args:
        run: Folder of a run of ``pluralign align``.
        name: Name of the start model. Default: the name of the folder.
        method: The method whose adapters are served. Default: the first that trained any.
        start_model: Folder or hub name of the start model, if it has moved.

    Raises:
        InvalidInput: If the folder has no run, or vLLM cannot load an adapter.
        InvalidSettings: If the run trained no adapters.
    """
    folder, settings = as_path(run).resolve(), read_align_settings(run)
    adapters = policy_adapters(folder, method)
    if not adapters:
        raise InvalidSettings(
            "the run trained no adapters, so vLLM has nothing to add to its start model",
            where=str(folder),
            hint='train some: methods = ["raft"], or serve the run with pluralign serve',
        )
    called, count = name or folder.name, len(adapters)
    return VllmConfig(
        {
            "model": _absolute(start_model or settings.model.name),
            "served-model-name": called,
            "enable-lora": True,
            "max-lora-rank": _rank(adapters),
            "max-loras": min(count, _MOST_AT_ONCE),
            "max-cpu-loras": count,
            "lora-modules": [f"{called}@{id_}={path}" for id_, path in adapters.items()],
        }
    )


def write_vllm_config(config: VllmConfig, out: AnyPath) -> Path:
    """Write a file for ``vllm serve --config``.

    Raises:
        InvalidInput: If its name does not end in ``.yaml`` or ``.yml``, which vLLM requires.
    """
    path = as_path(out)
    if path.suffix not in (".yaml", ".yml"):
        raise InvalidInput(
            f"vLLM reads settings from .yaml files, got {path.name!r:.100}",
            where="--out",
            hint="name it vllm.yaml",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as written:
        written.write_text(config.yaml(), encoding="utf-8", newline="\n")
    return path


def _absolute(model: str) -> str:
    """The start model as vLLM finds it from any working directory."""
    return str(Path(model).resolve()) if Path(model).is_dir() else model


def _rank(adapters: Mapping[str, Path]) -> int:
    """The smallest of vLLM's ranks that is enough for all adapters."""
    largest = max(_own_rank(path) for path in adapters.values())
    enough = vllm_rank(largest)
    if enough is None:
        raise InvalidInput(
            f"an adapter has rank {largest}, and vLLM loads at most {VLLM_RANKS[-1]}",
            hint="train with a smaller tune.rank",
        )
    return enough


def _own_rank(adapter: Path) -> int:
    config = read_json_object(adapter / "adapter_config.json")
    for setting in _UNSUPPORTED:
        if config.get(setting):
            raise InvalidInput(
                f"vLLM does not load an adapter with {setting}",
                where=str(adapter),
                hint="train it with plain LoRA",
            )
    return max([int(config["r"]), *map(int, (config.get("rank_pattern") or {}).values())])


def _words(value: Any) -> Sequence[str]:
    if value is True:
        return ()
    return value if isinstance(value, list) else (str(value),)
