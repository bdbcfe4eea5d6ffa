"""The first stage: several answers of the start model to each prompt, kept as they arrive."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pluralign.aligning.together import sample_together
from pluralign.aligning.work import AlignWork
from pluralign.core import (
    CandidateAnswer,
    ChatModel,
    InvalidInput,
    NotEnoughData,
    PolicyPrompt,
    Reply,
    Sampling,
)
from pluralign.respondents.append import GrowingFile

_FILE = "candidates.jsonl"
_LOT = 64
"""Prompts that are sampled together."""
_REASONS = 5
"""Most reasons of failures in a summary."""


def sample_candidates(work: AlignWork) -> dict[str, Any]:
    """Sample the answers that are not there yet; count failures, cut answers and repeats."""
    chat = work.open_chat()
    config = work.settings.sample
    file = GrowingFile(work.stage_folder("sample") / _FILE, chat.fingerprint)
    known = {(row["prompt"], row["number"]) for row in file.rows()}
    done, failures = len(known), list[str]()
    total = len(work.prompts) * config.n

    def keep(prompt: PolicyPrompt, number: int, reply: Reply) -> None:
        nonlocal done
        if reply.failure is not None:
            failures.append(reply.failure)
            return
        row = {"prompt": prompt.id, "number": number, "text": reply.text}
        file.add(row | ({"cut": True} if reply.finish_reason == "length" else {}))
        done += 1
        work.reporter.progress(done, total)

    sample = sample_together if config.kind == "negatively-correlated" else _sample_missing
    try:
        sample(work, chat, known, keep)
    finally:
        file.close()
    work.folder.list_files(f"sample/{_FILE}")
    return _summary(work, chat, failures)


def check_sampled_by(folder: Path, chat: ChatModel) -> None:
    """Check that a model is the one that sampled the answers of a run.

    Args:
        folder: Folder of the stage ``sample``.
        chat: The model.

    Raises:
        InvalidInput: If there are answers of other weights, another tokenizer or precision.
    """
    answers = folder / Path(_FILE).name
    owner = answers.with_name(f"{answers.name}.owner")
    if not answers.is_file() or not answers.stat().st_size or not owner.is_file():
        return
    if owner.read_text(encoding="utf-8").strip() != chat.fingerprint:
        raise InvalidInput(
            "the model is not the one that sampled the answers of this run: its files have changed",
            where=f"model.name: {chat.name}",
            hint="restore the model, name another folder, or start again with --fresh",
        )


def candidates_of(work: AlignWork) -> list[list[CandidateAnswer]]:
    """The answers to each prompt, in the order of the prompts and of their numbers.

    Prompts of which an answer is missing have an empty list.
    """
    found: dict[str, dict[int, CandidateAnswer]] = {}
    for row in _rows(work):
        one = CandidateAnswer(row["prompt"], row["number"], row["text"], row.get("cut", False))
        found.setdefault(one.prompt, {})[one.number] = one
    n = work.settings.sample.n
    of_prompt = [found.get(prompt.id, {}) for prompt in work.prompts]
    return [[own[k] for k in range(n)] if len(own) >= n else [] for own in of_prompt]


def _sample_missing(
    work: AlignWork, chat: ChatModel, known: set[tuple[str, int]], keep: Any
) -> None:
    """Ask for what is missing: whole prompts at once where the model can, else draw by draw."""
    config, seed = work.settings.sample, work.settings.seed
    several = getattr(chat, "sample", None)
    if several is None:
        for number in range(config.n):  # a seed of its own for each, so that answers differ
            own = [p for p in work.prompts if (p.id, number) not in known]
            _complete(chat, own, _sampling(work, seed + number), number, keep)
        return
    # The draws of a model on this machine depend on the prompts of a batch. So the same prompts are
    # sampled together again after a stop, and the answers that are there already are left alone.
    for start in range(0, len(work.prompts), _LOT):
        lot = work.prompts[start : start + _LOT]
        if all((p.id, config.n - 1) in known for p in lot):
            continue

        def keep_new(i: int, number: int, reply: Reply, lot: Sequence[PolicyPrompt] = lot) -> None:
            if (lot[i].id, number) not in known:
                keep(lot[i], number, reply)

        several([p.conversation for p in lot], _sampling(work, seed), config.n, keep_new)


def _complete(
    chat: ChatModel, prompts: Sequence[PolicyPrompt], sampling: Sampling, number: int, keep: Any
) -> None:
    if prompts:
        chat.complete(
            [p.conversation for p in prompts],
            sampling,
            lambda i, reply: keep(prompts[i], number, reply),
        )


def _sampling(work: AlignWork, seed: int) -> Sampling:
    config = work.settings.sample
    return Sampling(config.temperature, config.top_p, config.max_new_tokens, seed)


def _rows(work: AlignWork) -> Iterator[dict[str, Any]]:
    from pluralign.runs.folder import read_rows

    yield from read_rows(work.stage_folder("sample") / _FILE)


def _summary(work: AlignWork, chat: ChatModel, failures: Sequence[str]) -> dict[str, Any]:
    answers = [own for own in candidates_of(work) if own]
    if not answers:
        raise NotEnoughData(
            "the model answered no prompt",
            where=chat.name,
            hint=failures[0] if failures else None,
        )
    texts = [one.text for own in answers for one in own]
    alike = sum(len({one.text for one in own}) == 1 for own in answers)
    if alike == len(answers):
        raise InvalidInput(
            f"all {work.settings.sample.n} answers are alike for every prompt",
            where="sample",
            hint="raise sample.temperature: nothing can be chosen among equal answers",
        )
    return {
        "model": chat.name,
        "prompts": len(work.prompts),
        "prompts by side": {s: len(work.of_side(s)) for s in ("train", "validation", "test")},
        "answers": len(texts),
        "different answers": len(set(texts)),
        "prompts whose answers are all alike": alike,
        "cut by the limit of tokens": sum(one.cut for own in answers for one in own),
        "empty": sum(not text.strip() for text in texts),
        "failed": len(failures),
        "reasons of failures": dict(Counter(failures).most_common(_REASONS)),
    }
