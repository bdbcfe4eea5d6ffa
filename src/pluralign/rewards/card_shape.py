"""The keys and types that the card of a saved model must have; a checksum shows damage alone."""

from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    ValidationError,
    model_validator,
)

from pluralign.core import DamagedFile, community

MOST_BYTES = 32_000_000
"""A card of ten thousand communities has about 5 MB."""

_Count = Annotated[int, Field(ge=0, le=4096)]
_Real = Annotated[float, Field(allow_inf_nan=False)]
_Scale = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]
_Share = Annotated[float, Field(gt=0, le=1)]


def _known(id_: str) -> str:
    return community(id_).id


def _inside(name: str) -> str:
    absolute = (
        PurePosixPath(name).is_absolute()
        or PureWindowsPath(name).drive
        or PureWindowsPath(name).root
    )
    if absolute or not name or "\0" in name or ".." in PureWindowsPath(name).parts:
        raise ValueError(f"must be a path inside the model's folder, got {name!r:.80}")
    return name


CommunityId = Annotated[str, AfterValidator(_known)]
PathInside = Annotated[str, AfterValidator(_inside)]


class _Shape(BaseModel):
    """The keys that must be there; more may be."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class _Trunk(_Shape):
    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    kind: Literal["embedding", "transformer"]
    fingerprint: str
    encoder: str | None = None
    interaction: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    components: NonNegativeInt = 0
    component_counts: Annotated[list[_Count], Field(min_length=2, max_length=2)] | None = None
    model: str | None = None

    @model_validator(mode="after")
    def _named(self) -> "_Trunk":
        needed = "encoder" if self.kind == "embedding" else "model"
        if getattr(self, needed) is None:
            raise ValueError(f"must name its {needed}")
        return self


class _PartsTrunk(_Shape):
    kind: Literal["transformer"]
    text: str
    max_length: Annotated[int, Field(ge=1, le=10_000_000)]
    overlong: str
    community: Literal["lora", "full"]


class _People(_Shape):
    pairs: NonNegativeInt
    raters: NonNegativeInt | None


class _Role(_People):
    role: str
    why: str | None = None


class _Accuracy(_Shape):
    value: _Real
    low: _Real | None
    high: _Real | None
    n: NonNegativeInt
    n_raters: NonNegativeInt | None


class _Prior(_Shape):
    """A prior for communities that nobody trained on; its tensors are next to the heads."""

    communities: NonNegativeInt
    people: NonNegativeInt | None
    pairs: NonNegativeInt
    rank: Annotated[int, Field(ge=0, le=1000)]
    ridge: Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]
    scales: Annotated[list[_Scale], Field(min_length=1, max_length=100)] = [1.0]
    shares: Annotated[list[_Share], Field(min_length=1, max_length=100)] = [1.0]

    @model_validator(mode="after")
    def _paired(self) -> "_Prior":
        if len(self.scales) != len(self.shares) or abs(sum(self.shares) - 1) > 1e-6:
            raise ValueError("each scale must have a share, and shares must have the sum 1")
        return self


class _Fading(_Shape):
    """Where steering fades; its tensors are next to the heads."""

    start: Annotated[float, Field(ge=0, le=1e3)]
    full: Annotated[float, Field(gt=0, le=1e3)]
    dimensions: Annotated[int, Field(ge=1, le=1_000_000)]
    anyone: Annotated[int, Field(ge=1, le=10_000)]
    asked: dict[CommunityId, Annotated[int, Field(ge=0, le=10_000)]]

    @model_validator(mode="after")
    def _rising(self) -> "_Fading":
        if self.full <= self.start:
            raise ValueError("full must be above start")
        return self


class _Adapted(_Shape):
    """A head that was made from few choices under the prior."""

    choices: NonNegativeInt
    people: NonNegativeInt | None


class _Card(_Shape):
    trunk: _Trunk
    communities: list[CommunityId]
    weights_sha256: str | None = None
    parts: dict[CommunityId, PathInside] | None = None
    files: dict[PathInside, str] = {}
    method: str | None = None
    about: str | None = None
    limits: str | None = None
    reference_fitted_on: list[CommunityId] = []
    licenses: list[str] = []
    people: dict[CommunityId, _People] = {}
    in_data: dict[CommunityId, _Role] = {}
    accuracy: dict[CommunityId, _Accuracy] = {}
    prior: _Prior | None = None
    fading: _Fading | None = None
    adapted: dict[CommunityId, _Adapted] = {}

    @model_validator(mode="after")
    def _fits(self) -> "_Card":
        if len(set(self.communities)) < len(self.communities):
            raise ValueError("communities names one twice")
        if (self.weights_sha256 is None) == (self.parts is None):
            raise ValueError("must have either weights_sha256 or parts")
        if self.parts is not None and list(self.parts) != self.communities:
            raise ValueError("parts and communities must name the same communities")
        if self.parts is not None:
            _PartsTrunk.model_validate(self.trunk.model_dump())
        return self


def check_card(card: dict[str, Any], path: Path) -> None:
    """Check that a card has what a model is opened, shown and served with.

    Args:
        card: As read.
        path: Where, for messages.

    Raises:
        DamagedFile: If it does not; the first key that does not fit is named.
    """
    try:
        _Card.model_validate(card)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"] if part != "[key]")[:120]
        what = first["msg"].removeprefix("Value error, ")
        raise DamagedFile(
            f"{place or 'the card'}: {what[:1].lower()}{what[1:300]}",
            where=str(path),
            hint="get the model again",
        ) from error
