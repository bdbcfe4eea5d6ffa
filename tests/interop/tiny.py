"""Tiny Hugging Face models with random weights, and tokenizers of words."""

from pathlib import Path
from typing import Any

WORDS = [
    "tea",
    "or",
    "coffee",
    "what",
    "matters",
    "please",
    "neither",
    "my",
    "family",
    "?",
    ".",
    ",",
    "in",
    "life",
]
TEMPLATE = (
    "{% for m in messages %}<{{ m['role'] }}> {{ m['content'] }} <end> {% endfor %}"
    "{% if add_generation_prompt %}<assistant> {% endif %}"
)


def tokenizer(chat: bool = False, pair: bool = False) -> Any:
    """A tokenizer of a few words, with or without a chat template and a separator of two texts."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["<pad>", "<unk>", "<end>", "<sep>", "<user>", "<assistant>", "<system>"]
    inner = Tokenizer(
        models.WordLevel({w: i for i, w in enumerate([*special, *WORDS])}, unk_token="<unk>")
    )
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace()])
    inner.add_special_tokens(special)
    marks = {"pad_token": "<pad>", "unk_token": "<unk>", "eos_token": "<end>"}
    if pair:
        inner.post_processor = processors.TemplateProcessing(
            single="$A <sep>", pair="$A <sep> $B:1 <sep>:1", special_tokens=[("<sep>", 3)]
        )
        marks["sep_token"] = "<sep>"
    made = PreTrainedTokenizerFast(tokenizer_object=inner, **marks)
    if chat:
        made.chat_template = TEMPLATE
    return made


def llama_config(**more: Any) -> Any:
    """A Llama of two narrow layers."""
    from transformers import LlamaConfig

    size = {
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    return LlamaConfig(
        vocab_size=32, num_key_value_heads=2, pad_token_id=0, eos_token_id=2, **size, **more
    )


def reward_folder(path: Path, chat: bool = False, pair: bool = False) -> Path:
    """A folder with a reward model, as an export writes it."""
    import torch
    from transformers import LlamaForSequenceClassification

    torch.manual_seed(0)
    model = LlamaForSequenceClassification(llama_config(num_labels=1, problem_type="regression"))
    model.save_pretrained(path)
    tokenizer(chat, pair).save_pretrained(path)
    return path
