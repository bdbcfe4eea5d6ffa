"""The files of a release: the same rows and the same facts give the same bytes.

`pairs.jsonl` has the choices as `pluralign run` reads them, `answers.jsonl` every answer with ties,
"both bad" and "don't know", `texts.jsonl` each text once. `release.json` has the facts and the
digests, `README.md` is the data card, `croissant.json` the same for machines, and `manifest.jsonl`
lists all files.
"""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from pluralign.collecting.croissant import croissant_of
from pluralign.collecting.data_card import data_card
from pluralign.collecting.release_facts import (
    CARD,
    CROISSANT,
    TEXTS,
    Facts,
    counts_of,
    pair_rows,
    rounded,
)
from pluralign.collecting.released_rows import Contents, Row
from pluralign.core import list_folder, read_json_object
from pluralign.core.digests import names_digest
from pluralign.core.files import sync_folder, whole_file
from pluralign.sources.collected import ANSWERS, FACTS, PAIRS, check_release

RELEASES = "releases"
_NEW, _OLD = ".new-", ".old-"


def release_files(facts: Facts, contents: Contents) -> dict[str, bytes]:
    """Every file of a release but its manifest."""
    tables = {
        PAIRS: pair_rows(contents, facts.most_share),
        ANSWERS: contents.answers,
        TEXTS: contents.texts,
    }
    data = {name: _lines(rows) for name, rows in tables.items()}
    digests = {name: digest_of(content) for name, content in data.items()}
    shown = {
        community: {name: rounded(n, facts.round_to) for name, n in counts.items()}
        for community, counts in counts_of(contents.answers).items()
    }
    described = asdict(facts) | {
        "communities": shown,
        "files": {name: {"rows": len(tables[name]), "sha256": digests[name]} for name in data},
        "digest": names_digest(digests),
    }
    return data | {
        FACTS: _json(described),
        CARD: data_card(facts, contents, shown).encode(),
        CROISSANT: _json(croissant_of(facts, contents, digests)),
    }


def digest_of(content: bytes) -> str:
    """SHA-256 of a file's content."""
    return hashlib.sha256(content).hexdigest()


def data_digest(files: Mapping[str, bytes]) -> str:
    """The digest of a release: that of its three tables."""
    return names_digest({name: digest_of(files[name]) for name in (PAIRS, ANSWERS, TEXTS)})


def read_release(folder: Path) -> tuple[Facts, Contents]:
    """Read a release whose files are as they were written.

    Raises:
        DamagedFile: If one is missing, was altered, or does not belong to it.
    """
    check_release(folder)
    row = read_json_object(folder / FACTS)
    known = [field.name for field in fields(Facts) if field.name in row]
    facts = Facts(**{name: row[name] for name in known})
    answers, texts = (_read_lines(folder / name) for name in (ANSWERS, TEXTS))
    return facts, Contents(answers, texts, Counter())


def on_disk(study: Path) -> set[str]:
    """Ids of the releases in a study's folder."""
    return {path.parent.name for path in (study / RELEASES).glob(f"[!.]*/{FACTS}")}


def prepare_folder(releases: Path, id_: str, files: Mapping[str, bytes]) -> Path:
    """Write the files of a release into a folder that nobody reads yet; return it."""
    new = releases / f"{_NEW}{id_}"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True, mode=0o700)
    for name, content in files.items():
        with whole_file(new / name) as partial:
            partial.write_bytes(content)
    list_folder(new)
    return new


def put_in_place(releases: Path, id_: str) -> Path:
    """Let the prepared folder of a release take the place of its earlier one, if any."""
    new, old, place = releases / f"{_NEW}{id_}", releases / f"{_OLD}{id_}", releases / id_
    if place.exists():
        place.rename(old)
    new.rename(place)
    sync_folder(releases)
    shutil.rmtree(old, ignore_errors=True)
    return place


def finish_stopped(releases: Path) -> None:
    """Tidy up after a process that was killed while it wrote a release.

    A folder is prepared whole before the earlier one is moved away, so what is there is complete.
    """
    for old in sorted(releases.glob(f"{_OLD}*")):
        id_ = old.name.removeprefix(_OLD)
        if not (releases / id_).exists():
            (releases / f"{_NEW}{id_}").rename(releases / id_)
        shutil.rmtree(old)
    for new in sorted(releases.glob(f"{_NEW}*")):
        shutil.rmtree(new)


def _lines(rows: Sequence[Row]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def _read_lines(path: Path) -> list[Row]:
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]
