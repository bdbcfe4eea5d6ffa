"""The settings of a finished run, from its record, so that it can be made or fitted again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pluralign.core import AnyPath, InvalidInput, InvalidSettings
from pluralign.runs.finished import read_record
from pluralign.runs.folder import RECORD
from pluralign.runs.record_shapes import RewardRecord, hold_shape
from pluralign.settings.experiment import Settings
from pluralign.settings.registry import method_named
from pluralign.settings.resolved_experiment import Resolved, resolve

_AGAIN = "give the settings file of the run with --config"


def recorded_tables(folder: Path) -> dict[str, Any]:
    """The settings of a run as its record has them, for `recorded_settings`.

    Raises:
        InvalidInput: If the folder has no finished run of reward models.
        DamagedFile: If the record was altered.
    """
    record = read_record(folder / RECORD)
    # Records of surveys and of CultureSPA have no roles of communities.
    if record is None or "communities" not in record:
        raise InvalidInput(
            "no finished run of reward models here",
            where=str(folder),
            hint="name the folder of such a run; finish a run that was stopped first",
        )
    hold_shape(record, RewardRecord, folder / RECORD)
    tables = {key: value for key, value in record["settings"].items() if value is not None}
    return tables | {"method_settings": record["method_settings"], "sources": _sources(record)}


def recorded_settings(
    given: Resolved | AnyPath | None, tables: Mapping[str, Any], folder: Path
) -> Resolved:
    """The experiment that was given, or else the one of a run's record.

    Args:
        given: The experiment, or its file; None where the record is to be used.
        tables: As `recorded_tables` gives them.
        folder: Folder of the run.

    Raises:
        InvalidSettings: If the record does not have all settings, such as a secret token.
    """
    if isinstance(given, Resolved):
        return given
    if given is not None:
        return resolve(given)
    try:
        return resolve(_as_given(tables), base=folder, where=RECORD)
    except InvalidSettings as error:
        raise InvalidSettings(error.what, where=error.where, hint=_AGAIN) from error


def _sources(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"source": s["name"]} | s["settings"] for s in record["data"]["sources"]]


def _as_given(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Tables of a record as a settings file would have them."""
    found = {k: v for k, v in tables.items() if k not in {"method_settings", "sources", "pairs"}}
    if found["split"]["by"] != "files":
        found["pairs"] = tables["sources"]
    for name, values in tables["method_settings"].items():
        section = method_named(name).section
        assert section is not None, "only methods with a table have settings"
        found[section] = values
    trunk = {"components": 0} | found["trunk"]  # records of versions without them
    kind = Settings.model_validate({"pairs": [{}], "trunk": _of_kind(trunk)}).trunk
    return found | {"trunk": {k: trunk[k] for k in type(kind).model_fields if k in trunk}}


def _of_kind(trunk: Mapping[str, Any]) -> dict[str, Any]:
    needed = {"embedding": (), "transformer": ("model",)}[trunk["kind"]]
    return {key: trunk[key] for key in ("kind", *needed)}
