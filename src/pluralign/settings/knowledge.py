"""Settings of asking a language model a test of knowledge: one TOML file."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from pluralign.core import AnswerForm, InvalidSettings
from pluralign.core.units import Unit
from pluralign.settings.survey import AnyModelSettings, SamplingSettings
from pluralign.settings.toml_tables import FolderName
from pluralign.settings.variants import SettingsTable

FormChoice = Literal["short", "options", "both"]
PlaceChoice = Literal["named", "unnamed", "both"]


def forms_of(choice: FormChoice) -> tuple[AnswerForm, ...]:
    """The forms of the answers."""
    return ("short", "options") if choice == "both" else (choice,)


def ways_to_name(choice: PlaceChoice) -> tuple[bool, ...]:
    """For each way to ask a question: whether the words name the place."""
    return {"named": (True,), "unnamed": (False,), "both": (True, False)}[choice]


class KnowledgeSamplingSettings(SamplingSettings):
    """Settings of the model's sampling."""

    max_new_tokens: Annotated[int, Field(ge=1), Unit("tokens")] = 64
    """Most tokens of one answer."""


class KnowledgeSettings(SettingsTable):
    """A test of knowledge that a language model is asked."""

    name: FolderName = "knowledge"
    """Name of the run; without ``--out`` it is also the name of its folder."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the options, their order, the draws and the choice of questions."""
    communities: tuple[str, ...] | None = None
    """Communities to ask about. When unset: every community of the test."""
    languages: tuple[str, ...] | None = None
    """Tags of the languages to ask in, such as ``fa`` and ``en``. When unset: every language that a
    question has."""
    place: PlaceChoice = "named"
    """Whether the words name the place that a question is about. Without it, phrases such as "in
    Iran" are left out of the question, which must not name the place in another way."""
    form: FormChoice = "short"
    """Form of the answers: in the model's own words (``short``), or one of several ``options``."""
    method: Literal["generate", "likelihood"] = "generate"
    """Source of the answers: written by the model (``generate``), or the option whose words are
    likeliest for their length (``likelihood``, for local models and ``options`` only)."""
    options: Annotated[int, Field(ge=3, le=10)] = 4
    """Number of options of a question without options of its own: the community's common answer and
    other communities' common answers."""
    draws: Annotated[int, Field(ge=1)] = 1
    """Number of times each question is asked; answers differ only with a temperature above 0."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Number of questions to ask about each community, drawn by the seed among those that can
    be asked, in one order for all communities. When unset: all."""
    test: dict[str, Any]
    """The test: ``path`` of a file or folder, or a list of several, with ``community`` and
    ``language`` where a file does not name them (unless given, those asked about, if there is one
    of each); or a source with its settings, such as ``source = "blend"``."""
    model: AnyModelSettings
    sampling: KnowledgeSamplingSettings = KnowledgeSamplingSettings()

    @property
    def forms(self) -> tuple[AnswerForm, ...]:
        """The forms of the answers."""
        return forms_of(self.form)

    @property
    def place_named(self) -> tuple[bool, ...]:
        """For each way to ask a question: whether the words name the place."""
        return ways_to_name(self.place)

    @model_validator(mode="before")
    @classmethod
    def _names_a_model_and_a_test(cls, tables: Any) -> Any:
        """Report what is missing with the options that give it."""
        if isinstance(tables, dict):
            model = tables.get("model", {})
            if isinstance(model, dict) and "name" not in model and model.get("kind") != "simulated":
                raise InvalidSettings(
                    "a model must be named",
                    hint="add --model with its folder or its name on the hub, or --base-url URL "
                    "--model NAME for a server; to try without one, --set model.kind=simulated",
                )
            if "test" not in tables:
                raise InvalidSettings(
                    "a test must be named",
                    hint='give its file or folder, or in a file of settings test.path = "..."',
                )
        return tables

    @model_validator(mode="after")
    def _fits(self) -> "KnowledgeSettings":
        if self.method == "likelihood" and self.model.kind == "endpoint":
            raise ValueError(
                'method = "likelihood" needs a local model: use one, or set method = "generate"'
            )
        if self.method == "likelihood" and self.form != "options":
            raise ValueError('method = "likelihood" scores options: set form = "options"')
        for name in ("communities", "languages"):
            given = getattr(self, name)
            if given is not None and (not given or len(set(given)) < len(given)):
                raise ValueError(f"{name} must name at least one, each once")
        return self
