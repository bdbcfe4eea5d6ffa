"""The stage that trains: one adapter for all cultures, or one for each, on the model's own answers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pluralign.core import InvalidSettings, Tally
from pluralign.huggingface.watch import Watch
from pluralign.methods.culturespa import TuningRow, check_tunable, tune, tuning_rows
from pluralign.pluralising.stages import Work, answer_asks, collected_pairs

Kind = Literal["joint", "specific"]


def tune_models(work: Work) -> dict[str, Any]:
    """Train what ``tune.kinds`` names; a training that was stopped goes on, one that is done is kept."""
    from pluralign.respondents.local import LocalChatModel

    model = work.settings.model
    if model.kind != "local":
        raise InvalidSettings(
            "a model behind a server cannot be tuned from here",
            where="model.kind",
            hint="stop before, with --until collect, or name the model itself: kind = 'local'",
        )
    check_tunable(model.name, model.adapter)
    chat = work.open_chat()
    assert isinstance(chat, LocalChatModel)
    rows = tuning_rows(collected_pairs(work), answer_asks(work, Tally()))
    found: dict[str, Any] = {}
    for kind, community, folder in parts(work, rows):
        mine = [row for row in rows if community is None or row.community == community]
        work.reporter.stage(f"tuning {kind}" + (f" for {community}" if community else ""))
        watch = Watch(work.reporter.progress, work.reporter.note)
        facts = tune(chat, mine, folder, work.settings.tune, kind, work.settings.seed, watch)
        kept = ("rows", "rows_too_long", "steps", "seconds")
        found[str(folder.relative_to(work.place("tune")))] = {name: facts[name] for name in kept}
    return {"trained": found}


def parts(
    work: Work, rows: list[TuningRow] | None = None
) -> Iterator[tuple[Kind, str | None, Path]]:
    """Kind, community and folder of every adapter; communities of which nothing was collected have none."""
    there = (
        {row.community for row in rows}
        if rows is not None
        else {p.community for p in collected_pairs(work)}
    )
    place = work.place("tune")
    for kind in work.settings.tune.kinds:
        if kind == "joint":
            yield kind, None, place / "joint"
            continue
        for community in work.communities:
            if community in there:
                yield kind, community, place / "specific" / community.replace("/", "_")
            else:
                work.reporter.note(f"no answer shifts for {community}: it has no model of its own")
