"""Earlier work in the folder of a run: which of it other settings have made out of date."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pluralign.aligning.policy_folders import SETTINGS
from pluralign.core import InvalidSettings, OtherWork, Reporter
from pluralign.methods.adapter_training import NOT_LEARNED
from pluralign.runs.folder import RECORD, STATE, RunFolder
from pluralign.runs.measured import RESULTS
from pluralign.runs.policies import PASS_FILE
from pluralign.runs.stages import SUMMARY
from pluralign.settings import ALIGN_STAGES, AlignSettings, ResolvedAlign
from pluralign.settings.toml_tables import flat, shown

OUTCOME = (RECORD, RESULTS, PASS_FILE)
"""Files of a finished run outside the folders of its stages."""
_FROM_SELECT = {"methods", "tune.kinds"}
_FOR_ANSWERING = {"palette.population", "palette.candidates", "palette.top"}
_NO_EFFECT = {"name", *_FOR_ANSWERING, *(f"tune.{key}" for key in NOT_LEARNED - {"kinds"})}
_OF_SAMPLES = ("seed", "model.", "sample.", "prompts.path", "prompts.limit", "prompts.skip_bad")
_MOST_TRIES = 3
Made = TypeVar("Made")


class InFolder(Protocol):
    """Work in the folder of a run."""

    @property
    def folder(self) -> RunFolder:
        """The run's folder."""
        ...

    @property
    def reporter(self) -> Reporter:
        """Receives the progress."""
        ...


def check_same_samples(folder: RunFolder, resolved: ResolvedAlign) -> None:
    """Refuse a folder with samples of other settings or prompts, and name the settings.

    Raises:
        InvalidSettings: If the folder has such a run.
    """
    state, before = folder.read_json(STATE), folder.read_json(SETTINGS)
    if state is None or before is None or state.get("fingerprint") == resolved.fingerprint:
        return
    changes = _changes(before, resolved.settings)
    of_samples = [text for key, text in changes.items() if key.startswith(_OF_SAMPLES)]
    raise InvalidSettings(
        "the folder contains a run with other settings or data: "
        + ("; ".join(of_samples) or "the file of prompts has changed"),
        where=f"--out {folder.path}",
        hint="name another folder, or add --fresh to replace it",
    )


def forget_outdated(folder: RunFolder, settings: AlignSettings, reporter: Reporter) -> None:
    """Forget the stages that settings affect which have changed since the folder's last run.

    Their summaries and the results are deleted; answers and adapters that still belong to the
    settings stay. Settings of the samples cannot change here: the claim refuses them.

    Args:
        folder: The folder of the run.
        settings: The settings of this run.
        reporter: Receives a note with the changes and the stages.
    """
    changes = _changes(folder.read_json(SETTINGS) or {}, settings)
    stages = [stage for key in changes if (stage := first_stage(key)) is not None]
    if not stages:
        return
    first = min(stages, key=ALIGN_STAGES.index)
    redone = ALIGN_STAGES[ALIGN_STAGES.index(first) :]
    reporter.note(f"settings have changed: {'; '.join(changes.values())}")
    reporter.note(f"redone for these settings: {', '.join(redone)}; earlier stages are kept")
    folder.remove(*(f"{stage}/{SUMMARY}" for stage in redone), *OUTCOME)


def first_stage(key: str) -> str | None:
    """The first stage that a setting affects; None where it affects no result.

    >>> first_stage("tune.epochs"), first_stage("reward.model"), first_stage("methods")
    ('tune', 'score', 'select')
    """
    if key in _NO_EFFECT or key.startswith(("model.", "palette.population.")):
        return None
    if key.startswith("palette."):
        return "tune"
    if key in _FROM_SELECT:
        return "select"
    table = key.partition(".")[0]
    return table if table in ALIGN_STAGES else "score"


def made_for_these_settings(work: InFolder, make: Callable[[], Made]) -> Made:
    """Do work that keeps what is there; replace what is of other settings, data or models.

    Args:
        work: The run.
        make: Raises `OtherWork` where a file or folder of the run belongs to other work.
    """
    for _ in range(_MOST_TRIES):
        try:
            return make()
        except OtherWork as error:
            earlier = Path(error.where or "")
            if not earlier.is_relative_to(work.folder.path):
                raise
            own = earlier.relative_to(work.folder.path)
            work.reporter.note(f"{own} is made again: it is of other settings, data or rewards")
            shutil.rmtree(earlier) if earlier.is_dir() else earlier.unlink()
    return make()


def _changes(before: Mapping[str, Any], settings: AlignSettings) -> dict[str, str]:
    """Dotted key of each changed setting -> the change in words."""
    was, now = dict(flat(before)), dict(flat(shown(settings)))
    return {
        key: f"{key} was {value}, is {now.get(key)}"
        for key, value in was.items()
        if value != now.get(key)
    }
