"""The changes that PEFT makes to a model, and how they are undone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pluralign.core import InvalidInput


def head_module(model: Any) -> str:
    """Name of the module that contains the scalar head: ``score`` or ``classifier``.

    Raises:
        InvalidInput: If the model has neither.
    """
    for name in ("score", "classifier"):
        if hasattr(model, name):
            return name
    raise InvalidInput(
        "the model has neither a score nor a classifier module",
        hint='use trunk.community = "full" or "head"',
    )


@contextmanager
def own_layers_back(model: Any) -> Iterator[None]:
    """Undo afterwards what PEFT and a trainer change of a model; it is then in ``eval`` mode."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    name = head_module(model)
    head, wanted = getattr(model, name), {n: p.requires_grad for n, p in model.named_parameters()}
    own, config, habits = set(vars(model)), dict(vars(model.config)), _habits(model)
    try:
        yield
    finally:
        for path, module in list(model.named_modules()):
            if isinstance(module, BaseTunerLayer):
                parent, _, child = path.rpartition(".")
                setattr(model.get_submodule(parent), child, module.get_base_layer())
        setattr(model, name, head)
        for key in ("peft_config", "_hf_peft_config_loaded", "model_tags"):
            if key in vars(model) and key not in own:
                delattr(model, key)
        for n, p in model.named_parameters():
            p.requires_grad_(wanted[n])
        vars(model.config).clear()
        vars(model.config).update(config)
        for module, attributes in habits.items():
            vars(module).update(attributes)
        model.eval().zero_grad(set_to_none=True)


def _habits(model: Any) -> dict[Any, dict[str, Any]]:
    """Attributes of layers that a trainer changes: dropout, gradient checkpointing, hooks."""
    habits: dict[Any, dict[str, Any]] = {}
    for module in model.modules():
        kept = {
            key: getattr(module, key)
            for key in ("p", "gradient_checkpointing")
            if hasattr(module, key)
        }
        habits[module] = {**kept, "_forward_hooks": module._forward_hooks.copy()}
    return habits
