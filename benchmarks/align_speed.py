"""`pluralign align` against plain scripts of Transformers, PEFT and TRL that do the same.

Run: ``OMP_NUM_THREADS=1 python benchmarks/align_speed.py [--only whole sampling scoring dpo blend
end] [--rounds 5] [--memory]``. The ways take turns in one process, or with ``--memory`` each in its
own, whose peak is then printed; those of ``whole`` are commands, each a process of its own. Ratios
are medians over rounds, by the clock and in processor time, which other work on the machine
disturbs less; the last table has them all. The model is a Llama of 5 million parameters with random
weights, which ends a turn with the probability 1/40 after each token; prompts have the lengths of
PRISM's. ``whole`` and ``end`` have the small model of a planted society, which learned to write its
replies.

Predicted before anything was measured, as the time of ours over that of the plain script:

* sampling eight answers a prompt: 0.35 of ``generate(num_return_sequences=8)`` for each prompt,
  0.75 of the same in padded batches of eight prompts; with a system prompt of 200 tokens 0.3 and
  0.5, since each prompt is read once and not eight times;
* scoring for 200 communities against one: 1.00 for the model, 1.02 for the whole stage;
* ``dpo`` of three epochs against TRL as it comes: 0.85; of one epoch 1.0, since the start model
  reads every row once in both;
* a blend of three adapters against one: 1.00;
* the whole command, `raft` and `dpo` for three communities, against benchmarks/plain/align.py:
  0.9 of the time (sampling is faster; checkpoints, divergences, intervals and files are more work),
  1.05 of the memory;
* ``align`` from sampling to evaluation, three communities, all methods that train, on one core: two
  minutes.

The outcome is in docs/performance.md.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import planted_align
from transformer_scoring import PERCENTILES, PROMPT_TOKENS, WORDS, process_each

from pluralign.core import Conversation, Message, RewardRequest, Sampling, Steer, rng_for

N, NEW, SYSTEM, COMMUNITIES = 8, 48, 200, 200
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|> {{ m['content'] }} <|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


_ROW = "{:44} {:>8} {:>8} {:>11} {:>7} {:>5} {:>8}"
_LAST_ROW = "{:58} {:>7} {:>8} {:>8} {:>7}"
PLAIN = Path(__file__).with_name("plain") / "align.py"


@dataclass(frozen=True)
class Turn:
    """The time of one way in one round: clock and processor; and what it counted."""

    seconds: float
    worked: float
    peak_gib: float
    counted: float = 0.0


@dataclass(frozen=True)
class Rounds:
    """How often the ways take turns, and whether each has a process of its own."""

    number: int
    alone: bool


# The model, the prompts and the pairs


def build(folder: Path) -> None:
    """Write the model, once for all processes."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    special = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
    known = {word: k for k, word in enumerate([*special, *dict.fromkeys(WORDS)])}
    known |= {f"w{k}": k for k in range(len(known), 4000)}
    words = Tokenizer(models.WordLevel(known, unk_token="<|pad|>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        eos_token="<|end|>",
        pad_token="<|pad|>",
        extra_special_tokens=special[2:],
    )
    tokenizer.chat_template = TEMPLATE
    config = LlamaConfig(
        vocab_size=4000, hidden_size=256, intermediate_size=768, num_hidden_layers=4,
        num_attention_heads=4, max_position_embeddings=1024, bos_token_id=None,
        eos_token_id=known["<|end|>"], pad_token_id=0,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@cache
def chat_of(folder: Path, adapter: Path | None = None) -> Any:
    """The model as `align` opens it."""
    import torch

    from pluralign.respondents.local import load_chat_model

    torch.set_num_threads(1)
    chat = load_chat_model(str(folder), adapter=adapter, device="cpu")
    end = chat.loaded.tokenizer.eos_token_id

    def ends_now_and_then(_module: Any, _given: Any, logit_B_T_V: Any) -> Any:
        logit_B_T_V[..., end] = -torch.inf
        logit_B_T_V[..., end] = logit_B_T_V.logsumexp(dim=-1) - np.log(39)
        return logit_B_T_V

    with torch.no_grad():
        chat.loaded.model.lm_head.register_forward_hook(ends_now_and_then)
    return chat


def words_of(length: int, rng: np.random.Generator) -> str:
    """Random words, one token each."""
    return " ".join(rng.choice(WORDS, length))


@cache
def talks_of(prompts: int, system: int) -> list[Conversation]:
    """Prompts with the lengths of PRISM's, after a system prompt of so many tokens."""
    rng = rng_for(0, "align speed")
    lengths = [
        round(np.interp(rng.uniform(0, 100), PERCENTILES, PROMPT_TOKENS)) for _ in range(prompts)
    ]
    first = (Message("system", words_of(system, rng)),) if system else ()
    return [(*first, Message("user", words_of(max(1, k), rng))) for k in lengths]


@cache
def lessons_of(pairs: int) -> list[Any]:
    """Pairs of answers of 10 to 64 words."""
    from pluralign.methods.policies import Lesson

    rng = rng_for(0, "align speed, pairs")
    lengths = rng.integers(10, NEW, size=(pairs, 2))
    return [
        Lesson(talk, words_of(a, rng), words_of(b, rng))
        for talk, (a, b) in zip(talks_of(pairs, 0), lengths.tolist(), strict=True)
    ]


# Sampling


def sample_ours(folder: Path, prompts: int, system: int) -> float:
    replies = chat_of(folder).sample(
        talks_of(prompts, system), Sampling(max_new_tokens=NEW, temperature=1.0), N
    )
    return float(sum(len(reply.text.split()) for own in replies for reply in own))


def sample_plain(folder: Path, prompts: int, system: int, batch: int) -> float:
    """Transformers' own: ``num_return_sequences``, padded batches in the order given."""
    import torch

    loaded = chat_of(folder).loaded
    tokenizer, model = loaded.tokenizer, loaded.model
    tokenizer.padding_side = "left"
    talks, count = talks_of(prompts, system), 0
    for start in range(0, len(talks), batch):
        texts = [
            tokenizer.apply_chat_template(
                [{"role": m.role, "content": m.content} for m in talk],
                tokenize=False,
                add_generation_prompt=True,
            )
            for talk in talks[start : start + batch]
        ]
        given = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
        with torch.inference_mode():
            out = model.generate(
                **given, do_sample=True, top_k=0, max_new_tokens=NEW, num_return_sequences=N
            )
        new = out[:, given["input_ids"].shape[1] :]
        written = tokenizer.batch_decode(new, skip_special_tokens=True)
        count += sum(len(text.split()) for text in written)
    return float(count)


# Scoring


@cache
def scored(communities: int) -> Any:
    """A reward model on MiniLM, without a cache."""
    from pluralign.encoders import encoder_named
    from pluralign.rewards import EmbeddingTrunk, LinearRewardModel

    trunk, rng = EmbeddingTrunk(encoder_named("minilm")), rng_for(0, "align speed, heads")
    ids = tuple(f"~c{k}" for k in range(COMMUNITIES))
    reference_D = rng.normal(size=trunk.dimensions)
    delta_C_D = rng.normal(size=(COMMUNITIES, trunk.dimensions))
    return LinearRewardModel(trunk, reference_D, ids[:communities], delta_C_D[:communities])


def score(_folder: Path, answers: int, communities: int) -> float:
    rng = rng_for(0, "align speed, answers")
    requests = [RewardRequest(words_of(12, rng), words_of(40, rng)) for _ in range(answers)]
    return float(scored(communities).score_all(requests)[:, 0].sum())


def score_stage(folder: Path, prompts: int, communities: int) -> float:
    """The whole stage of `align`: answers are read, scored, written, and their scales found."""
    from pluralign.aligning.scoring import score_candidates
    from pluralign.aligning.work import AlignWork, RewardModels
    from pluralign.core import PolicyPrompt, Silent, Tally
    from pluralign.runs.folder import RunFolder
    from pluralign.settings import resolve_align

    out = folder.parent / f"stage-{communities}"
    ids = [f"~c{k}" for k in range(communities)]
    tables = {
        "communities": ids,
        "model": {"name": str(folder)},
        "reward": {"model": str(folder)},
        "prompts": {"path": __file__, "validation": 0.4, "test": 0.4},
        "sample": {"n": N},
    }
    rng = rng_for(0, "align speed, stage")
    asked = [PolicyPrompt(str(k), words_of(12, rng)) for k in range(prompts)]
    rows = [
        {"prompt": prompt.id, "number": k, "text": words_of(40, rng)}
        for prompt in asked
        for k in range(N)
    ]
    (out / "sample").mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (out / "sample/candidates.jsonl").write_text(text, encoding="utf-8")
    work = AlignWork(
        settings=resolve_align(tables).settings,
        prompts=asked,
        communities=tuple(ids),
        folder=RunFolder(out),
        reporter=Silent(),
        open_chat=lambda: chat_of(folder),
        rewards=RewardModels(scored(communities), None),
        tally=Tally(),
    )
    return float(score_candidates(work)["answers"])


# Tuning


def dpo_ours(folder: Path, pairs: int, epochs: float) -> float:
    from pluralign.methods.policies import PolicyTuningConfig, tune_policy

    config = PolicyTuningConfig(epochs=epochs, batch=4, accumulation=1)
    with tempfile.TemporaryDirectory() as out:
        facts = tune_policy(
            chat_of(folder), lessons_of(pairs), Path(out) / "adapter", "dpo", config
        )
    return float(facts["steps"])


def dpo_plain(folder: Path, pairs: int, epochs: float, precompute: bool = False) -> float:
    """TRL's trainer on texts, as its documentation has it; it saves the adapter at the end."""
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DPOConfig, DPOTrainer

    rows = [
        {
            "prompt": [{"role": m.role, "content": m.content} for m in lesson.conversation],
            "chosen": [{"role": "assistant", "content": lesson.chosen}],
            "rejected": [{"role": "assistant", "content": lesson.rejected}],
        }
        for lesson in lessons_of(pairs)
    ]
    with tempfile.TemporaryDirectory() as out:
        trainer = DPOTrainer(
            model=AutoModelForCausalLM.from_pretrained(folder),
            args=DPOConfig(
                out,
                per_device_train_batch_size=4,
                num_train_epochs=epochs,
                learning_rate=5e-5,
                gradient_checkpointing=False,
                bf16=False,
                max_length=None,
                use_cpu=True,
                report_to="none",
                save_strategy="no",
                disable_tqdm=True,
                precompute_ref_log_probs=precompute,
            ),
            train_dataset=Dataset.from_list(rows),
            processing_class=AutoTokenizer.from_pretrained(folder),
            peft_config=LoraConfig(r=8, lora_alpha=16, target_modules="all-linear"),
        )
        with redirect_stdout(None):  # its log
            trainer.train()
        trainer.save_model(out)
    return float(trainer.state.global_step)


# A blend


def adapters_of(folder: Path) -> dict[str, Path]:
    """Adapters of three communities, with random weights."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from pluralign.methods.policies import blend_policies

    found = {name: folder.parent / name for name in ("MEX", "GBR", "IND")}
    for seed, out in enumerate(found.values()):
        torch.manual_seed(seed)
        config = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear")
        adapted = get_peft_model(AutoModelForCausalLM.from_pretrained(folder), config)
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.data.normal_(std=0.02)
        adapted.save_pretrained(out)
    shares = {"MEX": 0.5, "GBR": 0.3, "IND": 0.2}
    blend_policies(found, Steer(shares), folder.parent / "blend")
    return found


def answer_with(folder: Path, prompts: int, adapter: str) -> float:
    """Answers that differ in length by chance: their words are counted."""
    replies = chat_of(folder, folder.parent / adapter).sample(
        talks_of(prompts, 0), Sampling(max_new_tokens=NEW, temperature=1.0), 1
    )
    return float(sum(len(reply.text.split()) for (reply,) in replies))


# Rounds


def take_turn(way: Callable[..., float], given: Sequence[Any]) -> Turn:
    """Go one way once, in this process."""
    began, worked = time.perf_counter(), time.process_time()
    counted = way(*given)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return Turn(time.perf_counter() - began, time.process_time() - worked, peak, counted)


Way = tuple[Callable[..., float], tuple[Any, ...]]


@dataclass(frozen=True)
class Ratio:
    """The first way over another one, in the median round.

    Attributes:
        title: The task, and the other way.
        rounds: Number of rounds.
        clock: Time by the clock.
        worked: Processor time.
        peak: Peak memory; None if the ways share a process.
    """

    title: str
    rounds: int
    clock: float
    worked: float
    peak: float | None


def compare(title: str, ways: dict[str, Way], rounds: Rounds) -> list[Ratio]:
    """Let the ways take turns; the ratios of the first to each of the others."""
    alone: dict[str, ProcessPoolExecutor] = process_each(list(ways)) if rounds.alone else {}

    def turn(name: str) -> Turn:
        if name in alone:
            return alone[name].submit(take_turn, *ways[name]).result()
        return take_turn(*ways[name])

    for name in ways:  # the first time also imports and loads
        turn(name)
    found = take_turns(list(ways), turn, rounds.number)
    for process in alone.values():
        process.shutdown()
    return show(title, found, rounds.alone)


def take_turns(names: Sequence[str], turn: Callable[[str], Turn], rounds: int) -> list[dict]:
    """The turns of each round; every second round is in the other order."""
    found = []
    for number in range(rounds):
        order = names[::-1] if number % 2 else names
        found.append({name: turn(name) for name in order})
    return found


def show(title: str, found: Sequence[dict[str, Turn]], has_peaks: bool) -> list[Ratio]:
    """Print the turns; the ratios of the first way to each of the others."""
    first, *others = names = list(found[0])
    print(f"\n{title} ({len(found)} rounds)")
    print(_ROW.format("way", "clock s", "CPU s", "first / it", "in CPU", "GiB", "counted"))
    ratios = {}
    for name in names:
        own = [turns[name] for turns in found]
        ratios[name] = Ratio(
            title=f"{title}, over {name}",
            rounds=len(found),
            clock=statistics.median(t[first].seconds / t[name].seconds for t in found),
            worked=statistics.median(t[first].worked / t[name].worked for t in found),
            peak=statistics.median(t[first].peak_gib / t[name].peak_gib for t in found)
            if has_peaks
            else None,
        )
        numbers = [
            statistics.median(turn.seconds for turn in own),
            statistics.median(turn.worked for turn in own),
            ratios[name].clock,
            ratios[name].worked,
        ]
        peak = f"{max(turn.peak_gib for turn in own):.2f}" if has_peaks else "-"
        cells = [f"{number:.2f}" for number in numbers]
        print(_ROW.format(name, *cells, peak, f"{own[-1].counted:,.0f}"), flush=True)
    return [ratios[name] for name in others]


def compare_sampling(folder: Path, rounds: Rounds) -> list[Ratio]:
    found = []
    for system in (0, SYSTEM):
        ways: dict[str, Way] = {"ours": (sample_ours, (folder, 16, system))}
        for batch in (1, 8):
            ways[f"generate, {batch} prompts at a time"] = (
                sample_plain,
                (folder, 16, system, batch),
            )
        title = f"{N} answers to 16 prompts after {system} tokens"
        found += compare(title, ways, rounds)
    return found


def compare_scoring(folder: Path, rounds: Rounds) -> list[Ratio]:
    many, one = (score, (folder, 48, COMMUNITIES)), (score, (folder, 48, 1))
    found = compare("rewards of 48 answers", {"200 communities": many, "one": one}, rounds)
    many, one = (score_stage, (folder, 20, COMMUNITIES)), (score_stage, (folder, 20, 1))
    ways: dict[str, Way] = {"200 communities": many, "one": one}
    return found + compare("the stage `score`, 160 answers", ways, rounds)


def compare_dpo(folder: Path, rounds: Rounds) -> list[Ratio]:
    found = []
    for epochs in (1.0, 3.0):
        ways: dict[str, Way] = {
            "ours": (dpo_ours, (folder, 32, epochs)),
            "DPOTrainer as it comes": (dpo_plain, (folder, 32, epochs)),
            "DPOTrainer, precompute_ref_log_probs": (dpo_plain, (folder, 32, epochs, True)),
        }
        found += compare(f"dpo, 32 pairs, {epochs:.0f} epochs", ways, rounds)
    return found


def compare_blend(folder: Path, rounds: Rounds) -> list[Ratio]:
    adapters_of(folder)
    ways: dict[str, Way] = {
        "a blend of three": (answer_with, (folder, 32, "blend")),
        "one adapter": (answer_with, (folder, 32, "MEX")),
    }
    return compare("answers to 32 prompts", ways, rounds)


# The whole command


def write_world(home: Path, prompts: int) -> None:
    """The small model, prompts, a reward model and its judge, of a planted society."""
    from pluralign.aligning.planted import build_planted_writer, planted_prompts

    if home.is_dir():
        return
    home.mkdir()
    build_planted_writer(home / "writer")
    rows = [json.dumps({"prompt": prompt}) for prompt in planted_prompts(prompts)]
    (home / "prompts.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    planted_align.fit_halves(home, seed=0)


def whole_settings(home: Path) -> dict[str, Any]:
    """Settings of `align` whose pairs are those of the plain script: the best against the worst."""
    return {
        "communities": list(planted_align.COMMUNITIES),
        "methods": ["raft", "dpo"],
        "model": {"name": str(home / "writer"), "device": "cpu"},
        "reward": {"model": str(home / "model"), "judge": str(home / "judge")},
        "prompts": {"path": str(home / "prompts.jsonl")},
        "sample": {"n": 16, "max_new_tokens": 24},
        "select": {"share": 0.25, "gap": 0.0, "length_ratio": 1000.0},
        "tune": {"epochs": 6, "batch": 16, "accumulation": 1, "learning_rate": 1e-3},
        "route": {"kinds": []},
    }


def plain_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """The same for the plain script, with the prompts of each side."""
    from pluralign.aligning.work import side_of
    from pluralign.core import Tally
    from pluralign.settings import resolve_align
    from pluralign.sources import RowPolicy, read_prompts

    config = resolve_align(settings).settings
    sides: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for one in read_prompts(config.prompts.path, RowPolicy(Tally(), False)):
        side = side_of(one, config.prompts.test, config.prompts.validation)
        sides[side].append(one.conversation[-1].content)
    return {
        "model": settings["model"]["name"],
        "reward": settings["reward"]["model"],
        "judge": settings["reward"]["judge"],
        "prompts": sides,
        "communities": settings["communities"],
        "methods": settings["methods"],
        "n": config.sample.n,
        "new": config.sample.max_new_tokens,
        "test_n": config.evaluate.n,
        "epochs": config.tune.epochs,
        "batch": config.tune.batch,
        "learning_rate": config.tune.learning_rate,
    }


def take_command(command: Sequence[str], log: Path) -> Turn:
    """Run a command in a process of its own, with imports and all."""
    began = time.perf_counter()
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"{' '.join(command)} failed:\n{log.read_text(encoding='utf-8')}")
    return Turn(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20)


def steps_of_ours(run: Path) -> float:
    """Training steps of a run of `align`."""
    facts = run.glob("tune/*/*/training.json")
    return float(sum(json.loads(one.read_text(encoding="utf-8"))["steps"] for one in facts))


def steps_of_plain(log: Path) -> float:
    """Training steps that the plain script printed: in lists with the method first."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return float(sum(json.loads(line)[2] for line in lines if line.startswith("[")))


def compare_whole(folder: Path, rounds: Rounds) -> list[Ratio]:
    """The command `pluralign align` and the plain script, with as many training steps."""
    home = folder.parent / "planted"
    write_world(home, 300)
    settings = whole_settings(home)
    (home / "align.toml").write_text(as_toml(settings), encoding="utf-8")
    plain = json.dumps(plain_settings(settings))
    (home / "plain.json").write_text(plain, encoding="utf-8")
    log, pluralign = home / "log.txt", str(Path(sys.executable).with_name("pluralign"))

    def turn(name: str) -> Turn:
        with tempfile.TemporaryDirectory(dir=home) as out:
            if name == "pluralign align":
                taken = take_command(
                    [pluralign, "align", str(home / "align.toml"), "--out", out], log
                )
                steps = steps_of_ours(Path(out))
            else:
                plain = [sys.executable, str(PLAIN), str(home / "plain.json"), out]
                taken, steps = take_command(plain, log), 0.0
                steps = steps_of_plain(log)
        return replace(taken, counted=steps)

    found = take_turns(["pluralign align", "the plain script"], turn, rounds.number)
    return show("the whole command: raft and dpo, three communities", found, True)


def as_toml(settings: dict[str, Any]) -> str:
    """Tables of plain values as TOML, which writes them as JSON does."""
    top = {name: value for name, value in settings.items() if not isinstance(value, dict)}
    lines = [f"{name} = {json.dumps(value)}" for name, value in top.items()]
    for table, own in settings.items():
        if isinstance(own, dict):
            lines += [f"[{table}]", *(f"{name} = {json.dumps(v)}" for name, v in own.items())]
    return "\n".join(lines) + "\n"


def time_everything(folder: Path, _rounds: Rounds) -> list[Ratio]:
    """The whole of `align`: the methods that learn from samples, and those that sample anew."""
    from pluralign.aligning import run_align
    from pluralign.methods.policies import OFFLINE, ONLINE

    home = folder.parent / "planted"
    write_world(home, 300)
    for methods, tune in ((OFFLINE, {"epochs": 6}), (ONLINE, {"epochs": 1, "batch": 32})):
        settings = whole_settings(home) | {"methods": ["best-of-n", *methods]}
        settings["tune"] |= tune
        since, worked = time.perf_counter(), time.process_time()
        outcome = run_align(settings, home / methods[0])
        print(
            f"\nalign, three communities, best of n, {', '.join(methods)}: "
            f"{time.perf_counter() - since:.0f} s by the clock, {time.process_time() - worked:.0f} "
            f"s of the processor; by stage {outcome.record['seconds']}",
            flush=True,
        )
    return []


PARTS = {
    "whole": compare_whole,
    "sampling": compare_sampling,
    "scoring": compare_scoring,
    "dpo": compare_dpo,
    "blend": compare_blend,
    "end": time_everything,
}


def main() -> None:
    """Run the parts, and print a table for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", action="store_true", help="a process for each way")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "model"
        build(folder)
        found: list[Ratio] = []
        for name in options.only:
            found += PARTS[name](folder, Rounds(options.rounds, options.memory))
    print("\n" + _LAST_ROW.format("the first way over another", "rounds", "clock", "CPU", "memory"))
    for one in found:
        peak = "-" if one.peak is None else f"{one.peak:.2f}"
        cells = [str(one.rounds), f"{one.clock:.2f}", f"{one.worked:.2f}", peak]
        print(_LAST_ROW.format(one.title, *cells))


if __name__ == "__main__":
    main()
