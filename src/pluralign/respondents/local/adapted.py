"""A causal model together with several adapters, each for some rows of a batch."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.core import InvalidInput, MissingExtra, read_json_object
from pluralign.huggingface.quieting import quiet
from pluralign.respondents.local.loading import LoadedModel, refuse_unsafe

START = "__base__"
"""PEFT's name for rows that no adapter changes."""
_CONFIG = "adapter_config.json"
_KEPT = 8
_ROUNDING = 1e-6
_NOT_PLAIN = ("use_dora", "use_rslora", "modules_to_save", "lora_bias")
_AGAIN = "train the adapter again"


@dataclass(frozen=True, slots=True)
class AdapterMixture:
    """The adapters that write one answer together, and the share of each.

    Attributes:
        names: Names of adapters, as `AdaptedModel` names them; one is no mixture.
        shares: Their shares, >= 0, sum 1.
    """

    names: tuple[str, ...]
    shares: tuple[float, ...] = (1.0,)


class AdaptedModel:
    """A model that is in memory once, with adapters of several communities.

    Rows of one batch may use different adapters. Passes are made one after another, so several
    threads may use the model.

    Args:
        loaded: The model; it is only to be used through this object from now on.
        adapters: Community -> folder of its PEFT adapter.
        kept: Number of blends that stay in memory, the ones used last.

    Raises:
        MissingExtra: If PEFT is not installed.
        InvalidInput: If an adapter is of another model, is not plain LoRA, or is not there.
        DamagedFile: If the settings of an adapter cannot be read.
    """

    def __init__(
        self, loaded: LoadedModel, adapters: Mapping[str, Path], kept: int = _KEPT
    ) -> None:
        self.loaded = loaded
        self.communities = tuple(adapters)
        self._lock = threading.Lock()
        self._kept = kept
        self._blends: OrderedDict[tuple[tuple[str, float], ...], str] = OrderedDict()
        self._used: Counter[str] = Counter()
        self._made = 0
        self._active: str | None = None
        # PEFT does not accept dots in names, which ids of communities may have.
        self._name = {community: f"adapter-{i}" for i, community in enumerate(adapters)}
        self._model = loaded.model
        for community, folder in adapters.items():
            _check_adapter(folder, loaded)
            self._model = self._with(community, folder)

    @contextmanager
    def blend(self, shares: Mapping[str, float]) -> Iterator[str]:
        """Name of the adapter that adds shares of several, ``sum_k share_k * delta_k``, exactly.

        The ranks of the adapters stand side by side (PEFT's ``cat``). The blend stays in memory
        while it is in use, and then among the few that were used last.

        Args:
            shares: Community -> how much of what its adapter adds, >= 0; empty is the start model.
        """
        parts = tuple(sorted((c, share) for c, share in shares.items() if share > 0))
        with self._lock:
            name = self._blended(parts)
            self._used[name] += 1
        try:
            yield name
        finally:
            with self._lock:
                self._used[name] -= 1
                self._forget_old()

    def outputs(self, shares: Mapping[str, float]) -> AdapterMixture:
        """The models whose distributions of the next token are mixed.

        Args:
            shares: Community -> share, >= 0; the rest to 1 is the start model's.

        Raises:
            InvalidInput: If the shares have a sum above 1.
        """
        rest = 1 - sum(shares.values())
        if rest < -_ROUNDING:
            raise InvalidInput(
                f"shares of outputs must have a sum of at most 1, got {1 - rest:.4g}",
                where="steer",
                hint="lower the strength to 1, or blend by weights",
            )
        parts = {self._name[c]: share for c, share in shares.items() if share > 0}
        if rest > _ROUNDING:
            parts[START] = rest
        return AdapterMixture(tuple(parts), tuple(parts.values()))

    def named(self, community: str | None) -> str:
        """Name of a community's adapter for `forward`; of the start model where it is None."""
        return START if community is None else self._name[community]

    def forward(self, names: Sequence[str], **inputs: Any) -> Any:
        """One pass over rows, each with the adapter of the name.

        Args:
            names: Name of an adapter for each row.
            inputs: Arguments of the model: ``input_ids``, ...
        """
        import torch

        with self._lock, torch.inference_mode():
            if not self._name:
                return self._model(**inputs)
            if len(set(names)) == 1:
                self._activate(names[0])
                return self._model(**inputs)
            self._activate(None)
            return self._model(**inputs, adapter_names=list(names))

    def _activate(self, name: str | None) -> None:
        """Let all rows use one adapter, which is faster than one for each row; None: one each."""
        if name == self._active:
            return
        layers = self._model.base_model
        if name == START:
            layers.disable_adapter_layers()
        else:
            layers.enable_adapter_layers()
        if name is not None and name != START:
            self._model.set_adapter(name, inference_mode=True)
        self._active = name

    def _blended(self, parts: tuple[tuple[str, float], ...]) -> str:
        if not parts:
            return START
        if len(parts) == 1 and parts[0][1] == 1:
            return self._name[parts[0][0]]
        if parts in self._blends:
            self._blends.move_to_end(parts)
            return self._blends[parts]
        self._made += 1
        name = f"blend-{self._made}"
        with quiet():
            self._model.add_weighted_adapter(
                [self._name[c] for c, _ in parts],
                [share for _, share in parts],
                name,
                combination_type="cat",
            )
        self._model.eval()
        self._blends[parts] = name
        return name

    def _forget_old(self) -> None:
        """Delete the blends used longest ago, as far as nothing uses them."""
        idle = [parts for parts, name in self._blends.items() if not self._used[name]]
        for parts in idle[: max(0, len(self._blends) - self._kept)]:
            name = self._blends.pop(parts)
            self._activate(next(iter(self._name.values())))
            self._model.delete_adapter(name)
            del self._used[name]

    def _with(self, community: str, folder: Path) -> Any:
        try:
            from peft import PeftModel
        except ImportError as error:
            raise MissingExtra.named("train", "peft") from error
        name = self._name[community]
        try:
            with quiet():
                if isinstance(self._model, PeftModel):
                    self._model.load_adapter(str(folder), adapter_name=name)
                    adapted = self._model
                else:
                    adapted = PeftModel.from_pretrained(self._model, str(folder), adapter_name=name)
        except (RuntimeError, ValueError, OSError) as error:
            first = str(error).strip().partition("\n")[0]
            raise InvalidInput(
                f"the adapter does not fit {self.loaded.name}: {first}",
                where=str(folder),
                hint="name the model that it was trained on",
            ) from error
        return adapted.eval()


def _check_adapter(folder: Path, loaded: LoadedModel) -> None:
    """Refuse an adapter of another model, or one whose addition is not ``alpha / rank * B A``."""
    try:
        config = read_json_object(folder / _CONFIG, _AGAIN)
    except FileNotFoundError as error:
        raise InvalidInput(
            "the folder has no adapter", where=str(folder), hint=f"name a folder with {_CONFIG}"
        ) from error
    refuse_unsafe(folder, trust_remote_code=False)
    base = str(config.get("base_model_name_or_path") or "")
    if Path(base).name != Path(loaded.name).name:
        raise InvalidInput(
            f"the adapter was trained on {base or 'an unnamed model'}, not on {loaded.name}",
            where=str(folder),
            hint="name the model that it was trained on",
        )
    for setting in _NOT_PLAIN:
        if config.get(setting):
            raise InvalidInput(
                f"an adapter with {setting} cannot be blended exactly",
                where=str(folder),
                hint="train it with plain LoRA",
            )
