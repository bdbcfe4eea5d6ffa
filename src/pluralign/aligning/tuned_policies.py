"""The fourth stage: an adapter for each policy."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pluralign.aligning.earlier_work import made_for_these_settings
from pluralign.aligning.palette_shares import write_centroids
from pluralign.aligning.selecting import PolicyName, lessons_of, policy_names
from pluralign.aligning.work import AlignWork
from pluralign.huggingface.watch import Watch
from pluralign.methods.culturespa import check_tunable
from pluralign.methods.policies import tune_policy


def tune_policies(work: AlignWork) -> dict[str, Any]:
    """Train every policy; a stopped training is resumed, a finished one is kept."""
    from pluralign.respondents.local import LocalChatModel

    trained: dict[str, Any] = {}
    check_tunable(work.settings.model.name, None)
    for name, folder in policies(work):
        chat = work.open_chat()
        assert isinstance(chat, LocalChatModel)
        work.reporter.stage(f"tuning {name.label}")
        watch = Watch(work.reporter.progress, work.reporter.note)
        config, seed = work.settings.tune, work.settings.seed
        lessons = lessons_of(work, name)
        train = partial(tune_policy, chat, lessons, folder, name.method, config, seed, watch)
        facts = made_for_these_settings(work, train)
        kept = ("rows", "rows_too_long", "steps", "seconds")
        trained[name.label] = {key: facts[key] for key in kept}
    prompts = write_centroids(work)
    return {"trained": trained} | ({"prompts of each community": prompts} if prompts else {})


def policies(work: AlignWork) -> Iterator[tuple[PolicyName, Path]]:
    """Every policy that is tuned, and the folder of its adapter."""
    for name in policy_names(work):
        yield name, work.stage_folder("tune") / name.label
