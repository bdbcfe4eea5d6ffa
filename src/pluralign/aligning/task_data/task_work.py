"""Inputs of every stage: settings, the task's examples, models, and the run's folder."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluralign.aligning.task_data.task_items import TestItem
from pluralign.core import ChatModel, Passage, Reporter
from pluralign.methods.task_data import TaskExample
from pluralign.runs.folder import RunFolder, read_rows
from pluralign.runs.policy_rows import community_file
from pluralign.settings import AlignTaskSettings
from pluralign.settings.align_task import DocumentSettings

if TYPE_CHECKING:
    from pluralign.respondents.local import LocalChatModel


@dataclass(frozen=True, slots=True)
class TaskWork:
    """The inputs of every stage.

    Attributes:
        settings: The settings.
        examples: Examples of the task, which the model is shown.
        test: Items of the task's test; empty where there are none.
        folder: The run's folder; each stage has a folder with its name in it.
        reporter: Receives the progress.
        open_writer: Opens the model that writes, once.
        open_learner: Opens the model that learns, once.
        open_adapter: Opens the model that learns with an adapter of this folder.
    """

    settings: AlignTaskSettings
    examples: Sequence[TaskExample]
    test: Sequence[TestItem]
    folder: RunFolder
    reporter: Reporter
    open_writer: Callable[[], ChatModel]
    open_learner: Callable[[], "LocalChatModel"]
    open_adapter: Callable[[Path], "LocalChatModel"]

    def communities(self) -> Iterator[DocumentSettings]:
        """The communities with their documents."""
        yield from self.settings.documents

    def rows(self, stage: str, community: str) -> list[dict[str, Any]]:
        """The rows that a stage wrote for a community."""
        return read_rows(self.folder.path / file_of(stage, community))


def file_of(stage: str, community: str) -> str:
    """The file of a stage for a community, in the run's folder.

    >>> file_of("keep", "MEX/oaxaca")
    'keep/MEX_oaxaca.jsonl'
    """
    return f"{stage}/{community_file(community)}.jsonl"


def adapter_of(work: TaskWork, community: str) -> Path:
    """The folder of a community's adapter."""
    return work.folder.path / "tune" / community_file(community)


def passage_of(row: dict[str, Any]) -> Passage:
    """The passage of a row of the stage ``search``."""
    return Passage(row["passage"], row["document"], row["text"], row["license"])


def example_in(row: dict[str, Any]) -> TaskExample:
    """The example of a row of the stage ``keep``."""
    if "options" in row:
        return TaskExample(row["question"], row["answer"], tuple(row["options"]))
    return TaskExample(row["prompt"], row["answer"])
