"""Stages of learning: examples that are kept, counted by reason; an adapter for each community."""

from functools import partial
from typing import Any

from pluralign.aligning.earlier_work import made_for_these_settings
from pluralign.aligning.task_data.routing import examples_to_choose_by
from pluralign.aligning.task_data.task_work import (
    TaskWork,
    adapter_of,
    example_in,
    file_of,
    passage_of,
)
from pluralign.core import NotEnoughData, Tally, rng_for
from pluralign.huggingface.watch import Watch
from pluralign.methods.culturespa import check_tunable
from pluralign.methods.policies import tune_policy
from pluralign.methods.task_data import (
    Guards,
    WrittenExample,
    keep_examples,
    lesson_of,
    with_shuffled_options,
)


def keep_written(work: TaskWork) -> dict[str, Any]:
    """Filter what was written; every example keeps its document and licence."""
    summary: dict[str, Any] = {}
    for one in work.communities():
        passages = {r["number"]: passage_of(r) for r in work.rows("search", one.community)}
        # Replies are in the order of their arrival, which must not decide what is kept.
        rows = sorted(work.rows("write", one.community), key=lambda row: int(row["number"]))
        written = [WrittenExample(row["text"], passages[row["number"]]) for row in rows]
        tally = Tally()
        guards = Guards(work.examples, [item.example for item in work.test], one.language)
        kept = keep_examples(written, guards, work.settings.keep, tally)
        if not kept:
            reasons = "; ".join(f"{n:,} {reason}" for reason, n in tally.dropped.most_common())
            raise NotEnoughData(
                f"no written example of {one.community} can be kept",
                where=file_of("write", one.community),
                hint=f"{reasons or 'nothing was written'}. Change [keep], or the model that writes",
            )
        rng = rng_for(work.settings.seed, "options", one.community)
        work.folder.write_rows(
            file_of("keep", one.community),
            [
                with_shuffled_options(example, rng).as_row()
                | {
                    "community": one.community,
                    "document": passage.document,
                    "passage": passage.id,
                    "license": passage.license,
                }
                for example, passage in kept
            ],
        )
        documents = {passage.document for _, passage in kept}
        summary[one.community] = {"kept": tally.kept, "documents": len(documents)}
        if tally.dropped:
            summary[one.community]["left out"] = dict(tally.dropped)
    return summary


def tune_on_task(work: TaskWork) -> dict[str, Any]:
    """Train an adapter for each community; a finished one is kept, a stopped one is resumed."""
    check_tunable(work.settings.model.name, None)
    put_aside = examples_to_choose_by(work)
    trained: dict[str, Any] = {}
    for one in work.communities():
        chat = work.open_learner()
        work.reporter.stage(f"tuning {one.community}")
        rows = work.rows("keep", one.community)
        aside = put_aside.get(one.community, ())
        lessons = [lesson_of(example_in(row)) for k, row in enumerate(rows) if k not in aside]
        folder = adapter_of(work, one.community)
        watch = Watch(work.reporter.progress, work.reporter.note)
        config, seed = work.settings.tune, work.settings.seed
        train = partial(tune_policy, chat, lessons, folder, "raft", config, seed, watch)
        facts = made_for_these_settings(work, train)
        kept = ("rows", "rows_too_long", "steps", "seconds")
        trained[one.community] = {key: facts[key] for key in kept}
    return trained
