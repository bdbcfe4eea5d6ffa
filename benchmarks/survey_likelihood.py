"""Probabilities of every option from a local model, compared with generated answers.

Run: python benchmarks/survey_likelihood.py [FOLDER] (or PLURALIGN_DATA=FOLDER), where FOLDER
contains wvs/; without it the questions are those of a simulated society. The model is a Llama with
random weights: it seldom ends its turn, so writing is timed for answers of two tokens (a label and
the end) and for all that the default allows. All ways send the same prompts and alternate.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from pluralign.asking import load_strategy, put
from pluralign.core import Ask, Sampling
from pluralign.huggingface.quieting import quiet
from pluralign.respondents.chat import ChatRespondent
from pluralign.respondents.local import LikelihoodRespondent, LocalChatModel, load_chat_model
from pluralign.simulation import SocietySurvey
from pluralign.sources import ShareTable

TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def build(folder: Path, texts: list[str], width: int, layers: int) -> LocalChatModel:
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    special = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=8000, special_tokens=special, initial_alphabet=alphabet, show_progress=False
        ),
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token="<|end|>", pad_token="<|pad|>"
    )
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        num_key_value_heads=width // 64,
        max_position_embeddings=2048,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with quiet():
        LlamaForCausalLM(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return load_chat_model(str(folder), device="cpu", batch_tokens=4096)


def pipeline_of(chat: LocalChatModel, new: int) -> Callable[[list[Ask]], object]:
    """Transformers' own batched generation: batches of eight in the order given."""

    def answer(asks: list[Ask]) -> object:
        tokenizer, model = chat.loaded.tokenizer, chat.loaded.model
        tokenizer.padding_side = "left"
        for start in range(0, len(asks), 8):
            texts = [
                tokenizer.apply_chat_template(
                    [{"role": m.role, "content": m.content} for m in ask.conversation],
                    tokenize=False,
                    add_generation_prompt=True,
                )
                for ask in asks[start : start + 8]
            ]
            batch = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
            with torch.inference_mode():
                model.generate(**batch, max_new_tokens=new, do_sample=False)
        return None

    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=os.environ.get("PLURALIGN_DATA"))
    parser.add_argument("--questions", type=int, default=12)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--strategy",
        default="cross_national",
        help="with the question first, so that asks share it",
    )
    given = parser.parse_args()
    survey = SocietySurvey(questions=259).survey()
    if given.folder and (Path(given.folder) / "wvs").is_dir():
        survey = ShareTable(Path(given.folder) / "wvs").survey()
    ids = list(survey.questions)[:: max(1, len(survey.questions) // given.questions)][
        : given.questions
    ]
    aware = put(load_strategy(given.strategy), survey, survey.communities, ids)
    texts = [m.content for ask in aware for m in ask.conversation]
    with tempfile.TemporaryDirectory() as temporary:
        chat = build(Path(temporary), texts, given.width, given.layers)
        tokens = np.mean([len(chat.tokens(ask.conversation)) for ask in aware])
        size = sum(p.numel() for p in chat.loaded.model.parameters())
        print(
            f"{size / 1e6:.0f} million parameters, {len(aware)} asks of {tokens:.0f} tokens on "
            "average"
        )
        ways: dict[str, Callable[[list[Ask]], object]] = {
            "probabilities of the options": LikelihoodRespondent(chat).answer,
            "the same, nothing shared": LikelihoodRespondent(chat, shares_prefix=False).answer,
            "writing, 2 tokens": ChatRespondent(chat, Sampling(max_new_tokens=2)).answer,
            "writing, 32 tokens (default)": ChatRespondent(
                chat, Sampling(max_new_tokens=32)
            ).answer,
            "Transformers, batches of 8, 2 tokens": pipeline_of(chat, 2),
            "Transformers, batches of 8, 32 tokens": pipeline_of(chat, 32),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(given.rounds):
            for name, way in ways.items():
                since = time.perf_counter()
                way(aware)
                seconds[name].append(time.perf_counter() - since)
        first, second = (
            LikelihoodRespondent(chat, shares_prefix=share).answer(aware) for share in (True, False)
        )
    away = max(
        abs(np.subtract(a.probs_O, b.probs_O)).max() for a, b in zip(first, second, strict=True)
    )
    base = min(seconds["probabilities of the options"])
    print(f"\n{'way':40} {'seconds':>8} {'times the first':>16}")
    for name, told in seconds.items():
        print(f"{name:40} {min(told):8.2f} {min(told) / base:16.2f}")
    print(
        f"\nprobabilities with and without sharing differ by {away:.1e} at most; target: writing "
        "takes 4 times as long"
    )


if __name__ == "__main__":
    main()
