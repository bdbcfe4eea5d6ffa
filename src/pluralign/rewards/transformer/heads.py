"""The scalar head of a model: found, chosen among outputs, or new; the length that it reads."""

from typing import Any

from pluralign.core import InvalidInput, InvalidSettings
from pluralign.rewards.transformer.tokenized_texts import TextForm


def scalar_head(model: Any) -> tuple[Any, str, Any]:
    """The last linear layer with one output: its parent module, its name and the layer.

    Raises:
        InvalidInput: If the model has none.
    """
    import torch

    found = [
        (name, m)
        for name, m in model.named_modules()
        if isinstance(m, torch.nn.Linear) and m.out_features == 1
    ]
    if not found:
        raise InvalidInput(
            "the model has no linear layer with one output",
            hint="use a sequence-classification model",
        )
    name, layer = found[-1]
    parent, _, child = name.rpartition(".")
    return model.get_submodule(parent), child, layer


def chosen_label(config: Any, label: str | None, where: str) -> int | None:
    """Number of the output that is the reward; None where there is one only.

    Raises:
        InvalidSettings: If there are several and none is chosen; they are named.
    """
    names = [str(config.id2label[i]) for i in range(config.num_labels)]
    if len(names) == 1:
        return None
    if label in names:
        return names.index(label)
    if label is not None and label.isdigit() and int(label) < len(names):
        return int(label)
    asked = f"trunk.label is {label!r}, but " if label else ""
    raise InvalidSettings(
        f"{asked}the model has {len(names)} outputs, not one reward: {', '.join(names[:12])}",
        where=where,
        hint=f"name the output that is the reward, as in trunk.label = {names[0]!r}",
    )


def keep_label(model: Any, row: int) -> None:
    """Keep one row of the head."""
    import torch

    heads = [(n, m) for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)]
    name, layer = [(n, m) for n, m in heads if m.out_features == model.config.num_labels][-1]
    one = torch.nn.Linear(layer.in_features, 1, bias=layer.bias is not None).to(layer.weight)
    with torch.no_grad():
        one.weight.copy_(layer.weight[row : row + 1])
        if layer.bias is not None:
            one.bias.copy_(layer.bias[row : row + 1])
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, one)
    model.config.num_labels = model.num_labels = 1


def zero(layer: Any) -> None:
    """Set all parameters of a layer to zero."""
    import torch

    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()


def check_length(model: Any, form: TextForm) -> None:
    """Check that a model has a position for each token.

    Raises:
        InvalidSettings: If texts may be longer than the model reads.
    """
    import torch

    for name, layer in model.named_modules():
        if name.endswith(("position_embeddings", "wpe")) and isinstance(layer, torch.nn.Embedding):
            # RoBERTa and its kin count positions from the one after the padding.
            used = 0 if layer.padding_idx is None else layer.padding_idx + 1
            most = layer.num_embeddings - used
            if form.max_length > most:
                raise InvalidSettings(
                    f"max_length is {form.max_length}, and the model reads {most} tokens",
                    where="trunk.max_length",
                    hint=f"set trunk.max_length = {most} or less",
                )
