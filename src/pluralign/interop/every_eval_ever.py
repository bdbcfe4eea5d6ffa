"""Results of a run as Every Eval Ever's JSON (schema 0.3.0): one file for each model, one entry for each community."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import Any

from pluralign._version import __version__
from pluralign.core import DamagedFile, InvalidInput, NotEnoughData, whole_file
from pluralign.runs import read_rows
from pluralign.runs.finished import read_record
from pluralign.runs.folder import RECORD

SCHEMA = "0.3.0"
_LOWER = {"refusal_rate", "unfinished_rate", "wasserstein", "majority_choice_rate"}
_UNBOUNDED = {"target_rank"}
_HUNDRED = {"cultural_alignment_score", "pairwise_diversity", "structural_diversity"}


def write_every_eval_ever(
    run: Path, out: Path, organisation: str, relationship: str = "other"
) -> list[Path]:
    """Write the results of a run.

    Args:
        run: Folder with ``record.json`` and ``results.jsonl``: of surveys, of CultureSPA, or of reward models.
        out: Folder to write to.
        organisation: Who ran it.
        relationship: Of who ran it to who made it: ``first_party``, ``third_party``, ``collaborative``, ``other``.

    Returns:
        The files, one for each model.

    Raises:
        InvalidInput: If the folder holds no run.
        DamagedFile: If its record does not say what ran, and when.
        NotEnoughData: If it has no number of a community.
    """
    record, rows = _read(run)
    # A rank among peoples has no upper bound that the schema could hold.
    by_model: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if (
            row["community"] is not None
            and row["metric"] not in _UNBOUNDED
            and (row.get("strategy") or row["method"] not in ("ask", "lm_eval"))
        ):
            by_model.setdefault(_model(row), []).append(row)
    if not by_model:
        raise NotEnoughData("no number of a community is there", where=str(run))
    out.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for model, own in by_model.items():
        try:
            document = evaluation_document(record, model, own, organisation, relationship)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            what = f"the record or a row of results cannot be read: {error!r:.200}"
            raise DamagedFile(what, where=str(run), hint="run or evaluate again") from error
        path = _free(out / re.sub(r"[^A-Za-z0-9._-]+", "_", model), written)
        with whole_file(path) as partial:
            partial.write_text(
                json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
            )
        written.append(path)
    return written


def evaluation_document(
    record: Mapping[str, Any],
    model: str,
    rows: Sequence[Mapping[str, Any]],
    organisation: str,
    relationship: str,
) -> dict[str, Any]:
    """The document of one model; what is not known stays out. A record's time is that of its results."""
    stamp = str(int(datetime.fromisoformat(record["written"]).timestamp()))
    return {
        "schema_version": SCHEMA,
        "evaluation_id": f"pluralign/{record['name']}/{model}/{stamp}",
        "retrieved_timestamp": stamp,
        "source_metadata": {
            "source_type": "evaluation_run",
            "source_organization_name": organisation,
            "evaluator_relationship": relationship,
        },
        "model_info": {"name": model, "id": model},
        "eval_library": {"name": "pluralign", "version": __version__},
        "evaluation_results": [_entry(record, row) for row in rows],
    }


def _entry(record: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    how = [
        row.get("strategy") or "",
        f"steer {row['steer']}" if row["steer"] else "",
        row["subset"],
    ]
    told = {
        key: row.get(key) for key in ("community", "strategy", "steer", "subset", "n", "n_raters")
    }
    uncertainty: dict[str, Any] = {"num_samples": row["n"]}
    if row["low"] is not None:
        uncertainty["confidence_interval"] = {
            "lower": row["low"],
            "upper": row["high"],
            "confidence_level": 0.95,
            "method": "bootstrap over raters" if row["n_raters"] else "bootstrap over questions",
        }
    return {
        "evaluation_name": f"{row['metric']} ({', '.join(filter(None, [row['community'], *how]))})",
        "source_data": {"dataset_name": _data(record), "source_type": "other"},
        "metric_config": {
            "lower_is_better": row["metric"] in _LOWER,
            "score_type": "continuous",
            "min_score": 0.0,
            "max_score": 100.0 if row["metric"] in _HUNDRED else 1.0,
        },
        "score_details": {
            "score": row["value"],
            "details": {key: str(value) for key, value in told.items() if value is not None},
            "uncertainty": uncertainty,
        },
    }


def _free(path: Path, taken: Sequence[Path]) -> Path:
    """A file of that name, numbered where another model's has it."""
    numbered = (path.with_name(f"{path.name}-{i}.json") for i in count(2))
    return next(p for p in chain([path.with_name(f"{path.name}.json")], numbered) if p not in taken)


def _model(row: Mapping[str, Any]) -> str:
    return str(row["model"]) if row.get("model") else str(row["method"])


def _data(record: Mapping[str, Any]) -> str:
    data = record.get("data", {})
    if "survey" in data:
        return str(data["survey"]["name"])
    return ", ".join(str(source["name"]) for source in data.get("sources", ())) or str(
        record["name"]
    )


def _read(run: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    record = read_record(run / RECORD, "results.jsonl")
    if record is None or not (run / "results.jsonl").is_file():
        raise InvalidInput(
            "no run is here",
            where=str(run),
            hint=f"name a folder with {RECORD} and results.jsonl, such as runs/uk",
        )
    if not {"name", "written"} <= record.keys():
        raise DamagedFile(
            "no record of a run", where=str(run / RECORD), hint="run or evaluate again"
        )
    rows = read_rows(run / "results.jsonl")
    for number, row in enumerate(rows, 1):
        if not {"community", "metric"} <= row.keys() or not (row.get("model") or row.get("method")):
            raise DamagedFile(
                "no row of results", where=f"{run / 'results.jsonl'}:{number}", hint="run it again"
            )
    return record, rows
