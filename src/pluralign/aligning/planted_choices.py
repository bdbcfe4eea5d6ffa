"""A toy language model that chooses among numbered options with known probabilities.

An adapter moves these by a known amount. So the change in survey answers and in general ability
that `pluralign align` should find is known before it looks.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pluralign.core import FloatArray, InvalidInput
from pluralign.huggingface.quieting import quiet
from pluralign.huggingface.toy_models import (
    END,
    PAD,
    ROLES,
    TEMPLATE,
    check_new_folder,
    save_toy_model,
)

_UNKNOWN = "<|unknown|>"
_OPTIONS = tuple(str(number) for number in range(1, 10))
_HIDDEN = 16
_POSITIONS = 1024
_RARE = -20.0
"""Logit of every token that is no option."""
_ABOUT = "A toy: after every text it chooses option k with a probability that was written down."


def build_option_chooser(folder: Path, prob_O: npt.ArrayLike) -> None:
    """Write a causal model that answers everything with one of the numbers 1 to O.

    Its layers add nothing, and all tokens have one vector, so the next token has the same
    distribution after every text.

    Args:
        folder: The folder to write: a Hugging Face folder.
        prob_O: Probability of each number, > 0, with the sum 1, shape (O,); O is at most 9.

    Raises:
        InvalidInput: If the folder exists, or a probability is not one.
        MissingExtra: If torch or transformers is not installed.
    """
    logit_O = _logits(prob_O)
    check_new_folder(folder)
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=_HIDDEN,
        intermediate_size=_HIDDEN,
        num_hidden_layers=1,
        num_attention_heads=1,
        max_position_embeddings=_POSITIONS,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]), quiet(), torch.no_grad():
        torch.manual_seed(0)
        model = LlamaForCausalLM(config)
        layer = model.model.layers[0]
        layer.self_attn.o_proj.weight.zero_()
        layer.mlp.down_proj.weight.zero_()
        # The norm before the head keeps a vector of ones.
        model.model.embed_tokens.weight.fill_(1.0)
        model.lm_head.weight.fill_(_RARE / _HIDDEN)
        for token, logit in zip(_tokens(tokenizer, len(logit_O)), logit_O.tolist(), strict=True):
            model.lm_head.weight[token] = logit / _HIDDEN
    save_toy_model(model, tokenizer, {"about": _ABOUT}, folder)


def write_option_adapter(
    base: Path, folder: Path, before_O: npt.ArrayLike, after_O: npt.ArrayLike
) -> None:
    """Write a LoRA adapter that turns one planted distribution of a chooser into another one.

    Args:
        base: Folder of the model of `build_option_chooser`.
        folder: The folder to write.
        before_O: The distribution of the model, shape (O,).
        after_O: The distribution with the adapter, shape (O,).

    Raises:
        InvalidInput: If the folder exists, or a probability is not one.
        MissingExtra: If torch, transformers or peft is not installed.
    """
    shift_O = _logits(after_O) - _logits(before_O)
    check_new_folder(folder)
    import torch
    from peft import LoraConfig, TaskType, get_peft_model
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng(devices=[]), quiet(), torch.no_grad():
        model = AutoModelForCausalLM.from_pretrained(base)
        config = LoraConfig(
            task_type=TaskType.CAUSAL_LM, r=1, lora_alpha=1, target_modules=["lm_head"]
        )
        adapted = get_peft_model(model, config)
        head = adapted.base_model.model.lm_head
        head.lora_A["default"].weight.fill_(1.0 / _HIDDEN)
        head.lora_B["default"].weight.zero_()
        for token, shift in zip(_tokens(_tokenizer(), len(shift_O)), shift_O.tolist(), strict=True):
            head.lora_B["default"].weight[token, 0] = shift
        adapted.save_pretrained(folder, save_embedding_layers=False)


def _logits(prob_O: npt.ArrayLike) -> FloatArray:
    """Logs of probabilities."""
    prob = np.asarray(prob_O, dtype=np.float64)
    if prob.ndim != 1 or not 2 <= len(prob) <= len(_OPTIONS) or not (prob > 0).all():
        raise InvalidInput(
            f"2 to {len(_OPTIONS)} probabilities above 0 are needed, got {prob.tolist()}"
        )
    if not np.isclose(prob.sum(), 1.0):
        raise InvalidInput(f"the probabilities must have the sum 1, got {prob.sum():.4g}")
    logs: FloatArray = np.log(prob)
    return logs


def _tokenizer() -> Any:
    """Each number is a token, and so is each mark of a turn; all other words are unknown."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    texts = [PAD, _UNKNOWN, END, *ROLES, *_OPTIONS]
    vocabulary = {text: number for number, text in enumerate(texts)}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token=_UNKNOWN))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        eos_token=END,
        pad_token=PAD,
        unk_token=_UNKNOWN,
        extra_special_tokens=list(ROLES),
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def _tokens(tokenizer: Any, options: int) -> Sequence[int]:
    found: list[int] = tokenizer.convert_tokens_to_ids(list(_OPTIONS[:options]))
    return found
