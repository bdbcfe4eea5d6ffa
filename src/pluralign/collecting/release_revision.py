"""Take people out of a release on disk: the rest is as if they had never been in it."""

import shutil
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pluralign.collecting.release_facts import Facts, pair_rows
from pluralign.collecting.release_files import (
    finish_stopped,
    prepare_folder,
    put_in_place,
    read_release,
    release_files,
)
from pluralign.collecting.released_rows import SIDES, Contents, Row, above_floors


@dataclass(frozen=True, slots=True)
class Gone:
    """People and texts that must leave a release, by their public ids.

    Attributes:
        raters: The people.
        texts: Texts.
        unquoted: Other people, whose reasons must not be in it.
    """

    raters: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    unquoted: tuple[str, ...] = ()

    @classmethod
    def of(cls, row: Mapping[str, Collection[str]]) -> "Gone":
        """Read what `asdict` made of it."""
        return cls(**{name: tuple(ids) for name, ids in row.items()})


@dataclass(frozen=True, slots=True)
class Revision:
    """A release as it will be.

    Attributes:
        facts: Its facts.
        contents: Its rows; none where the release must be deleted.
        forgotten: Texts of pairs that no pair has any more.
        changes_pairs: Whether a pair left, so that models that read the release must be fitted
            again.
        people: The people among them who had pairs in it.
    """

    facts: Facts
    contents: Contents
    forgotten: list[str]
    changes_pairs: bool
    people: list[str]


def planned(releases: Path, id_: str, gone: Gone) -> Revision | None:
    """A release without people and texts; None where it has none of them, or is not on disk.

    A community that falls below its floor leaves the release.

    Raises:
        DamagedFile: If a file of the release was altered.
    """
    finish_stopped(releases)
    if not (releases / id_).is_dir():
        return None
    facts, contents = read_release(releases / id_)
    kept = above_floors(_without(contents, gone), facts.floor_of)
    if kept.answers == contents.answers and kept.texts == contents.texts:
        return None
    before, after = (pair_rows(rows, facts.most_share) for rows in (contents, kept))
    here = {row["community"] for row in kept.answers}
    revised = replace(
        facts,
        names={one: name for one, name in facts.names.items() if one in here},
        floors={one: floor for one, floor in facts.floors.items() if one in here},
        communities_left_out=facts.communities_left_out + len(facts.floors.keys() - here),
        revision=facts.revision + 1,
    )
    return Revision(
        facts=revised,
        contents=kept,
        forgotten=sorted(_texts(before) - _texts(after)),
        changes_pairs=len(after) < len(before),
        people=sorted({row["rater"] for row in before} & set(gone.raters)),
    )


def put_revision(releases: Path, id_: str, revision: Revision) -> None:
    """Replace the folder of a release as a whole; delete it where no answer is left."""
    if not revision.contents.answers:
        shutil.rmtree(releases / id_)
        return
    prepare_folder(releases, id_, release_files(revision.facts, revision.contents))
    put_in_place(releases, id_)


def _without(contents: Contents, gone: Gone) -> Contents:
    raters, texts, unquoted = set(gone.raters), set(gone.texts), set(gone.unquoted)
    answers = [
        row | {"context": None} if row["rater"] in unquoted else row
        for row in contents.answers
        if row["rater"] not in raters and not any(row[side] in texts for side in SIDES)
    ]
    kept = [row for row in contents.texts if row["id"] not in texts]
    return Contents(answers, kept, Counter())


def _texts(pairs: Sequence[Row]) -> set[str]:
    return {row[column] for row in pairs for column in ("prompt", "chosen", "rejected")}
