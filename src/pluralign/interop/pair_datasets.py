"""Preference pairs as a data set of Hugging Face `datasets`: in memory, and as a folder.

`pluralign.sources.pairs_from` reads such a data set back.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.core import (
    AnyPath,
    InvalidInput,
    MissingExtra,
    NotEnoughData,
    PreferencePair,
    as_path,
    count_of,
    whole_file,
)
from pluralign.interop.dataset_origin import Origin, write_origins
from pluralign.sources.croissant import CONTEXT, NUMBER, STANDARDS, TEXT, file_object, record_set

PAIRS, CARD, CROISSANT = "pairs.jsonl", "README.md", "croissant.json"
_TEXTS = {
    "id": "Id of the pair.",
    "prompt": "The prompt: text, or turns.",
    "chosen": "The preferred response.",
    "rejected": "The other response.",
    "community": "Id of the rater's community.",
    "rater": "Id of the person who compared.",
    "question": "The question of the pair, for splits.",
    "stem": "The wording that a battery of questions shares.",
    "context": "The rater's own words about the choice.",
    "language": "Language of the text (BCP 47).",
    "source": "Name of the data set that the pair comes from.",
    "license": "Licence of the pair.",
}
_NUMBERS = {
    "strength": "How clear the choice was, in the source's own unit.",
    "weight": "Weight of the pair.",
    "flip": "Probability that chosen and rejected were exchanged at random.",
}
_DIALOGUE = ("prompt", "chosen", "rejected")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


@dataclass(frozen=True, slots=True)
class DatasetSheet:
    """Statements of the card of a data set beyond its rows.

    Attributes:
        name: Short name, of letters, digits and hyphens.
        about: Content of the pairs, the people who compared, and their task, in sentences.
        license: SPDX id of the licence of the whole, such as ``CC-BY-4.0``.
        url: Page of the data set; empty if there is none.
        published: Date of publication, ISO 8601; empty if it is not known.
        cite: How to cite it; empty if there is nothing to cite.
    """

    name: str
    about: str
    license: str
    url: str = ""
    published: str = ""
    cite: str = ""


def dataset_rows(pairs: Sequence[PreferencePair]) -> list[dict[str, Any]]:
    """Pairs as rows with the same columns and types, which TRL reads.

    Where a prompt has turns, prompts and responses of all rows are lists of messages; else all are
    text. Further columns of the source (`PreferencePair.extra`) are left out.

    Raises:
        NotEnoughData: If there are no pairs.

    >>> pair = PreferencePair("1", "Tea?", "Yes", "No", community="GBR", rater="r1")
    >>> row = dataset_rows([pair])[0]
    >>> row["prompt"], row["rater"], row["strength"]
    ('Tea?', 'r1', None)
    """
    if not pairs:
        raise NotEnoughData("there are no pairs", hint="read some with a source")
    turns = _has_turns(pairs)
    return [_row(pair, turns) for pair in pairs]


def to_dataset(pairs: Iterable[PreferencePair]) -> Any:
    """Make a `datasets.Dataset` of pairs, with fixed features; see `dataset_rows`.

    Args:
        pairs: The pairs; `pairs_from(dataset).pairs()` gives them back.

    Raises:
        MissingExtra: If datasets is not installed.
        NotEnoughData: If there are no pairs.
    """
    try:
        from datasets import Dataset, Features, Value
    except ImportError as error:
        raise MissingExtra.named("hub", "datasets") from error
    found = list(pairs)
    rows = dataset_rows(found)
    text, number = Value("string"), Value("float64")
    columns: dict[str, Any] = {name: number if name in _NUMBERS else text for name in rows[0]}
    if _has_turns(found):
        columns |= {name: [{"role": text, "content": text}] for name in _DIALOGUE}
    return Dataset.from_list(rows, features=Features(columns))


def write_dataset(
    pairs: Iterable[PreferencePair],
    folder: AnyPath,
    sheet: DatasetSheet,
    origins: Sequence[Origin] = (),
) -> Path:
    """Write pairs as a folder that `datasets.load_dataset` and the hub read.

    The files are ``pairs.jsonl``, ``README.md`` (a card whose front matter fixes the features) and
    ``croissant.json`` (Croissant 1.1 with responsible-AI fields).

    Args:
        pairs: The pairs.
        folder: The folder; it must be new or empty.
        sheet: Statements of the card.
        origins: Run or releases that the pairs are from, as they were before the pairs were read:
            `push` refuses the data set when people have withdrawn from them since.

    Returns:
        The folder.

    Raises:
        InvalidInput: If the folder has files.
        NotEnoughData: If there are no pairs.
    """
    folder = as_path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput(
            "the folder must be new or empty", where=str(folder), hint="name another folder"
        )
    found = list(pairs)
    rows = dataset_rows(found)
    data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    turns = _has_turns(found)
    described = _croissant(rows, sheet, turns, hashlib.sha256(data).hexdigest())
    folder.mkdir(parents=True, exist_ok=True)
    if origins:
        write_origins(origins, folder)
    for name, content in (
        (PAIRS, data),
        (CROISSANT, (json.dumps(described, ensure_ascii=False, indent=2) + "\n").encode()),
        (CARD, _card(rows, sheet, turns).encode()),
    ):
        with whole_file(folder / name) as partial:
            partial.write_bytes(content)
    return folder


def _has_turns(pairs: Iterable[PreferencePair]) -> bool:
    return any(not isinstance(pair.prompt, str) for pair in pairs)


def _row(pair: PreferencePair, turns: bool) -> dict[str, Any]:
    row = {name: getattr(pair, name) for name in (*_TEXTS, *_NUMBERS)}
    if turns:
        prompt = pair.prompt
        row["prompt"] = (
            [_message("user", prompt)]
            if isinstance(prompt, str)
            else [_message(m.role, m.content) for m in prompt]
        )
        for side in ("chosen", "rejected"):
            row[side] = [_message("assistant", row[side])]
    return row


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _card(rows: Sequence[Mapping[str, Any]], sheet: DatasetSheet, turns: bool) -> str:
    front = {
        "license": sheet.license.lower(),
        "pretty_name": sheet.name,
        "language": _known(rows, "language"),
        "size_categories": [_size(len(rows))],
        "tags": ["preference", "pluralistic-alignment", "pluralign", "croissant"],
        "configs": [{"config_name": "default", "data_files": PAIRS}],
        "dataset_info": {"features": [_feature(name, turns) for name in rows[0]]},
    }
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front.items()]
    people = [
        f"| {community} | {_people(rows, community)} |" for community in _known(rows, "community")
    ]
    columns = [f"| `{name}` | {meaning} |" for name, meaning in (_TEXTS | _NUMBERS).items()]
    licences = ", ".join(_known(rows, "license")) or "not stated"
    return "\n".join(
        [
            *("---", *lines, "---", "", f"# {sheet.name}", "", sheet.about, ""),
            *("## People", "", "| community | pairs, raters |", "|:--|:--|", *people, ""),
            *("## Columns", "", "| column | meaning |", "|:--|:--|", *columns, ""),
            *("## Licences", "", f"Of the rows: {licences}. Of the whole: {sheet.license}.", ""),
            *("## Load", "", "```python", "from datasets import load_dataset", ""),
            *('pairs = load_dataset("FOLDER OR OWNER/NAME", split="train")', "```", ""),
        ]
    )


def _people(rows: Sequence[Mapping[str, Any]], community: str) -> str:
    own = [row for row in rows if row["community"] == community]
    raters = {row["rater"] for row in own if row["rater"] is not None}
    people = count_of(len(raters), "rater") if raters else "no raters"
    return f"{count_of(len(own), 'pair')}, {people}"


def _feature(name: str, turns: bool) -> dict[str, Any]:
    if turns and name in _DIALOGUE:
        parts = [{"name": part, "dtype": "string"} for part in ("role", "content")]
        return {"name": name, "list": parts}
    return {"name": name, "dtype": "float64" if name in _NUMBERS else "string"}


def _croissant(
    rows: Sequence[Mapping[str, Any]], sheet: DatasetSheet, turns: bool, digest: str
) -> dict[str, Any]:
    columns = {name: (TEXT, meaning) for name, meaning in _TEXTS.items()}
    columns |= {name: (NUMBER, meaning) for name, meaning in _NUMBERS.items()}
    raters = {row["rater"] for row in rows if row["rater"] is not None}
    recommended = {"datePublished": sheet.published, "citeAs": sheet.cite}
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": list(STANDARDS),
        "name": sheet.name,
        "description": sheet.about,
        "url": sheet.url or f"urn:pluralign:pairs:{sheet.name}",
        "version": "1.0.0",
        "license": f"https://spdx.org/licenses/{sheet.license}.html",
        "inLanguage": _known(rows, "language"),
        "isLiveDataset": False,
        **{name: value for name, value in recommended.items() if value},
        "rai:dataAnnotationProtocol": "A rater preferred `chosen` to `rejected` as the response to "
        "`prompt`; rows of published shares have no rater.",
        "rai:annotatorDemographics": [
            f"Members of {community}: {_people(rows, community)}"
            for community in _known(rows, "community")
        ],
        "rai:annotationsPerItem": f"{count_of(len(rows), 'pair')} of "
        f"{count_of(len(raters), 'rater')}",
        "rai:personalSensitiveInformation": ["Opinions of people, under the ids of the source."],
        "rai:dataUseCases": ["Training and evaluation of reward models for each community."],
        "distribution": [file_object(PAIRS, digest)],
        "recordSet": [record_set(PAIRS, columns, {}, _DIALOGUE if turns else ())],
    }


def _known(rows: Iterable[Mapping[str, Any]], column: str) -> list[str]:
    """The different values of a column, sorted."""
    return sorted({row[column] for row in rows if row[column] is not None})


def _size(n: int) -> str:
    return next((name for limit, name in _SIZES if n < limit), "n>1M")
