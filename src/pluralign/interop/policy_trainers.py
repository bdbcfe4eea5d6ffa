"""Commands that train a policy with verl or OpenRLHF against a reward server, and their data.

Names of options were compared with the sources of OpenRLHF 0.10.2 and 0.11 and of verl 0.8 to 0.10.
Neither library is imported: a command is printed or written, and run where it is installed.
"""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pluralign.core import (
    NotEnoughData,
    PolicyPrompt,
    RewardRequest,
    count_of,
    known_community,
    whole_file,
)
from pluralign.models import open_reward_model

TrainerName = Literal["verl", "openrlhf"]


@dataclass(frozen=True, slots=True)
class PolicyTraining:
    """A training of a policy by another library.

    Attributes:
        server: URL of ``pluralign serve``.
        communities: Ids of the communities to follow; several count the same.
        model: Folder or hub name of the start model.
        folder: Folder for data, checkpoints and the policy.
        gpus: GPUs of one machine.
        group: Answers to each prompt, compared with each other.
        prompts: Prompts of one step.
        prompt_tokens: Most tokens of a prompt.
        answer_tokens: Most tokens of an answer.
        learning_rate: Peak learning rate.
        beta: Strength of the pull to the start model.
    """

    server: str
    communities: tuple[str, ...]
    model: str
    folder: Path
    gpus: int = 8
    group: int = 8
    prompts: int = 64
    prompt_tokens: int = 1024
    answer_tokens: int = 512
    learning_rate: float = 1e-6
    beta: float = 0.04


def check_server(training: PolicyTraining) -> PolicyTraining:
    """Check that the server answers and knows the communities; return the training with their ids.

    Raises:
        RewardServerFailed: If the server cannot be reached.
        UnknownCommunity: If it does not know a community; near ones are named.
    """
    model = open_reward_model(training.server)
    wanted = training.communities or tuple(model.communities)
    known = tuple(known_community(c, model.communities, "communities") for c in wanted)
    model.score_all([RewardRequest("Hello?", "Hello.")])
    return replace(training, communities=known)


def command_for(trainer: TrainerName, training: PolicyTraining) -> list[str]:
    """The words of the command.

    Args:
        trainer: ``verl``: GDPO (arXiv 2601.05242) with a column of rewards for each community, on a
            LoRA adapter. ``openrlhf``: RLOO on all weights, since OpenRLHF has no adapters there;
            several communities are one blend with equal shares.
        training: Its settings.
    """
    return {"verl": _verl, "openrlhf": _openrlhf}[trainer](training)


def write_training(
    trainer: TrainerName, training: PolicyTraining, prompts: Sequence[PolicyPrompt]
) -> Path:
    """Write the data and the command of a training into its folder; return the script.

    A tenth of the prompts, the last ones and at least one, are for verl's validation.

    Raises:
        NotEnoughData: If there is no prompt to learn from.
    """
    fewest = 2 if trainer == "verl" else 1
    if len(prompts) < fewest:
        raise NotEnoughData(
            f"{trainer} needs at least {count_of(fewest, 'prompt')}, got {len(prompts)}",
            where="prompts",
            hint="one of verl's prompts is for validation" if trainer == "verl" else None,
        )
    training.folder.mkdir(parents=True, exist_ok=True)
    if trainer == "verl":
        held_out = max(1, len(prompts) // 10)
        _write_parquet(training, "train", prompts[:-held_out])
        _write_parquet(training, "validation", prompts[-held_out:])
    else:
        label = _label(training.communities)
        rows = [{"prompt": _turns(prompt), "community": label} for prompt in prompts]
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        with whole_file(training.folder / "train.jsonl") as partial:
            partial.write_text("".join(lines), encoding="utf-8", newline="\n")
    script = training.folder / f"{trainer}.sh"
    with whole_file(script) as partial:
        partial.write_text(
            as_script(command_for(trainer, training)), encoding="utf-8", newline="\n"
        )
    return script


def as_script(command: Sequence[str]) -> str:
    r"""A command as a shell script, one option a line.

    >>> print(as_script(["python3", "-m", "a.b", "c.d=[1, 2]", "--e", "f"]), end="")
    #!/bin/sh
    python3 -m a.b \
      'c.d=[1, 2]' \
      --e f
    """
    lines = [shlex.join(command[:3])]
    for word in command[3:]:
        is_value = not word.startswith("--") and lines[-1].startswith("--")
        quoted = shlex.quote(word)
        if is_value:
            lines[-1] += f" {quoted}"
        else:
            lines.append(quoted)
    return "#!/bin/sh\n" + " \\\n  ".join(lines) + "\n"


def _verl(training: PolicyTraining) -> list[str]:
    # A plus adds a key that verl's own settings do not list; two pluses add or replace it.
    reward = "reward.custom_reward_function"
    actor, rollout = "actor_rollout_ref.actor", "actor_rollout_ref.rollout"
    columns = json.dumps([f"reward_{c}" for c in training.communities], ensure_ascii=False)
    names = json.dumps(list(training.communities), ensure_ascii=False)
    options = {
        "algorithm.adv_estimator": "gdpo",
        "+algorithm.gdpo_reward_keys": columns,
        "reward.reward_manager.name": "gdpo",
        f"{reward}.path": "pkg://pluralign.interop.verl_reward",
        f"{reward}.name": "compute_score",
        f"+{reward}.reward_kwargs.model": training.server,
        f"+{reward}.reward_kwargs.communities": names,
        "++trainer.use_v1": False,  # verl's trainer with a transfer queue has no GDPO
        "data.train_files": training.folder / "train.parquet",
        "data.val_files": training.folder / "validation.parquet",
        "data.train_batch_size": training.prompts,
        "data.max_prompt_length": training.prompt_tokens,
        "data.max_response_length": training.answer_tokens,
        "data.filter_overlong_prompts": True,
        "actor_rollout_ref.model.path": training.model,
        "actor_rollout_ref.model.lora_rank": 16,
        "actor_rollout_ref.model.lora_alpha": 32,
        "actor_rollout_ref.model.target_modules": "all-linear",
        f"{actor}.optim.lr": training.learning_rate,
        f"{actor}.ppo_mini_batch_size": training.prompts,
        f"{actor}.use_dynamic_bsz": True,
        f"{actor}.use_kl_loss": True,
        f"{actor}.kl_loss_coef": training.beta,
        f"{actor}.kl_loss_type": "low_var_kl",
        f"{rollout}.name": "vllm",
        f"{rollout}.load_format": "safetensors",
        f"{rollout}.tensor_model_parallel_size": 1,
        f"{rollout}.gpu_memory_utilization": 0.5,
        f"{rollout}.n": training.group,
        "trainer.nnodes": 1,
        "trainer.n_gpus_per_node": training.gpus,
        "trainer.total_epochs": 1,
        "trainer.save_freq": 50,
        "trainer.test_freq": 50,
        "trainer.default_local_dir": training.folder / "verl",
        "trainer.project_name": "pluralign",
        "trainer.experiment_name": training.folder.name,
        "trainer.logger": '["console"]',
    }
    return ["python3", "-m", "verl.trainer.main_ppo", *(f"{k}={v}" for k, v in options.items())]


def _openrlhf(training: PolicyTraining) -> list[str]:
    answers = training.prompts * training.group
    options: dict[str, object] = {
        "--reward.remote_url": f"{training.server.rstrip('/')}/get_reward",
        "--data.prompt_dataset": training.folder / "train.jsonl",
        "--data.input_key": "prompt",
        "--data.label_key": "community",
        "--data.apply_chat_template": None,
        "--data.max_len": training.prompt_tokens + training.answer_tokens,
        "--actor.model_name_or_path": training.model,
        "--actor.adam.lr": training.learning_rate,
        "--actor.gradient_checkpointing_enable": None,
        "--actor.num_nodes": 1,
        "--actor.num_gpus_per_node": training.gpus,
        "--ref.num_nodes": 1,
        "--ref.num_gpus_per_node": training.gpus,
        "--algo.advantage.estimator": "rloo",
        "--algo.kl.init_coef": training.beta,
        "--algo.kl.estimator": "k1",
        "--rollout.batch_size": training.prompts,
        "--rollout.micro_batch_size": 4,
        "--rollout.n_samples_per_prompt": training.group,
        "--rollout.max_new_tokens": training.answer_tokens,
        "--train.batch_size": answers,
        "--train.micro_batch_size": 2,
        "--train.max_epochs": 1,
        "--train.num_episodes": 1,
        "--train.colocate_all": None,
        "--vllm.num_engines": training.gpus,
        "--vllm.tensor_parallel_size": 1,
        "--vllm.gpu_memory_utilization": 0.5,
        "--vllm.enable_sleep": None,
        "--ds.enable_sleep": None,
        "--ds.zero_stage": 3,
        "--ds.param_dtype": "bf16",
        "--ckpt.output_dir": training.folder / "openrlhf",
        "--ckpt.path": training.folder / "checkpoints",
        "--ckpt.save_steps": 50,
        "--ckpt.load_enable": None,
    }
    words = [str(w) for pair in options.items() for w in pair if w is not None]
    return ["python3", "-m", "openrlhf.cli.train_ppo_ray", *words]


def _write_parquet(training: PolicyTraining, name: str, prompts: Sequence[PolicyPrompt]) -> None:
    """Rows of verl; the reward function finds the prompt in ``extra_info``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {
            "data_source": "pluralign",
            "prompt": _turns(prompt),
            "reward_model": {"style": "rule", "ground_truth": ""},
            "extra_info": {"prompt": _turns(prompt), "index": number},
        }
        for number, prompt in enumerate(prompts)
    ]
    with whole_file(training.folder / f"{name}.parquet") as partial:
        pq.write_table(pa.Table.from_pylist(rows), partial)


def _turns(prompt: PolicyPrompt) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": turn.content} for turn in prompt.conversation]


def _label(communities: Sequence[str]) -> str:
    """The label of a row for the server's ``/get_reward``."""
    if len(communities) == 1:
        return communities[0]
    return json.dumps({"blend": dict.fromkeys(communities, 1 / len(communities))})
