"""Take people out of a release on disk: the rest is as if they had never been in it."""

import shutil
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from pluralign.collecting.release_facts import pair_rows
from pluralign.collecting.release_files import (
    finish_stopped,
    prepare_folder,
    put_in_place,
    read_release,
    release_files,
)
from pluralign.collecting.released_rows import SIDES, Contents, Row, above_floors


def holds(releases: Path, id_: str, rater: str, texts: Collection[str]) -> bool:
    """Whether a release on disk has answers of a person, or texts.

    Raises:
        DamagedFile: If a file of the release was altered.
    """
    finish_stopped(releases)
    if not (releases / id_).is_dir():
        return False
    _, contents = read_release(releases / id_)
    here = {row["id"] for row in contents.texts}
    return any(row["rater"] == rater for row in contents.answers) or not here.isdisjoint(texts)


def revise(
    releases: Path,
    id_: str,
    rater: str,
    texts: Collection[str],
    forget: Callable[[list[str]], object],
) -> None:
    """Write a release again without a person's answers, and without pairs that have given texts.

    A community that falls below its floor leaves the release. The folder is replaced as a whole.

    Args:
        releases: Folder of the releases.
        id_: The release.
        rater: Public id of the person.
        texts: Public ids of their texts.
        forget: Called with the texts that no pair of the release has any more, before it is
            replaced.
    """
    facts, contents = read_release(releases / id_)
    kept = above_floors(_without(contents, rater, set(texts)), facts.floor_of)
    forget(sorted(_texts(contents) - _texts(kept)))
    if not kept.answers:
        shutil.rmtree(releases / id_)
        return
    here = {row["community"] for row in kept.answers}
    revised = replace(
        facts,
        names={one: name for one, name in facts.names.items() if one in here},
        floors={one: floor for one, floor in facts.floors.items() if one in here},
        communities_left_out=facts.communities_left_out + len(facts.floors.keys() - here),
        revision=facts.revision + 1,
    )
    prepare_folder(releases, id_, release_files(revised, kept))
    put_in_place(releases, id_)


def _without(contents: Contents, rater: str, texts: Collection[str]) -> Contents:
    answers = [row for row in contents.answers if _stays(row, rater, texts)]
    kept = [row for row in contents.texts if row["id"] not in texts]
    return Contents(answers, kept, Counter())


def _stays(row: Row, rater: str, texts: Collection[str]) -> bool:
    return row["rater"] != rater and not any(row[side] in texts for side in SIDES)


def _texts(contents: Contents) -> set[str]:
    rows = pair_rows(contents)
    return {row[column] for row in rows for column in ("prompt", "chosen", "rejected")}
