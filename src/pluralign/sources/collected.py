"""Choices that a community gave in a study of `pluralign collect`: the folder of a release."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from pluralign.core import (
    DamagedFile,
    InvalidInput,
    PreferencePair,
    Tally,
    folder_faults,
    read_json_object,
)
from pluralign.core.manifest import describe_faults
from pluralign.sources.row_files import RowPolicy, location, read_rows, refused_at
from pluralign.sources.typed_cells import Row, id_of, optional_number, optional_text, text_of

PAIRS, ANSWERS, FACTS = "pairs.jsonl", "answers.jsonl", "release.json"
"""Files of a release: its choices with texts, all answers, and its facts."""
_USED = (
    *("id", "prompt", "chosen", "rejected", "community", "rater", "strength", "context"),
    *("language", "source", "license", "flip", "consent", "weight"),
)
_AGAIN = "write the release again (`pluralign collect release`), or restore it from a backup"


@dataclass(frozen=True, slots=True)
class CollectedPairs:
    """A release of a study in which people took part.

    Ties, "both bad", "don't know" and pairs that were asked again are counted and make no pair.
    ``weight`` is below 1 for a person with more than the largest share of a community's pairs.
    ``context`` is the person's own words about the choice, and ``flip`` the probability that their
    phone exchanged the responses. ``extra`` has ``reason`` (why the pair was shown: ``anchor``,
    ``overlap``, ``fresh`` or ``informative``), ``propensity``, ``policy``, and the origins of the
    texts.

    Attributes:
        path: The folder of the release, in ``releases`` of the study.
        use: The purpose: people consented to each on its own.
    """

    name: ClassVar[str] = "collected"
    about: ClassVar[str] = "a release of a study in which people took part: pluralign collect"
    license: ClassVar[str] = "on each row"

    path: Path
    use: Literal["train", "evaluate"] = "train"

    def pairs(self, tally: Tally | None = None) -> Iterator[PreferencePair]:
        """Stream the choices of the release.

        Raises:
            InvalidInput: If the folder is not a release, or not one for this use.
            DamagedFile: If a file of the release is missing, or is not as it was written.
            NotEnoughData: If there are no answers.
        """
        check_release(self.path)
        purposes = read_json_object(self.path / FACTS)["purposes"]
        if self.use not in purposes:
            raise InvalidInput(
                f"people consented to {', '.join(purposes)}, not to {self.use}",
                where=str(self.path),
                hint=f"make a release for it: pluralign collect release STUDY --purpose {self.use}",
            )
        policy = RowPolicy(tally if tally is not None else Tally())
        pairs = read_rows(self.path / PAIRS, RowPolicy(Tally()))
        for number, answer in read_rows(self.path / ANSWERS, policy):
            reason = _no_pair(answer)
            if reason is not None:
                policy.tally.drop(reason)
                continue
            line, row = next(pairs, (0, {}))
            if row.get("id") != answer["id"]:
                raise DamagedFile(
                    f"the answer {answer['id']} is not in {PAIRS}",
                    where=location(self.path / ANSWERS, number),
                    hint=_AGAIN,
                )
            with refused_at(self.path / PAIRS, line):
                pair = _pair(row)
            policy.tally.kept += 1
            yield pair


def check_release(folder: Path) -> None:
    """Check that a folder is a release, with all files as they were written.

    Raises:
        InvalidInput: If it is not a release.
        DamagedFile: If a file is missing or was altered.
    """
    if not (folder / FACTS).is_file():
        raise InvalidInput(
            f"not a release: it has no {FACTS}",
            where=str(folder),
            hint="name a folder in `releases` of a study; `pluralign collect release` makes one",
        )
    faults = folder_faults(folder)
    if faults is None or faults:
        what = describe_faults(faults) if faults else "it has no manifest"
        raise DamagedFile(what, where=str(folder), hint=_AGAIN)


def _no_pair(answer: Row) -> str | None:
    """The reason why an answer makes no pair; None if it makes one."""
    if answer["repeats"] is not None:
        return "asked again, to measure consistency"
    choice = answer["choice"]
    return None if choice in ("left", "right") else f"no preference: {choice}"


def _pair(row: Row) -> PreferencePair:
    return PreferencePair(
        id=id_of(row, "id"),
        prompt=text_of(row, "prompt"),
        chosen=text_of(row, "chosen"),
        rejected=text_of(row, "rejected"),
        community=id_of(row, "community"),
        rater=id_of(row, "rater"),
        weight=optional_number(row, "weight") or 1.0,
        strength=optional_number(row, "strength"),
        context=optional_text(row, "context"),
        language=optional_text(row, "language"),
        source=text_of(row, "source"),
        license=text_of(row, "license"),
        flip=optional_number(row, "flip") or 0.0,
        extra={name: value for name, value in row.items() if name not in _USED},
    )
