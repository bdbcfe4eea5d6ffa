"""A saved transformer reward model: the parts of its communities, and a card with their digests."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pluralign.core import DamagedFile, InvalidInput, file_digest, in_one_order
from pluralign.huggingface.safety import refuse_code
from pluralign.rewards.saving import load_card, write_card
from pluralign.rewards.transformer.backbones import Backbone
from pluralign.rewards.transformer.model import TransformerRewardModel
from pluralign.rewards.transformer.tokenized_texts import TextForm

_OWN = ("format", "version", "trunk", "communities", "parts", "files")


def save_parts(model: TransformerRewardModel, folder: Path, trunk: Mapping[str, object]) -> None:
    """Write the card of a model whose folder contains its parts already.

    Args:
        model: The model.
        folder: Where its parts lie, at any depth.
        trunk: How the trunk can be had again: its ``kind``, ``model`` and the rest of its settings.

    Raises:
        ValueError: If a part lies elsewhere.
    """
    parts = {c: path.relative_to(folder).as_posix() for c, path in model.folders.items()}
    files = in_one_order(
        p for path in set(model.folders.values()) for p in path.rglob("*") if p.is_file()
    )
    folder.mkdir(parents=True, exist_ok=True)
    facts = {
        "trunk": {**trunk, "fingerprint": model.backbone.fingerprint, "text": model.form.kind},
        "communities": list(model.communities),
        "parts": parts,
        "files": {p.relative_to(folder).as_posix(): file_digest(p) for p in files},
        **model.about,
    }
    write_card(folder, facts)


def load_parts(folder: Path, backbone: Backbone) -> TransformerRewardModel:
    """Load a model, checking every file of its parts.

    Args:
        folder: A folder that `save_parts` has written a card for.
        backbone: The model that the card names.

    Raises:
        InvalidInput: If the folder contains no such model, or its parts were trained from another
            backbone.
        InvalidSettings: If a part would run code.
        DamagedFile: If a file is missing, truncated or altered.
    """
    card: dict[str, Any] = load_card(folder)
    described = card["trunk"]
    if described["fingerprint"] != backbone.fingerprint:
        raise InvalidInput(
            f"the parts were trained from {described['fingerprint']!r}, "
            f"not from {backbone.fingerprint!r}",
            where=str(folder),
            hint=f"load them with the model {described['model']!r}, in the precision they were "
            "trained with",
        )
    for name, digest in card["files"].items():
        if not (folder / name).is_file() or file_digest(folder / name) != digest:
            raise DamagedFile(
                "missing, truncated or altered",
                where=str(folder / name),
                hint="train this part again",
            )
    for part in sorted(set(card["parts"].values())):
        refuse_code(folder / part)
        _hold_listed(folder, part, card["files"])
    form = TextForm(described["text"], int(described["max_length"]), described["overlong"])
    return TransformerRewardModel(
        backbone,
        form,
        described["community"],
        {c: folder / part for c, part in card["parts"].items()},
        {key: value for key, value in card.items() if key not in _OWN},
    )


def _hold_listed(folder: Path, part: str, listed: Mapping[str, str]) -> None:
    """Refuse weights and configurations without a digest on the card: they would be read anyway."""
    for pattern in ("*.safetensors", "*.json"):
        for path in (folder / part).glob(pattern):
            if path.relative_to(folder).as_posix() not in listed:
                raise DamagedFile(
                    "the card does not list this file", where=str(path), hint="get the model again"
                )
