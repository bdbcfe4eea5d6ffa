"""A study: its folder, and the settings and texts in `study.toml`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from pluralign.collecting.purposes import OFFERED, Purpose
from pluralign.collecting.secret_digests import load_secret
from pluralign.core import InvalidSettings, as_path, community, flip_probability
from pluralign.core.units import Unit
from pluralign.languages.speech import LANGUAGES
from pluralign.settings.validation import read_settings, validated
from pluralign.settings.variants import SettingsTable

STUDY_FILE, SECRET_FILE = "study.toml", "secret"
_MADE_WITH_SECRET = ("store.db", "personal.db")
Fraction = Annotated[float, Field(ge=0, le=1)]
Language = Literal["en", "es", "ar", "hi"]


class CommunitySettings(SettingsTable):
    """A community that takes part."""

    id: str
    """Id of the community, such as ``MEX``, ``MEX/oaxaca`` or ``~yoruba``."""
    name: dict[Language, str] = Field(default_factory=dict)
    """Name in each language. When unset: the name of the country."""
    people: Annotated[int, Field(ge=1), Unit("people")] = 50
    """Number of people that the study hopes for; communities furthest from it are invited first."""
    floor: Annotated[int, Field(ge=1), Unit("people")] | None = None
    """Fewest people behind a number on a page or in a release. When unset:
    ``release.floor``."""
    licence: str | None = None
    """Licence of what its people give. When unset: ``release.licence``."""
    labels: tuple[str, ...] = ()
    """Labels of Local Contexts, such as ``TK Attribution``, that travel with every row."""


class TextsSettings(SettingsTable):
    """The texts of a study in one language."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    """Title of the study."""
    about: Annotated[str, Field(min_length=1)]
    """Purpose of the study, who runs it, and how to reach them (Markdown)."""
    consent: Annotated[str, Field(min_length=1)]
    """The text that a person agrees to (Markdown). A changed text is a new version: people are
    asked again before their next answer."""
    policy: Annotated[str, Field(min_length=1)]
    """Which texts are shown and which are hidden, and by whom (Markdown)."""
    read_by: str = ""
    """The speaker of the language who checked these texts. While it is empty, every page shows
    that the text is a draft."""


class SittingSettings(SettingsTable):
    """One sitting of one person."""

    pairs: Annotated[int, Field(ge=1, le=200)] = 12
    """Number of pairs before the page suggests to stop."""
    repeat: bool = True
    """Whether one earlier pair of the sitting is asked again, to measure consistency."""
    writing: bool = True
    """Whether people may write prompts, answers and stories."""


class ChoosingSettings(SettingsTable):
    """Which pair is shown next: a mixture with known probabilities."""

    anchor: Fraction = 0.2
    """Share of pairs from a fixed random sample, the same for all people; evaluation uses these."""
    overlap: Fraction = 0.2
    """Share of pairs that other people of the community have judged."""
    fresh: Fraction = 0.1
    """Share of pairs with recently written texts."""
    informative: Fraction = 0.5
    """Share of pairs that reveal most about the community's taste (D-optimal design)."""
    anchors: Annotated[int, Field(ge=1)] = 40
    """Number of anchor pairs of each community."""
    overlap_people: Annotated[int, Field(ge=2)] = 5
    """Number of people who judge an overlap pair."""
    candidates: Annotated[int, Field(ge=2, le=5000)] = 500
    """Number of random pairs among which the most informative are sought."""
    most_share: Annotated[float, Field(gt=0, le=1)] = 0.05
    """Largest share of the answers of a community that come from one person, once it has
    enough people for that."""

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = self.anchor + self.overlap + self.fresh + self.informative
        if abs(total - 1) > 1e-9:
            raise ValueError(
                f"anchor, overlap, fresh and informative must add up to 1, not {total:g}"
            )
        if self.anchor == 0:
            raise ValueError("anchor must be > 0: evaluation needs pairs chosen at random")
        return self


class StudyPrivacySettings(SettingsTable):
    """Choices that the phone exchanges at random before it sends them."""

    epsilon: Annotated[float, Field(gt=0)] | None = None
    """Privacy parameter of each choice; 1 exchanges 27 of 100, 4 exchanges 2 of 100. When unset:
    choices are sent as made. Such a study asks for A or B only, and no pair twice."""

    @property
    def flip(self) -> float:
        """Probability that a phone exchanges left and right; 0 where choices are sent as made."""
        return 0.0 if self.epsilon is None else flip_probability(self.epsilon)


class ReleaseSettings(SettingsTable):
    """Releases: snapshots for training, evaluation and publication."""

    floor: Annotated[int, Field(ge=1), Unit("people")] = 10
    """Fewest people of a community in a release and in any number on a page."""
    round_to: Annotated[int, Field(ge=1)] = 5
    """Counts on pages and cards are rounded to a multiple of this number."""
    licence: Annotated[str, Field(min_length=1)] = "CC-BY-4.0"
    """Licence of what people give (SPDX)."""


class TextLimits(SettingsTable):
    """Largest lengths of what people write."""

    prompt: Annotated[int, Field(ge=20), Unit("characters")] = 500
    """Length of a prompt."""
    response: Annotated[int, Field(ge=20), Unit("characters")] = 2000
    """Length of an answer or a story."""
    reason: Annotated[int, Field(ge=20), Unit("characters")] = 1000
    """Length of a reason."""


class StudySettings(SettingsTable):
    """`study.toml`."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,49}$")]
    """Short name of the study: small letters, digits and hyphens."""
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = LANGUAGES  # type: ignore[assignment]
    """Languages of the pages; the first is shown where a browser prefers none of them."""
    address: Annotated[str, Field(pattern=r"^https?://[^/\s]+$")] | None = None
    """Public address, such as ``https://study.example.org``, with which links of invitations begin.
    When unset: the address of the running server."""
    min_age: Annotated[int, Field(ge=0, le=99), Unit("years")] = 18
    """Lowest age of people who may take part. Younger people are sent away, nothing is stored."""
    withdrawal: Literal["erase", "stop"] = "erase"
    """``erase``: everything that a withdrawn person gave is deleted, and models are fitted again.
    ``stop``: only further use ends; the consent text must state that."""
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)] = OFFERED
    """Purposes that people are asked for, each on its own."""
    communities: Annotated[tuple[CommunitySettings, ...], Field(min_length=1)]
    """The communities."""
    texts: dict[Language, TextsSettings]
    """The texts in each language."""
    sitting: SittingSettings = SittingSettings()
    """One sitting."""
    choosing: ChoosingSettings = ChoosingSettings()
    """Which pair is shown next."""
    privacy: StudyPrivacySettings = StudyPrivacySettings()
    """Choices exchanged at random by the phone."""
    release: ReleaseSettings = ReleaseSettings()
    """Releases."""
    limits: TextLimits = TextLimits()
    """Largest lengths of texts."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = [language for language in self.languages if language not in self.texts]
        if missing:
            raise ValueError(
                f"texts must have a table for each language; there is none for {missing[0]}"
            )
        if "collect" not in self.purposes:
            raise ValueError("purposes must have collect, without which nobody can take part")
        ids = [one.id for one in self.communities]
        if len(set(ids)) < len(ids):
            twice = next(id_ for id_ in ids if ids.count(id_) > 1)
            raise ValueError(f"each community must have one table, {twice} has several")
        for id_ in ids:
            community(id_)
        return self

    @property
    def asks_again(self) -> bool:
        """Whether a pair is asked again in a sitting; two exchanged answers would reveal more."""
        return self.sitting.repeat and self.privacy.epsilon is None

    def community(self, id_: str) -> CommunitySettings | None:
        """Settings of a community; None where the study does not have it."""
        return next((one for one in self.communities if one.id == id_), None)

    def floor_of(self, id_: str) -> int:
        """Fewest people of a community behind any number."""
        own = self.community(id_)
        return own.floor if own is not None and own.floor is not None else self.release.floor


@dataclass(frozen=True, slots=True)
class Study:
    """A study as its server and commands see it.

    Attributes:
        folder: Its folder.
        settings: Its settings and texts.
        secret: Key of the digests of participation keys, tokens and addresses.
    """

    folder: Path
    settings: StudySettings
    secret: bytes = field(repr=False)


def open_study(folder: str | Path) -> Study:
    """Read and check a study's folder.

    Raises:
        InvalidSettings: If it has no `study.toml`, or a setting is not valid.
    """
    folder = as_path(folder)
    path = folder / STUDY_FILE
    if not path.is_file():
        raise InvalidSettings(
            f"the folder has no {STUDY_FILE}",
            where=str(folder),
            hint=f"`pluralign collect init {folder}` writes one",
        )
    tables: dict[str, Any] = read_settings(path)
    settings = validated(StudySettings, tables, str(path))
    secret = folder / SECRET_FILE
    if not secret.exists() and any((folder / name).exists() for name in _MADE_WITH_SECRET):
        raise InvalidSettings(
            "the secret of the study is missing: without it, keys and invitations open nothing",
            where=str(secret),
            hint="copy the file `secret` from a backup; each snapshot has it",
        )
    return Study(folder, settings, load_secret(secret))
