"""The training stage: one adapter for all cultures, or one for each, on the model's answers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pluralign.core import InvalidSettings, Tally
from pluralign.huggingface.watch import Watch
from pluralign.methods.culturespa import TuningRow, check_tunable, tune, tuning_rows
from pluralign.pluralising.stages import Work, answer_asks, collected_pairs

Kind = Literal["joint", "specific"]


def tune_models(work: Work) -> dict[str, Any]:
    """Train the adapters of ``tune.kinds``; resume a stopped training and keep a finished one."""
    from pluralign.respondents.local import LocalChatModel

    model = work.settings.model
    if model.kind != "local":
        raise InvalidSettings(
            "only a local model can be tuned",
            where="model.kind",
            hint="stop before this stage with --until collect, or set kind = 'local'",
        )
    check_tunable(model.name, model.adapter)
    chat = work.open_chat()
    assert isinstance(chat, LocalChatModel)
    rows = tuning_rows(collected_pairs(work), answer_asks(work, Tally()))
    found: dict[str, Any] = {}
    for kind, community, folder in adapters(work, rows):
        mine = [row for row in rows if community is None or row.community == community]
        work.reporter.stage(f"tuning {kind}" + (f" for {community}" if community else ""))
        watch = Watch(work.reporter.progress, work.reporter.note)
        facts = tune(chat, mine, folder, work.settings.tune, kind, work.settings.seed, watch)
        kept = ("rows", "rows_too_long", "steps", "seconds")
        found[folder.relative_to(work.stage_folder("tune")).as_posix()] = {
            name: facts[name] for name in kept
        }
    return {"trained": found}


def adapters(
    work: Work, rows: list[TuningRow] | None = None
) -> Iterator[tuple[Kind, str | None, Path]]:
    """Kind, community and folder of every adapter; only communities with answers have one."""
    answers = collected_pairs(work) if rows is None else rows
    answered = {answer.community for answer in answers}
    out = work.stage_folder("tune")
    for kind in work.settings.tune.kinds:
        if kind == "joint":
            yield kind, None, out / "joint"
            continue
        for community in work.communities:
            if community in answered:
                yield kind, community, out / "specific" / community.replace("/", "_")
            else:
                work.reporter.note(f"no answer shifts for {community}: it gets no model of its own")
