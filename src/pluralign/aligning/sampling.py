"""The first stage: several answers of the start model to each prompt, kept as they arrive."""

from collections.abc import Iterator, Sequence
from typing import Any

from pluralign.aligning.work import Work
from pluralign.core import (
    Candidate,
    ChatModel,
    InvalidInput,
    NotEnoughData,
    PolicyPrompt,
    Reply,
    Sampling,
)
from pluralign.respondents.append import GrowingFile

_FILE = "candidates.jsonl"


def sample_candidates(work: Work) -> dict[str, Any]:
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

    try:
        _sample_missing(work, chat, known, keep)
    finally:
        file.close()
    work.folder.list_files(f"sample/{_FILE}")
    return _summary(work, chat, failures)


def candidates_of(work: Work) -> list[list[Candidate]]:
    """The answers to each prompt, in the order of the prompts and of their numbers.

    Prompts of which an answer is missing have an empty list.
    """
    found: dict[str, dict[int, Candidate]] = {}
    for row in _rows(work):
        one = Candidate(row["prompt"], row["number"], row["text"], row.get("cut", False))
        found.setdefault(one.prompt, {})[one.number] = one
    n = work.settings.sample.n
    of_prompt = [found.get(prompt.id, {}) for prompt in work.prompts]
    return [[own[k] for k in range(n)] if len(own) >= n else [] for own in of_prompt]


def _sample_missing(work: Work, chat: ChatModel, known: set[tuple[str, int]], keep: Any) -> None:
    """Ask for what is missing: whole prompts at once where the model can, else draw by draw.

    The n-th answer has a seed of its own, so that a prompt's answers differ.
    """
    config, seed = work.settings.sample, work.settings.seed
    several = getattr(chat, "sample", None)
    if several is not None:
        waiting = [p for p in work.prompts if (p.id, config.n - 1) not in known]
        sampling = _sampling(work, seed)
        several(
            [p.conversation for p in waiting],
            sampling,
            config.n,
            lambda i, k, reply: keep(waiting[i], k, reply),
        )
        return
    for number in range(config.n):
        own = [p for p in work.prompts if (p.id, number) not in known]
        _complete(chat, own, _sampling(work, seed + number), number, keep)


def _complete(
    chat: ChatModel, prompts: Sequence[PolicyPrompt], sampling: Sampling, number: int, keep: Any
) -> None:
    if prompts:
        chat.complete(
            [p.conversation for p in prompts],
            sampling,
            lambda i, reply: keep(prompts[i], number, reply),
        )


def _sampling(work: Work, seed: int) -> Sampling:
    config = work.settings.sample
    return Sampling(config.temperature, config.top_p, config.max_new_tokens, seed)


def _rows(work: Work) -> Iterator[dict[str, Any]]:
    from pluralign.runs.folder import read_rows

    yield from read_rows(work.stage_folder("sample") / _FILE)


def _summary(work: Work, chat: ChatModel, failures: Sequence[str]) -> dict[str, Any]:
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
        "first failure": failures[0] if failures else None,
    }
