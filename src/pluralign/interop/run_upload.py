"""Upload the numbers of a finished run to the Hugging Face hub."""

import hashlib
import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pluralign.core import AnyPath, InvalidInput, as_path, count_of
from pluralign.interop.hub_upload import push
from pluralign.runs import AuditRun, open_run
from pluralign.sources.croissant import CONTEXT, STANDARDS, file_object

_TABLES = ("results.jsonl", "summary.jsonl", "comparisons.jsonl")
"""Files that are uploaded: numbers, and no row about a person."""
_LIMITS = (
    "A number is agreement with the raters or answers at hand, not with a culture. "
    "Compare intervals, not values."
)


def push_run(
    run: AnyPath, repo_id: str, licence: str, private: bool = True, token: str | None = None
) -> str:
    """Upload the numbers of a run as a data set repository, in one commit.

    Only ``results.jsonl``, ``summary.jsonl`` and ``comparisons.jsonl`` are sent, with a card and a
    ``croissant.json``. Nothing else leaves the machine: neither predictions, which have raters, nor
    models, nor ``record.json``, which has the paths of the data.

    Args:
        run: The folder of a finished run.
        repo_id: ``owner/name``, or a name of your own.
        licence: SPDX id of the licence of the numbers, such as ``CC-BY-4.0``.
        private: Whether a new repository is visible to you only.
        token: Access token; if None, that of your login, or ``HF_TOKEN``.

    Returns:
        Address of the repository.

    Raises:
        MissingExtra: If huggingface_hub is not installed.
        InvalidSettings: If the folder contains no finished run.
        InvalidInput: If it is an audit, or as `push` raises it.
    """
    with TemporaryDirectory() as temporary:
        folder = write_run_numbers(run, temporary, repo_id.rpartition("/")[2], licence)
        return push(folder, repo_id, private, token)


def write_run_numbers(run: AnyPath, folder: AnyPath, name: str, licence: str) -> Path:
    """Write what `push_run` uploads into a folder.

    Args:
        run: The folder of a finished run.
        folder: Folder to write to.
        name: Name of the data set.
        licence: SPDX id of the licence of the numbers.

    Returns:
        The folder.

    Raises:
        InvalidSettings: If the folder contains no finished run.
        InvalidInput: If it is an audit.
    """
    found, folder = open_run(run), as_path(folder)
    if isinstance(found, AuditRun):
        raise InvalidInput(
            "an audit has words and ids of people, and is not uploaded",
            where=str(found.folder),
            hint="name the run that was audited",
        )
    folder.mkdir(parents=True, exist_ok=True)
    names = [one for one in _TABLES if (found.folder / one).is_file()]
    for one in names:
        shutil.copyfile(found.folder / one, folder / one)
    (folder / "README.md").write_text(
        _card(found.record, found.results, names, name, licence), encoding="utf-8", newline="\n"
    )
    (folder / "croissant.json").write_text(
        json.dumps(_croissant(folder, names, name, licence), indent=2) + "\n",
        encoding="utf-8",
        newline="\n",
    )
    return folder


def _card(record: Any, results: Any, names: list[str], name: str, licence: str) -> str:
    front = {
        "license": licence.lower(),
        "pretty_name": name,
        "tags": ["evaluation", "pluralistic-alignment", "pluralign"],
        "configs": [
            {"config_name": table.removesuffix(".jsonl"), "data_files": table} for table in names
        ],
    }
    lines = [f"{key}: {json.dumps(value)}" for key, value in front.items()]
    metrics = ", ".join(sorted({f"`{row.metric}`" for row in results}))
    communities = sorted({row.community for row in results if row.community is not None})
    version = record.get("versions", {}).get("pluralign", "an unknown version")
    sources = record.get("data", {}).get("sources", [])
    data = [f"* {one['name']}, licence: {one.get('license') or 'not stated'}" for one in sources]
    return "\n".join(
        [
            *("---", *lines, "---", "", f"# {name}", ""),
            f"{count_of(len(results), 'number')} of a run of pluralign {version}, each with its "
            "95 % interval and the number of people behind it.",
            *("", f"* Metrics: {metrics}", f"* Communities: {', '.join(communities)}", ""),
            *("## Data", "", *(data or ["* as the rows name it"]), ""),
            *("## Limits", "", _LIMITS, ""),
        ]
    )


def _croissant(folder: Path, names: list[str], name: str, licence: str) -> dict[str, Any]:
    digests = {one: hashlib.sha256((folder / one).read_bytes()).hexdigest() for one in names}
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": list(STANDARDS),
        "name": name,
        "description": "Numbers of an evaluation with pluralign, one in each row.",
        "url": f"urn:pluralign:run:{name}",
        "version": "1.0.0",
        "license": f"https://spdx.org/licenses/{licence}.html",
        "distribution": [file_object(one, digest) for one, digest in digests.items()],
    }
