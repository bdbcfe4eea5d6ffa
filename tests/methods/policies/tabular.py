"""A causal model that is a table: the logits of the next token for each last token.

Its one layer adds nothing, so the hidden state of a token is its embedding, which is one-hot. An
adapter on the layer's linear parts can learn any distribution: each answer has a direction of the
hidden state that raises its logit alone. A prompt is one token, and so is an answer; the end of the
turn follows.
"""

import numpy as np
import pytest

from pluralign.core import Message

ANSWERS = ("ash", "birch", "cedar", "dogwood")
PROMPTS = ("hill", "coast", "river")
_PAD, _END = "<pad>", "</s>"
_WIDTH = 16
_NEVER = -14.0
_TEMPLATE = (
    "{% for m in messages %}{{ m['content'] }} {% if m['role'] == 'assistant' %}</s>{% endif %}"
    "{% endfor %}"
)


def talk(prompt):
    return (Message("user", prompt),)


def build_table(folder, answer_X_Y, next_Y_Z=None):
    """Write a model that answers with given probabilities.

    Args:
        folder: The folder.
        answer_X_Y: Probability of each answer to each prompt; rows sum to 1.
        next_Y_Z: Probability that each answer is followed by each answer; the rest is that of the
            end. Default: answers are one token.
    """
    torch = pytest.importorskip("torch")
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = {word: k for k, word in enumerate((_PAD, _END, *PROMPTS, *ANSWERS))}
    split = Tokenizer(models.WordLevel(words, unk_token=_PAD))
    split.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=split, eos_token=_END, pad_token=_PAD)
    tokenizer.chat_template = _TEMPLATE
    next_Y_Z = np.zeros((len(ANSWERS), len(ANSWERS))) if next_Y_Z is None else next_Y_Z
    logit_V_V = np.full((_WIDTH, _WIDTH), _NEVER)  # last token, next token
    own = [words[answer] for answer in ANSWERS]
    for prompt, chance_Y in zip(PROMPTS, answer_X_Y, strict=False):
        logit_V_V[words[prompt], own] = np.log(chance_Y)
    for answer, chance_Z in zip(own, next_Y_Z, strict=True):
        logit_V_V[answer, own] = np.log(np.maximum(chance_Z, np.exp(_NEVER)))
        logit_V_V[answer, words[_END]] = np.log(1 - chance_Z.sum())
    logit_V_V[len(words) :] = 0.0
    for free, answer in enumerate(own, len(words)):
        logit_V_V[free, answer] = 4.0
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=_WIDTH, hidden_size=_WIDTH, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=1, max_position_embeddings=16, rms_norm_eps=1e-12,
        tie_word_embeddings=False, initializer_range=0.3, bos_token_id=None,
        eos_token_id=words[_END], pad_token_id=words[_PAD],
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.model.embed_tokens.weight.copy_(torch.eye(_WIDTH))
        model.lm_head.weight.copy_(torch.tensor(logit_V_V.T) / _WIDTH**0.5)
        model.model.layers[0].self_attn.o_proj.weight.zero_()
        model.model.layers[0].mlp.down_proj.weight.zero_()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def load_table(folder, adapter=None):
    from pluralign.respondents.local import load_chat_model

    return load_chat_model(str(folder), adapter=adapter, device="cpu", precision="float32")


def chances(chat, prompt, answers=ANSWERS):
    """The probability of each answer to a prompt with the end of the turn."""
    return np.exp(chat.log_probs([talk(prompt)] * len(answers), list(answers)))
