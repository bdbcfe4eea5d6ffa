"""Check a run of `pluralign align` before anything is sampled, and list what it will do."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from pluralign.aligning.align_run import open_work
from pluralign.aligning.earlier_work import check_same_samples
from pluralign.aligning.passing import REGISTERED
from pluralign.aligning.route_stage import declared_prompts, why_no_router
from pluralign.aligning.routers import ROUTERS
from pluralign.aligning.sampling import candidates_of
from pluralign.aligning.selecting import PolicyName, policy_names
from pluralign.aligning.work import AlignWork
from pluralign.core import AnyPath, InvalidInput, Reporter, Silent, as_path, listed
from pluralign.huggingface.model_folders import has_chat_template
from pluralign.huggingface.processes import process_count
from pluralign.methods.adapter_training import Pace, ParameterCount, count_parameters
from pluralign.methods.policies import ONLINE
from pluralign.runs.folder import RunFolder
from pluralign.runs.policies import PASS_FILE
from pluralign.runs.stages import SUMMARY
from pluralign.settings import ALIGN_STAGES, ResolvedAlign

_BILLION = 1e9
_BFLOAT16 = 2
_TRAINED = 16
"""Bytes of a trained parameter: itself, its gradient and Adam's two means, in float32."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """A run that is checked and not started.

    Attributes:
        checked: Input -> its state.
        policies: Trainings: policy, most rows, most steps, trained parameters.
        files: Files and folders that the run writes.
        resumed: Earlier work that is kept.
    """

    checked: dict[str, str]
    policies: list[dict[str, Any]]
    files: list[str]
    resumed: list[str]


def dry_run(resolved: ResolvedAlign, out: AnyPath, reporter: Reporter | None = None) -> DryRun:
    """Check everything that can be checked without the weights of the language model.

    The prompts are read, the reward model and the judge are opened and know the communities, and
    the language model's ``config.json`` and chat template are read where its folder is at hand.
    Nothing is written.

    Args:
        resolved: The run.
        out: Its folder, perhaps with work that would be resumed.
        reporter: Receives notes, such as the prompts that are left out.

    Raises:
        PluralignError: As the run itself would, before its first stage.
    """
    folder = RunFolder(as_path(out))
    check_same_samples(folder, resolved)
    work = open_work(resolved, folder, reporter or Silent())
    parameters = _parameters(work)
    return DryRun(
        _checked(work, parameters),
        [_policy(work, name, parameters) for name in policy_names(work)],
        list(_files(work)),
        list(_resumed(work)),
    )


def _checked(work: AlignWork, parameters: ParameterCount | None) -> dict[str, str]:
    settings, prompts = work.settings, len(work.prompts)
    sides = {side: len(work.of_side(side)) for side in ("train", "validation", "test")}
    draws = prompts * settings.sample.n
    tokens = draws * settings.sample.max_new_tokens
    found = {
        "prompts": f"{prompts:,} in {settings.prompts.path}: {sides['train']:,} to learn from, "
        f"{sides['validation']:,} for the scale of rewards, {sides['test']:,} to measure on",
        "reward model": f"{settings.reward.model}: opens",
        "judge": f"{settings.reward.judge}: opens" if settings.reward.judge else "none",
        "communities": listed(list(work.communities)),
        "language model": _language_model(work, parameters),
        "answers": f"{draws:,} ({settings.sample.n} to each prompt), at most {tokens:,} tokens",
    }
    if parameters is not None:
        weights = parameters.all * _BFLOAT16 / _BILLION
        adapter = parameters.trained * _TRAINED / _BILLION
        found["memory"] = (
            f"{weights:,.2f} GB of weights in bfloat16, {adapter:,.2f} GB for an adapter with its "
            "optimiser; activations come on top"
        )
    return found


def _language_model(work: AlignWork, parameters: ParameterCount | None) -> str:
    model = work.settings.model
    if model.kind == "endpoint":
        return f"{model.name} behind a server: not asked"
    folder = Path(model.name)
    if not folder.is_dir():
        return f"{model.name} on the hub: its files were not looked at"
    counted = "" if parameters is None else f", {parameters.all:,} parameters"
    return f"{folder}{counted}, {'a' if has_chat_template(folder) else 'no'} chat template"


def _parameters(work: AlignWork) -> ParameterCount | None:
    """Counts of a model whose folder is at hand.

    Raises:
        InvalidInput: If the folder has no configuration of a causal model.
    """
    folder = Path(work.settings.model.name)
    if work.settings.model.kind == "endpoint" or not folder.is_dir():
        return None
    try:
        return count_parameters(folder, work.settings.tune)
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"its config.json is not that of a causal model: {str(error).splitlines()[0]}",
            where=f"model.name: {folder}",
            hint="name the folder of a causal model of Transformers",
        ) from error


def _policy(work: AlignWork, name: PolicyName, parameters: ParameterCount | None) -> dict[str, Any]:
    tune, prompts = work.settings.tune, len(work.of_side("train"))
    of_prompt = 1  # pair
    if name.method in ONLINE:
        of_prompt = tune.group
    elif name.method == "raft":
        of_prompt = math.ceil(work.settings.select.share * work.settings.sample.n)
    pace = Pace(
        prompts * of_prompt, tune.epochs, tune.batch, tune.accumulation, 0.0, process_count()
    )
    return {
        "policy": name.label,
        "rows": pace.rows,
        "steps": pace.steps,
        "learning_rate": tune.rate_of(name.method),
        "trained_parameters": None if parameters is None else parameters.trained,
    }


def _files(work: AlignWork) -> Iterator[str]:
    yield from ("settings.json", "sample/candidates.jsonl", "score/rewards.jsonl")
    for name in policy_names(work):
        if name.method not in ONLINE:
            yield f"select/{name.label}.jsonl"
        yield f"tune/{name.label}/"
        yield from (f"evaluate/{name.label}.jsonl", f"evaluate/{name.label}.rewards.jsonl")
    for method, combine in product(work.settings.tuned, work.settings.palette.combine):
        label = f"{method}/palette-{combine}"
        yield from (f"evaluate/{label}.jsonl", f"evaluate/{label}.rewards.jsonl")
    if why_no_router(work, declared_prompts(work)) is None:
        yield ROUTERS
    yield from ("evaluate/prompts.jsonl", "results.jsonl", "record.json")
    if work.settings.evaluate.pass_file is not None:
        yield from (REGISTERED, PASS_FILE)


def _resumed(work: AlignWork) -> Iterator[str]:
    done = [s for s in ALIGN_STAGES if (work.stage_folder(s) / SUMMARY).is_file()]
    if done:
        yield f"finished stages: {', '.join(done)}"
    if (work.stage_folder("sample") / "candidates.jsonl").is_file():
        whole = sum(bool(own) for own in candidates_of(work))
        yield f"prompts with all their answers: {whole:,} of {len(work.prompts):,}"
    for name in policy_names(work):
        folder = work.stage_folder("tune") / name.label
        kept = sorted(folder.with_name(f".{folder.name}.partial").glob("checkpoints/checkpoint-*"))
        if (folder / "training.json").is_file():
            yield f"finished training: {name.label}"
        elif kept:
            last = max(int(one.name.rpartition("-")[2]) for one in kept)
            yield f"training from step {last:,}: {name.label}"
