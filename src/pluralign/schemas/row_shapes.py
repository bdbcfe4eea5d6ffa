"""Shapes of the rows that functions read, and that so have no type with checks of its own.

Tests compare each shape with its reader: a row that fits is read, and one that the reader refuses
for its form does not fit.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pluralign.core.answer_rows import PROBS_SUM
from pluralign.core.pairs import MOST_WEIGHT

Whole = Annotated[float, Field(strict=True, multiple_of=1)]
"""A whole number; 17.0 is one."""
Count = Annotated[float, Field(strict=True, multiple_of=1, ge=0)]
Id = str | Whole
"""Text or a whole number: 17, 17.0 and "17" are one id."""
RequiredId = Annotated[str, Field(min_length=1)] | Whole
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class OpenShape(BaseModel):
    """Columns that are read; a row may have others."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)


class MessageShape(OpenShape):
    """One turn of a conversation."""

    role: str
    content: str


class AssistantShape(OpenShape):
    """The one message of a response."""

    role: Literal["assistant"]
    content: str


Turns = Annotated[list[MessageShape], Field(min_length=1)]
Response = str | Annotated[list[AssistantShape], Field(min_length=1, max_length=1)]


class PairShape(OpenShape):
    """A preference pair: the choice of one rater between two responses to one prompt."""

    prompt: str | Turns = Field(description="Text, or the turns so far.")
    chosen: Response = Field(description="The preferred response.")
    rejected: Response = Field(description="The other response.")
    id: Id | None = Field(None, description="Unique in the file; without it, the line counts.")
    community: str | None = Field(
        None, description="Id or name of the rater's community; without it, the whole world."
    )
    rater: Id | None = Field(None, description="Id of the person who compared.")
    strength: Annotated[float, Field(gt=0)] | None = Field(
        None, description="How clear the choice was, in the source's own unit."
    )
    weight: Annotated[float, Field(ge=0, le=MOST_WEIGHT)] | None = Field(
        None, description="Weight of the pair; 1 where it is missing."
    )
    flip: Annotated[float, Field(ge=0, lt=0.5)] | None = Field(
        None, description="Probability that chosen and rejected were exchanged at random."
    )
    question: str | None = Field(None, description="The question of the pair, for splits.")
    stem: str | None = Field(None, description="The wording that a battery of questions shares.")
    context: str | None = Field(None, description="The rater's own words about the choice.")
    language: str | None = Field(None, description="BCP 47 tag of the text.")
    source: str | None = Field(None, description="Name of the data set.")
    license: str | None = Field(None, description="Its licence.")


class AnswerShape(OpenShape):
    """A recorded answer of a language model to a survey question."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["community"]}, {"required": ["country"]}]}
    )

    model: str = Field(min_length=1, description="Name of the respondent.")
    strategy: str = Field(min_length=1, description="How the question was put.")
    question_id: RequiredId = Field(description="Id of the question.")
    answer: str | float | None = Field(
        description="The text as returned; null where nothing was returned."
    )
    community: str | None = Field(
        None, description="Community whose people were asked for; null where none was named."
    )
    country: str | None = Field(None, description="The same, where there is no `community`.")
    order: list[Annotated[int, Field(ge=0)]] | None = Field(
        None,
        description="Index of the option at each place, a permutation; empty for their own order.",
        json_schema_extra={"uniqueItems": True},
    )
    labels: list[str | int] | None = Field(None, description="The label before each option.")
    variant: str | None = Field(None, description="Wording of the prompt.")
    language: str | None = Field(None, description="BCP 47 tag of the prompt; default en.")
    draw: Count | None = Field(None, description="Number of the draw.")
    shows_gold: bool | None = Field(
        None, description="Whether the prompt showed real answers of these people."
    )
    probs: list[Annotated[float, Field(ge=0, le=1 + PROBS_SUM)]] | None = Field(
        None, description="Probability of each option; they sum to 1."
    )
    finish_reason: str | None = Field(None, description="Why the text ended.")
    not_sent: list[str] | None = Field(None, description="Fields that the server refused.")
    machine_written: bool | None = Field(
        None, description="Whether no native reader has signed the words of the prompt."
    )

    @model_validator(mode="after")
    def _has_a_community(self) -> Self:
        if not {"community", "country"} & self.model_fields_set:
            raise ValueError("no community: write null where none was named")
        return self


class KnowledgeAnswerShape(OpenShape):
    """A recorded answer of a language model to a knowledge question."""

    model: str = Field(min_length=1, description="Name of the respondent.")
    community: str = Field(min_length=1, description="Id of the community asked about.")
    question_id: RequiredId = Field(description="Id of the question.")
    language: str = Field(min_length=1, description="BCP 47 tag of the words of the question.")
    answer: str | float | None = Field(
        description="The text as returned; null where nothing was returned."
    )
    place_named: bool | None = Field(None, description="Whether the words name the place.")
    form: Literal["short", "options"] | None = Field(
        None, description="In the respondent's own words, or one of several options."
    )
    options: Annotated[list[str], Field(json_schema_extra={"uniqueItems": True})] | None = Field(
        None, description="The options as shown, in the order shown; empty for short answers."
    )
    option_communities: list[str] | None = Field(
        None, description="Community whose common answer each option is; empty where unknown."
    )
    labels: list[str | int] | None = Field(None, description="The label before each option.")
    draw: Count | None = Field(None, description="Number of the draw.")
    log_probs: list[float] | None = Field(
        None, description="Log-probability of each option, in nats."
    )
    finish_reason: str | None = Field(None, description="Why the text ended.")
    not_sent: list[str] | None = Field(None, description="Fields that the server refused.")


class ReleasedFile(OpenShape):
    """A table of a release."""

    rows: Count
    sha256: Digest


class ReleaseShape(OpenShape):
    """The facts of a release of a study in which people took part (`release.json`)."""

    id: str = Field(description="Id of the release.")
    study: str = Field(description="Short name of the study.")
    title: str = Field(description="Its title.")
    about: str = Field(description="Its purpose, as participants read it.")
    names: dict[str, str] = Field(description="Community -> name.")
    purposes: list[Literal["train", "evaluate", "publish-rows", "publish-quotes"]] = Field(
        min_length=1, description="Purposes to which all people in it consented."
    )
    made_on: str = Field(
        pattern=r"^\d{4}-\d{2}-\d{2}$", description="Date of the release, ISO 8601."
    )
    audit_head: str = Field(description="Head of the audit log at the snapshot.")
    stewards: list[str] = Field(description="Names of the stewards who agreed.")
    floors: dict[str, Count] = Field(description="Community -> fewest people.")
    round_to: Annotated[float, Field(multiple_of=1, ge=1)] = Field(
        description="Counts are rounded to a multiple of this number."
    )
    min_age: Count = Field(description="Lowest age of participants, in years.")
    left_out: dict[str, Count | None] = Field(
        description="Reason -> rounded answers left out; null where below the floor."
    )
    communities_left_out: Count = Field(description="Communities that are not in the release.")
    documents: dict[str, Count] = Field(description="Digest of a consent text -> its version.")
    revision: Count = Field(0, description="Higher after people withdrew.")
    most_share: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="Largest share of one person in the weights of a community's pairs."
    )
    communities: dict[str, dict[str, Count]] = Field(description="Community -> rounded counts.")
    files: dict[str, ReleasedFile] = Field(description="Table -> its rows and its digest.")
    digest: Digest = Field(description="Digest of the tables together.")
