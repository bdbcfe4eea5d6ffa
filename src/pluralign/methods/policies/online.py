"""Tune a policy by a reward while it samples: TRL's trainers for GRPO and RLOO on LoRA adapters.

``grpo`` compares the answers to one prompt with each other (Shao et al. 2024, arXiv 2402.03300);
with several communities each has a column of rewards, and all count the same (GDPO, arXiv
2601.05242). ``rloo`` compares each answer with the mean of the others (Ahmadian et al. 2024, arXiv
2402.14740), and sums the columns. Both are pulled to the start model.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pluralign.core import Conversation, NotEnoughData, PluralignError, Sampling
from pluralign.huggingface.processes import process_count
from pluralign.huggingface.training_folders import METRICS, TrainingFolder, need_trl
from pluralign.huggingface.watch import Watch
from pluralign.methods.adapter_training import NOT_LEARNED, Pace, train_adapter
from pluralign.methods.policies.config import OnlineMethod, PolicyTuningConfig
from pluralign.methods.policies.online_rewards import NO_ANSWER, OnlineReward, reward_functions
from pluralign.respondents.local import LocalChatModel


def tune_online(
    chat: LocalChatModel,
    conversations: Mapping[str, Conversation],
    reward: OnlineReward,
    folder: Path,
    method: OnlineMethod,
    config: PolicyTuningConfig,
    sampling: Sampling,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Train an adapter by reinforcement learning; the model itself stays as it is.

    The words are exactly those that the model reads when it answers. The folder, a PEFT adapter
    with ``metrics.jsonl`` (a line for each step) and ``training.json``, appears whole or not at
    all; until then checkpoints are next to it, and the same call resumes the last of them.

    Args:
        chat: The start model.
        conversations: Id of each prompt -> its turns.
        reward: The reward that the policy follows.
        folder: Where the adapter is put; one that is there already is kept.
        method: ``grpo`` or ``rloo``.
        config: How.
        sampling: How answers are sampled, with the seed of everything.
        watch: Is notified of the progress.

    Returns:
        The content of ``training.json``.

    Raises:
        MissingExtra: If TRL or PEFT is not installed.
        NotEnoughData: If there are fewer prompts than one step needs, too long ones not counted.
        InvalidInput: If the folder or its checkpoints belong to another training.
        PluralignError: If the reward model fails; the checkpoints are kept.
    """
    need_trl()
    watch = watch or Watch()
    tokens = _tokens(chat, conversations, sampling.max_new_tokens)
    _check_enough(tokens, config, folder)
    place = TrainingFolder(folder, _identity(chat, conversations, reward, method, config, sampling))
    if (done := place.finished(watch.note)) is not None:
        return done
    place.claim()
    since = time.perf_counter()
    answers = len(tokens) * config.group
    rate = config.rate_of(method)
    pace = Pace(answers, config.epochs, config.batch, config.accumulation, rate, process_count())
    try:
        steps = train_adapter(
            chat, place, config, pace, sampling.seed, watch,
            lambda adapted, arguments: _trainer(
                method, chat, adapted, tokens, reward,
                arguments | _own_arguments(method, reward, config, sampling),
                config.no_answer,
            ),
        )  # fmt: skip
    except PluralignError:
        if (last := place.last_checkpoint()) is not None:
            watch.note(f"{Path(last).name} is kept: the same command goes on from it")
        raise
    facts = {
        "method": method,
        "base": chat.name,
        "config": config.model_dump(mode="json"),
        "rows": len(tokens),
        "rows_too_long": len(conversations) - len(tokens),
        "steps": steps,
        "seconds": round(time.perf_counter() - since, 2),
    }
    sampled = config.batch * config.accumulation * process_count()
    facts |= _answer_counts(place.partial / METRICS, sampled)
    place.publish(facts)
    return facts


def _tokens(
    chat: LocalChatModel, conversations: Mapping[str, Conversation], new: int
) -> dict[str, list[int]]:
    """Tokens of the prompts after which an answer has room."""
    tokens = {id_: chat.tokens(talk) for id_, talk in conversations.items()}
    return {id_: own for id_, own in tokens.items() if len(own) + new <= chat.longest}


def _check_enough(
    tokens: Mapping[str, list[int]], config: PolicyTuningConfig, folder: Path
) -> None:
    needed = config.batch * config.accumulation * process_count() // config.group
    if len(tokens) < needed:
        raise NotEnoughData(
            f"one step needs {needed} prompts to learn from, got {len(tokens)}",
            where=str(folder),
            hint="give more prompts, or lower tune.batch or tune.accumulation, or raise tune.group",
        )


def _own_arguments(
    method: OnlineMethod, reward: OnlineReward, config: PolicyTuningConfig, sampling: Sampling
) -> dict[str, Any]:
    """Arguments of these trainers, besides the shared ones."""
    several = method == "grpo" and len(reward.names) > 1
    return {
        "num_generations": config.group,
        "max_completion_length": sampling.max_new_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "beta": config.beta_of(method),
        "logging_steps": 1,
        **({"multi_objective_aggregation": "normalize_then_sum"} if several else {}),
    }


def _trainer(
    method: OnlineMethod,
    chat: LocalChatModel,
    adapted: Any,
    tokens: Mapping[str, list[int]],
    reward: OnlineReward,
    arguments: dict[str, Any],
    no_answer: float,
) -> Any:
    import trl
    from datasets import Dataset

    base: Any = {"grpo": trl.GRPOTrainer, "rloo": trl.RLOOTrainer}[method]
    its_config: Any = {"grpo": trl.GRPOConfig, "rloo": trl.RLOOConfig}[method]

    class OnTokens(base):  # type: ignore[misc]
        """A trainer that reads the prompt with an id as the model reads it when it answers."""

        def _tokenize_prompts(self, prompts: Any) -> Any:
            return [tokens[id_] for id_ in prompts], None, {}

        def _get_train_sampler(self, *given: Any) -> Any:
            return _in_order_of_epoch(super()._get_train_sampler(*given), self.args.seed)

    return OnTokens(
        model=adapted,
        reward_funcs=reward_functions(reward, no_answer),
        args=its_config(**arguments),
        train_dataset=Dataset.from_list([{"prompt": id_} for id_ in tokens]),
        processing_class=chat.loaded.tokenizer,
    )


def _in_order_of_epoch(sampler: Any, seed: int) -> Any:
    """A sampler of TRL whose order depends on the epoch alone.

    Its own depends on how often it was asked before, so a training that is resumed in a later epoch
    would begin again with the order of the first.
    """
    sampler.set_epoch = lambda epoch: sampler.generator.manual_seed(seed + epoch)
    return sampler


def _answer_counts(metrics: Path, sampled: int) -> dict[str, int]:
    """The number of answers that were sampled, and of those without words.

    Args:
        metrics: The metrics of a training, a line for each step.
        sampled: Number of answers in a step.
    """
    lines = metrics.read_text(encoding="utf-8").splitlines()
    shares = [row[NO_ANSWER] for row in map(json.loads, lines) if NO_ANSWER in row]
    return {
        "answers": sampled * len(shares),
        "answers without words": round(sampled * sum(shares)),
    }


def _identity(
    chat: LocalChatModel,
    conversations: Mapping[str, Conversation],
    reward: OnlineReward,
    method: OnlineMethod,
    config: PolicyTuningConfig,
    sampling: Sampling,
) -> str:
    """SHA-256 over all that decides the outcome; the scales stand for the reward model."""
    settings = config.model_dump(mode="json", exclude=NOT_LEARNED)
    drawn = [sampling.temperature, sampling.top_p, sampling.max_new_tokens, sampling.seed]
    scales = [[scale.median, scale.spread] for scale in reward.scales]
    followed = [reward.names, reward.communities, scales]
    digest = hashlib.sha256(
        json.dumps([chat.fingerprint, settings, method, drawn, followed], sort_keys=True).encode()
    )
    for id_, conversation in conversations.items():
        said = [id_, [(m.role, m.content) for m in conversation]]
        digest.update(json.dumps(said, ensure_ascii=False).encode("utf-8", "replace"))
    return digest.hexdigest()
