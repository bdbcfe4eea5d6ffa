"""What `pluralign align` does, as one plain script of Transformers, PEFT and TRL.

``benchmarks/align_speed.py --only whole`` runs it against `pluralign align`. Answers to every
prompt are sampled with ``generate(num_return_sequences=n)`` in padded batches, scored with the same
reward model and the same judge. For each community an adapter is trained with `SFTTrainer` on the
best quarter, and one with `DPOTrainer` on the best against the worst; each writes answers to the
test prompts, whose mean rewards are compared with those of the start model. Nothing is kept but the
adapters, and nothing is resumed.

python benchmarks/plain/align.py SETTINGS.json OUT
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

import pluralign
from pluralign.core import RewardRequest

PROMPTS_AT_ONCE = 8


def main() -> None:
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    out = Path(sys.argv[2])
    tokenizer = AutoTokenizer.from_pretrained(given["model"], padding_side="left")
    start = AutoModelForCausalLM.from_pretrained(given["model"])
    rewards = {role: pluralign.open_model(given[role]) for role in ("reward", "judge")}
    torch.manual_seed(0)
    drawn = {
        side: sample(start, tokenizer, prompts, given["n"], given["new"])
        for side, prompts in given["prompts"].items()
    }
    scored = {
        side: {role: scores(rewards[role], given, side, texts) for role in rewards}
        for side, texts in drawn.items()
    }
    for column, community in enumerate(given["communities"]):
        for method in given["methods"]:
            reward_P_n = scored["train"]["reward"][:, :, column]
            rows = rows_of(method, given["prompts"]["train"], drawn["train"], reward_P_n)
            trainer = trained(method, rows, tokenizer, given, out / method / community)
            texts = sample(
                trainer.model.eval(), tokenizer, given["prompts"]["test"], given["test_n"],
                given["new"],
            )  # fmt: skip
            gains = {}
            for role, model in rewards.items():
                before = scored["test"][role][:, :, column]
                now = scores(model, given, "test", texts)[:, :, column]
                gains[role] = float((now.mean() - before.mean()) / before.std())
            print(json.dumps([method, community, trainer.state.global_step, gains]), flush=True)


def sample(model: Any, tokenizer: Any, prompts: list[str], n: int, new: int) -> list[list[str]]:
    """The answers to each prompt."""
    texts: list[list[str]] = []
    for first in range(0, len(prompts), PROMPTS_AT_ONCE):
        own = prompts[first : first + PROMPTS_AT_ONCE]
        turns = [[{"role": "user", "content": prompt}] for prompt in own]
        given = tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True
        )
        with torch.inference_mode():
            found = model.generate(
                **given, do_sample=True, top_k=0, max_new_tokens=new, num_return_sequences=n
            )
        new_tokens = found[:, given["input_ids"].shape[1] :]
        written = tokenizer.batch_decode(new_tokens, skip_special_tokens=True)
        texts += [written[k * n : (k + 1) * n] for k in range(len(own))]
    return texts


def scores(model: Any, given: dict[str, Any], side: str, texts: list[list[str]]) -> np.ndarray:
    """Rewards for every community, shape (P, n, C)."""
    requests = [
        RewardRequest(prompt, text.strip() or "-")
        for prompt, own in zip(given["prompts"][side], texts, strict=True)
        for text in own
    ]
    columns = [model.communities.index(c) for c in given["communities"]]
    return model.score_all(requests)[:, columns].reshape(len(texts), -1, len(columns))


def rows_of(
    method: str, prompts: list[str], texts: list[list[str]], reward_P_n: np.ndarray
) -> list[dict[str, Any]]:
    """Rows for TRL: the best quarter, or the best and the worst."""
    rows = []
    for prompt, own, reward_n in zip(prompts, texts, reward_P_n, strict=True):
        order = reward_n.argsort()
        asked = [{"role": "user", "content": prompt}]
        best = [[{"role": "assistant", "content": own[k]}] for k in order[::-1]]
        if method == "raft":
            rows += [{"prompt": asked, "completion": one} for one in best[: len(own) // 4]]
        else:
            rows.append({"prompt": asked, "chosen": best[0], "rejected": best[-1]})
    return rows


def trained(
    method: str, rows: list[dict[str, Any]], tokenizer: Any, given: dict[str, Any], out: Path
) -> Any:
    """The trainer when it has trained and saved its adapter."""
    config, trainer = (SFTConfig, SFTTrainer) if method == "raft" else (DPOConfig, DPOTrainer)
    arguments = config(
        str(out),
        per_device_train_batch_size=given["batch"],
        num_train_epochs=given["epochs"],
        learning_rate=given["learning_rate"],
        lr_scheduler_type="cosine",
        warmup_steps=0.1,
        gradient_checkpointing=False,
        bf16=False,
        max_length=None,
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
    )
    found = trainer(
        model=AutoModelForCausalLM.from_pretrained(given["model"]),
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=LoraConfig(r=8, lora_alpha=16, target_modules="all-linear"),
    )
    found.train()
    found.save_model(str(out))
    return found


if __name__ == "__main__":
    main()
