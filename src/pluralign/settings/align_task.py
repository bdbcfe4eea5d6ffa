"""Settings of adapters that learn a target task from documents: one TOML file, validated whole."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pluralign.core.units import Unit
from pluralign.methods.policies import PolicyTuningConfig
from pluralign.methods.task_data import KeepConfig
from pluralign.settings.align import RouteSettings
from pluralign.settings.survey import AnyModelSettings
from pluralign.settings.toml_tables import FolderName
from pluralign.settings.variants import SettingsTable

Count = Annotated[int, Field(ge=1)]


class TaskFiles(SettingsTable):
    """The target task."""

    examples: Path
    """File of examples of the task (JSONL, JSON, CSV, Parquet): ``question``, ``options`` and
    ``answer``, or ``prompt`` and ``answer``. They show the format, and their words are searched."""
    test: Path | None = None
    """File of the task's test items, in the same columns, perhaps with ``community``: adapters are
    measured on them, and near copies of them are left out. When unset: a part of the examples."""
    held_out: Annotated[float, Field(ge=0, lt=1)] = 0.3
    """Without ``test``: share of the examples, rounded down, that are test items instead; a digest
    of their words decides which. 0: nothing is measured."""
    shown: Count = 3
    """Number of examples that the model is shown for each new one."""


class DocumentSettings(SettingsTable):
    """The documents of one community."""

    community: str
    """The community."""
    path: Path | None = None
    """Folder of texts (``.txt``, ``.md``) and saved web pages (``.html``)."""
    url: str | None = None
    """Address of a search server, instead of a folder."""
    license: str | None = None
    """Licence of the documents; it is kept with every example."""
    language: str | None = None
    """BCP 47 tag of the language in which to write. When unset: that of the examples, unchecked."""

    @model_validator(mode="after")
    def _is_somewhere(self) -> "DocumentSettings":
        if (self.path is None) == (self.url is None):
            raise ValueError("either path (a folder) or url (a search server) must be set")
        return self


class DocumentSearchSettings(SettingsTable):
    """The search in the documents."""

    passages: Count = 3
    """Most passages for each example of the task."""
    words: Annotated[int, Field(ge=10), Unit("words")] = 150
    """Length of a passage of a folder's documents, about."""


class WriteSettings(SettingsTable):
    """How a model writes examples."""

    n: Count = 100
    """Examples to write for each community."""
    temperature: Annotated[float, Field(ge=0)] = 0.8
    """Temperature of sampling."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Total probability of the likeliest words among which to draw."""
    max_new_tokens: Annotated[int, Field(ge=1), Unit("tokens")] = 256
    """Most tokens of one example."""


class TaskRouteSettings(RouteSettings):
    """The router that picks a community's adapter by the words of a question."""

    share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of the kept examples of each community, rounded up, that no adapter learns and on which
    the router is chosen. None are put aside where there can be no router."""


class TaskEvaluation(SettingsTable):
    """How the start model and the adapters are measured on test items."""

    measures: tuple[Literal["letter", "words", "generated"], ...] = ("letter", "generated")
    """Items with options: ``letter`` (the likeliest letter), ``words`` (the option whose words are
    likeliest after the question alone, per token), ``generated`` (the letter or option that the
    model writes). The first chooses the router. Items without options: always what is written."""
    max_new_tokens: Annotated[int, Field(ge=1), Unit("tokens")] = 32
    """Most tokens of a written answer; the likeliest word is taken each time."""

    @model_validator(mode="after")
    def _measures_some(self) -> "TaskEvaluation":
        if not self.measures or len(set(self.measures)) != len(self.measures):
            raise ValueError("measures must name at least one measure, each once")
        return self


class AlignTaskSettings(SettingsTable):
    """Adapters that learn a target task, for each community from its documents."""

    data: Literal["task"] = "task"
    """``task``: this kind of run."""
    name: FolderName = "task"
    """Name of the run; without ``--out`` it is also the name of its folder."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of draws and training."""
    task: TaskFiles
    documents: tuple[DocumentSettings, ...]
    """Documents of each community: a table ``[[documents]]`` for each."""
    model: AnyModelSettings
    writer: AnyModelSettings | None = None
    """The model that writes the examples, a table as ``[model]``. When unset: the model that
    learns."""
    search: DocumentSearchSettings = DocumentSearchSettings()
    write: WriteSettings = WriteSettings()
    keep: KeepConfig = KeepConfig()
    tune: PolicyTuningConfig = PolicyTuningConfig()
    route: TaskRouteSettings = TaskRouteSettings()
    evaluate: TaskEvaluation = TaskEvaluation()

    @model_validator(mode="after")
    def _fits(self) -> "AlignTaskSettings":
        if self.model.kind != "local" or self.model.adapter is not None:
            raise ValueError(
                'model.kind must be "local", without an adapter: adapters are trained on it. A '
                "server can write the examples: set it as [writer]"
            )
        if self.writer is not None and self.writer.kind == "simulated":
            raise ValueError('writer.kind must be "local" or "endpoint"')
        named = [one.community for one in self.documents]
        if not named or len(set(named)) != len(named):
            raise ValueError("documents must have one table for each community, at least one")
        if self.tune.kinds != ("specific",):
            raise ValueError('tune.kinds must be ["specific"]: there is an adapter per community')
        return self
