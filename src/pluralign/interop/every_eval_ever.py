"""Results of a run as JSON of Every Eval Ever (schema 0.3.0): a file for each model."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import Any

from pluralign._version import __version__
from pluralign.core import (
    AnyPath,
    DamagedFile,
    InvalidInput,
    NotEnoughData,
    as_path,
    free_of_devices,
    whole_file,
)
from pluralign.evaluation import Row
from pluralign.evaluation.knowledge import KnowledgeRow
from pluralign.evaluation.knowledge.result_rows import (
    AMBIGUOUS_ACCURACY,
    AMBIGUOUS_BIAS,
    ATTAINABLE,
    DISAMBIGUATED_ACCURACY,
    DISAMBIGUATED_BIAS,
    GAIN,
    SIMBENCH,
    is_reference,
)
from pluralign.evaluation.surveys import SurveyRow
from pluralign.runs import AlignRun, AuditRun, KnowledgeRun, RewardRun, SurveyRun, TaskRun, open_run
from pluralign.runs.folder import RECORD

SCHEMA = "0.3.0"
_LOWER = {
    "refusal_rate", "unfinished_rate", "wasserstein", "majority_choice_rate", "invalid_rate",
    "unmatched_rate", "empty_rate", "other_language_rate",
}  # fmt: skip
_LEFT_OUT = {"target_rank", SIMBENCH, ATTAINABLE, AMBIGUOUS_BIAS, DISAMBIGUATED_BIAS}
"""Metrics without bounds, and those whose best value is neither the lowest nor the highest."""
_BY_TEMPLATE = {AMBIGUOUS_ACCURACY, DISAMBIGUATED_ACCURACY}
"""Metrics whose intervals are clustered by template of questions."""
_HUNDRED = {"cultural_alignment_score", "pairwise_diversity", "structural_diversity"}
_DIFFERENCES = {GAIN}

AnyRow = Row | SurveyRow | KnowledgeRow
AnyRun = RewardRun | SurveyRun | KnowledgeRun


def write_every_eval_ever(
    run: AnyPath, out: AnyPath, organisation: str, relationship: str = "other"
) -> list[Path]:
    """Write the results of a run.

    Args:
        run: Folder of a finished run: of a survey, a test of knowledge, CultureSPA, or reward
            models.
        out: Folder to write to.
        organisation: The organisation that ran it.
        relationship: Of those who ran it to those who made the model: ``first_party``,
            ``third_party``, ``collaborative`` or ``other``.

    Returns:
        The files, one for each model.

    Raises:
        InvalidInput: If the folder is not a run.
        DamagedFile: If its record does not name what ran, and when.
        NotEnoughData: If it has no number of a community.
    """
    run, out = as_path(run), as_path(out)
    opened = _opened(run)
    by_model: dict[str, list[AnyRow]] = {}
    for row in opened.results:
        if _is_exported(row):
            by_model.setdefault(_model(row), []).append(row)
    if not by_model:
        raise NotEnoughData("the run has no number of a community", where=str(run))
    out.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for model, own in by_model.items():
        try:
            document = evaluation_document(opened, model, own, organisation, relationship)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            what = f"the record cannot be read: {error!r:.200}"
            raise DamagedFile(
                what, where=str(run / RECORD), hint="run or evaluate again"
            ) from error
        name = free_of_devices(re.sub(r"[^A-Za-z0-9._-]+", "_", model))
        path = _free(out / name, written)
        with whole_file(path) as partial:
            partial.write_text(
                json.dumps(document, indent=2, ensure_ascii=False) + "\n",
                encoding="utf-8",
                newline="\n",
            )
        written.append(path)
    return written


def evaluation_document(
    run: AnyRun,
    model: str,
    rows: Sequence[AnyRow],
    organisation: str,
    relationship: str,
) -> dict[str, Any]:
    """The document of one model; unknown fields are left out. Its time is that of the results."""
    stamp = str(int(datetime.fromisoformat(run.record["written"]).timestamp()))
    data = _data(run)
    return {
        "schema_version": SCHEMA,
        "evaluation_id": f"pluralign/{run.name}/{model}/{stamp}",
        "retrieved_timestamp": stamp,
        "source_metadata": {
            "source_type": "evaluation_run",
            "source_organization_name": organisation,
            "evaluator_relationship": relationship,
        },
        "model_info": {"name": model, "id": model},
        "eval_library": {"name": "pluralign", "version": __version__},
        "evaluation_results": [_entry(row, data) for row in rows],
    }


def _entry(row: AnyRow, data: str) -> dict[str, Any]:
    details = _details(row)
    steer = details.get("steer")
    language, strategy = details.get("language"), details.get("strategy")
    how = [row.community, language, strategy, f"steer {steer}" if steer else None]
    uncertainty: dict[str, Any] = {"num_samples": row.n}
    if row.low is not None:
        uncertainty["confidence_interval"] = {
            "lower": row.low,
            "upper": row.high,
            "confidence_level": 0.95,
            "method": f"quantiles of Student's t over {_units(row.metric, details)}",
        }
    return {
        "evaluation_name": f"{row.metric} ({', '.join(filter(None, [*how, details['subset']]))})",
        "source_data": {"dataset_name": data, "source_type": "other"},
        "metric_config": {
            "lower_is_better": row.metric in _LOWER,
            "score_type": "continuous",
            "min_score": -1.0 if row.metric in _DIFFERENCES else 0.0,
            "max_score": 100.0 if row.metric in _HUNDRED else 1.0,
        },
        "score_details": {
            "score": row.value,
            "details": {key: str(value) for key, value in details.items() if value is not None},
            "uncertainty": uncertainty,
        },
    }


def _details(row: AnyRow) -> dict[str, Any]:
    """How a number was measured, in the words of a run's results."""
    found = row.as_dict()
    keys = (
        "community", "language", "strategy", "steer", "subset", "n", "n_raters", "topics",
        "mentions",
    )  # fmt: skip
    return {key: found.get(key) for key in keys}


def _units(metric: str, details: Mapping[str, Any]) -> str:
    """The units over which an interval is; only tests of knowledge have topics."""
    if metric in _BY_TEMPLATE:
        return "templates"
    if details["topics"] is not None:
        return "topics"
    return "raters" if details["n_raters"] else "questions"


def _is_exported(row: AnyRow) -> bool:
    """Whether a number is of a community and a model, and not a reference point."""
    # Ranks among peoples and SimBench's score lack a bound, which the schema asks for.
    if row.community is None or row.metric in _LEFT_OUT:
        return False
    if isinstance(row, KnowledgeRow):
        return not is_reference(row)
    # Reference points of surveys have no strategy.
    return isinstance(row, Row) or bool(row.strategy)


def _free(path: Path, taken: Sequence[Path]) -> Path:
    """A file of that name, numbered where another model's has it."""
    numbered = (path.with_name(f"{path.name}-{i}.json") for i in count(2))
    return next(p for p in chain([path.with_name(f"{path.name}.json")], numbered) if p not in taken)


def _model(row: AnyRow) -> str:
    return row.method if isinstance(row, Row) else row.model


def _data(run: AnyRun) -> str:
    data = run.record["data"]
    for asked in ("survey", "test"):
        if asked in data:
            return str(data[asked]["name"])
    return ", ".join(str(source["name"]) for source in data.get("sources", ())) or run.name


def _opened(folder: Path) -> AnyRun:
    """The run in a folder, which has results."""
    run = open_run(folder)
    if isinstance(run, AuditRun):
        raise InvalidInput(
            "an audit has no results of models", where=str(folder), hint="name the folder of a run"
        )
    if isinstance(run, (AlignRun, TaskRun)):
        raise InvalidInput(
            "gains over a start model have no form in Every Eval Ever",
            where=str(folder),
            hint="name the folder of a run of reward models or of a survey",
        )
    if "written" not in run.record:
        raise DamagedFile(
            "written: missing", where=str(folder / RECORD), hint="run or evaluate again"
        )
    return run
