"""Inputs of every stage: settings, the task's examples, models, and the run's folder."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pluralign.core import ChatModel, Passage, Reporter
from pluralign.methods.task_data import TaskExample
from pluralign.runs.folder import RunFolder, read_rows
from pluralign.settings import AlignTaskSettings
from pluralign.settings.align_task import DocumentSettings
from pluralign.sources.task_files import TaskRow


@dataclass(frozen=True, slots=True)
class TaskWork:
    """The inputs of every stage.

    Attributes:
        settings: The settings.
        examples: Examples of the task, which the model is shown.
        test: Items of the task's test.
        folder: The run's folder; each stage has a folder with its name in it.
        reporter: Receives the progress.
        open_writer: Opens the model that writes, once.
        open_learner: Opens the model that learns, once.
    """

    settings: AlignTaskSettings
    examples: Sequence[TaskExample]
    test: Sequence[TaskExample]
    folder: RunFolder
    reporter: Reporter
    open_writer: Callable[[], ChatModel]
    open_learner: Callable[[], ChatModel]

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
    return f"{stage}/{community.replace('/', '_')}.jsonl"


def passage_of(row: dict[str, Any]) -> Passage:
    """The passage of a row of the stage ``search``."""
    return Passage(row["passage"], row["document"], row["text"], row["license"])


def examples_of(rows: Sequence[TaskRow]) -> list[TaskExample]:
    """Items of a task."""
    return [TaskExample(question, answer, options) for question, answer, options in rows]
