"""The second stage: a model writes an example from each passage; all replies are kept."""

import json
from collections.abc import Sequence
from typing import Any

from pluralign.aligning.task_data.task_work import TaskWork, file_of, passage_of
from pluralign.core import ChatModel, NotEnoughData, Reply, Sampling, text_digest
from pluralign.methods.task_data import writing_prompt
from pluralign.respondents.append import GrowingFile
from pluralign.settings.align_task import DocumentSettings

_LOT = 64
"""Examples that are written together."""


def write_examples(work: TaskWork) -> dict[str, Any]:
    """Have the model write what is not there yet; count failures and cut replies."""
    chat = work.open_writer()
    failures: list[str] = []
    summary: dict[str, Any] = {"model": chat.name}
    for one in work.communities():
        work.reporter.stage(f"writing examples of {one.community}")
        _write_missing(work, chat, one, failures)
        rows = work.rows("write", one.community)
        summary[one.community] = {
            "written": len(rows),
            "cut by the limit of tokens": sum(row["cut"] for row in rows),
        }
    if not any(summary[one.community]["written"] for one in work.communities()):
        raise NotEnoughData(
            "the model wrote nothing", where=chat.name, hint=failures[0] if failures else None
        )
    return summary | {
        "failed": len(failures),
        "first failure": failures[0] if failures else None,
    }


def _write_missing(
    work: TaskWork, chat: ChatModel, one: DocumentSettings, failures: list[str]
) -> None:
    plan = work.rows("search", one.community)
    name = file_of("write", one.community)
    owner = text_digest(json.dumps([chat.fingerprint, plan], sort_keys=True))
    file = GrowingFile(work.folder.path / name, owner)
    known = {row["number"] for row in file.rows()}

    def keep(number: int, reply: Reply) -> None:
        if reply.failure is not None:
            failures.append(reply.failure)
        elif number not in known:
            file.add({"number": number, "text": reply.text, "cut": reply.finish_reason == "length"})
            known.add(number)
            work.reporter.progress(len(known), len(plan))

    try:
        for start in range(0, len(plan), _LOT):
            lot = plan[start : start + _LOT]
            missing = [row for row in lot if row["number"] not in known]
            if missing:
                # The draws of a model on this machine depend on the prompts of a batch: the whole
                # lot is written again, and what is there already is left alone.
                asked = lot if hasattr(chat, "sample") else missing
                _ask(work, chat, one, asked, work.settings.seed + start, keep)
    finally:
        file.close()
    work.folder.list_files(name)


def _ask(
    work: TaskWork,
    chat: ChatModel,
    one: DocumentSettings,
    rows: Sequence[dict[str, Any]],
    seed: int,
    keep: Any,
) -> None:
    prompts = [
        writing_prompt([work.examples[i] for i in row["shown"]], passage_of(row), one.language)
        for row in rows
    ]
    config = work.settings.write
    how = Sampling(config.temperature, config.top_p, config.max_new_tokens, seed)
    chat.complete(prompts, how, lambda i, reply: keep(rows[i]["number"], reply))
