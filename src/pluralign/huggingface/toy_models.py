"""Small causal models that are trained here from nothing: shape, chat template, folder."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pluralign.core import InvalidInput, MissingExtra
from pluralign.huggingface.quieting import quiet

CARD = "planted.json"
END, PAD = "<|end|>", "<|pad|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def check_new_folder(folder: Path) -> None:
    """Check that a model can be built in a folder.

    Raises:
        InvalidInput: If the folder exists.
        MissingExtra: If torch or transformers is not installed.
    """
    from importlib.util import find_spec

    for module in ("torch", "transformers"):
        if find_spec(module) is None:
            raise MissingExtra.named("train", module)
    if folder.exists():
        raise InvalidInput(
            "the folder must not exist yet", where=str(folder), hint="name another, or delete it"
        )


def small_llama(
    tokenizer: Any,
    *,
    hidden: int,
    inner: int,
    layers: int,
    heads: int,
    positions: int,
    spread: float = 0.02,
) -> Any:
    """An untrained causal model of the Llama family, with the ids of a tokenizer.

    Args:
        tokenizer: Its tokenizer.
        hidden: Width.
        inner: Width of the layers between.
        layers: Number of layers.
        heads: Number of attention heads.
        positions: Most tokens that it reads.
        spread: Standard deviation of the first weights; with 0.15, facts are memorised in a tenth
            of the steps.
    """
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=hidden,
            intermediate_size=inner,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=heads,
            max_position_embeddings=positions,
            initializer_range=spread,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def save_toy_model(model: Any, tokenizer: Any, card: Mapping[str, Any], folder: Path) -> None:
    """Write a model, its tokenizer and its card; the folder appears whole or not at all."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    with quiet():
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
    (partial / CARD).write_text(json.dumps(card, indent=2), encoding="utf-8", newline="\n")
    partial.replace(folder)
