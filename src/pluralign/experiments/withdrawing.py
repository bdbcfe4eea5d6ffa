"""A person takes their word back: the run is made again as if it had never seen them.

The list of people who withdrew is written first, then a receipt that is not finished, then all that
the run wrote is deleted, then the run is made anew. So a stop at any point brings nobody back: the
same command, or the run's own, goes on from there.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pluralign.core import (
    MANIFEST,
    AnyPath,
    InvalidInput,
    InvalidSettings,
    Manifest,
    PreferencePair,
    Reporter,
    as_path,
    file_digest,
    prompt_text,
    read_json_object,
    requests_of,
    text_digest,
    whole_file,
)
from pluralign.encoders import forget_texts
from pluralign.experiments.reward_run import run_experiment
from pluralign.runs.folder import RECORD, STATE, RunFolder, as_json
from pluralign.runs.lock import LOCK, alone_in
from pluralign.runs.progress_bars import reporting
from pluralign.runs.withdrawn import WITHDRAWALS, Withdrawn, read_withdrawn
from pluralign.settings.experiment import Settings
from pluralign.settings.name_hints import nearest
from pluralign.settings.registry import method_named
from pluralign.settings.resolved_experiment import Resolved, resolve
from pluralign.sources.pair_loading import load_pairs

_CLEARED = {"fingerprint": "cleared for a withdrawal"}
_AGAIN = "give the settings file of the run with --config"
NOT_RECALLED = (
    "copies of the run's folder, of its models and of exported models in other places",
    "numbers and reports that were published or sent to others",
    "models that were trained or chosen with the help of this run's rewards",
    "rows of the person in the sources themselves: delete them there",
    "entries on the person in a ledger of private choices: see `pluralign data ledger`",
)
"""The things that a withdrawal from a run cannot reach."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The changes of a withdrawal.

    Attributes:
        people: Digests of the people, under the key of the run's folder.
        pairs: Community -> pairs of these people that the run had.
        vectors: Cached vectors deleted, of texts that nobody else gave.
        begun: Time of the beginning, in UTC.
        finished: Time at which the run was finished again; None until then.
        draw: As `split.draw` of the run: with ``random``, the other people were dealt anew.
        before: File -> SHA-256 before.
        after: File -> SHA-256 after; empty until the run is finished again.
        untouched: Files in the folder that no run writes: look into them by hand.
        not_recalled: The things that a withdrawal cannot reach.
        tables: Settings of the run, by which it is made again.
    """

    people: list[str]
    pairs: dict[str, int]
    vectors: int
    begun: str
    finished: str | None
    draw: str
    before: dict[str, str]
    after: dict[str, str] = field(default_factory=dict)
    untouched: list[str] = field(default_factory=list)
    not_recalled: list[str] = field(default_factory=lambda: list(NOT_RECALLED))
    tables: dict[str, Any] = field(default_factory=dict)


def withdraw(
    run: AnyPath,
    raters: Sequence[str],
    settings: Resolved | AnyPath | None = None,
    reporter: Reporter | None = None,
    cache: AnyPath | None = None,
) -> tuple[Receipt, Path]:
    """Take the choices of people out of a run, and make the run again without them.

    Models, predictions, tables and cached vectors afterwards are those of a run that never saw
    these people. The folder remembers them by keyed digests, so that no later run in it reads them.

    Args:
        run: Folder of a run of reward models.
        raters: Ids of the people.
        settings: The experiment, or its file; by default as the run's record has it.
        reporter: Is notified of the progress.
        cache: Folder of kept embeddings; the default one where None.

    Returns:
        The receipt, and its file in the folder ``withdrawals`` of the run.

    Raises:
        InvalidInput: If there is no run, its pairs have no raters, or a rater is unknown or not
            named.
        InvalidSettings: If another process works in the folder, or the record does not have all
            settings.
        PluralignError: If the run cannot be made without these people, such as where too few are
            left; its models stay deleted.
    """
    folder, given = as_path(run), list(dict.fromkeys(raters))
    if not folder.is_dir():
        raise InvalidInput("no such folder", where=str(folder), hint="name the folder of a run")
    if not given:
        raise InvalidInput("no rater is named", where=str(folder), hint="name at least one rater")
    with reporting(reporter) as drawn:
        with alone_in(folder):
            path, receipt, resolved = _begun(folder, given, settings, drawn, as_path(cache))
            fresh = _clear(folder, receipt)
        run_experiment(resolved, folder, drawn, fresh, cache)
        with alone_in(folder):
            return _finished(folder, path, receipt), path


def _begun(
    folder: Path,
    raters: Sequence[str],
    given: Resolved | AnyPath | None,
    reporter: Reporter,
    cache: Path | None,
) -> tuple[Path, Receipt, Resolved]:
    """The receipt, of a withdrawal that was stopped or a new one, after which nobody is read."""
    gone, path = read_withdrawn(folder), _last_receipt(folder)
    receipt = None if path is None else _read(path)
    if path is None or receipt is None or receipt.finished is not None:
        tables = _tables_of(folder)
        resolved = _resolved(given, tables, folder)
        path, receipt = _new_receipt(folder, raters, resolved, tables, gone, reporter, cache)
    elif not {gone.digest(rater) for rater in raters} <= set(receipt.people):
        raise InvalidSettings(
            "an earlier withdrawal from this run was stopped",
            where=str(path),
            hint="give its command again, then this one",
        )
    else:
        resolved = _resolved(given, receipt.tables, folder)
    gone.joined_by(receipt.people).write(folder)
    return path, receipt, resolved


def _new_receipt(
    folder: Path,
    raters: Sequence[str],
    resolved: Resolved,
    tables: dict[str, Any],
    gone: Withdrawn,
    reporter: Reporter,
    cache: Path | None,
) -> tuple[Path, Receipt]:
    reporter.stage("reading pairs")
    loaded = load_pairs(
        resolved.sources, resolved.settings.limit, resolved.settings.seed, withdrawn=gone
    )
    theirs = _pairs_of(raters, loaded.pairs, folder, gone)
    others = [pair for pair in loaded.pairs if pair.rater not in set(raters)]
    gone.write(folder)  # its key, without which the receipt names nobody
    receipt = Receipt(
        people=sorted(gone.digest(rater) for rater in raters),
        pairs=_counted(theirs),
        vectors=forget_texts(_own_texts(theirs, others, resolved.settings), cache),
        begun=_now(),
        finished=None,
        draw=resolved.settings.split.draw,
        before=_digests(folder),
        tables=tables,
    )
    number = len(list((folder / WITHDRAWALS).glob("receipt-*.json"))) + 1
    path = folder / WITHDRAWALS / f"receipt-{number:04}.json"
    _write(path, receipt)
    return path, receipt


def _pairs_of(
    raters: Sequence[str], pairs: Sequence[PreferencePair], folder: Path, gone: Withdrawn
) -> list[PreferencePair]:
    """The pairs of these people; each of them must have some."""
    known = {pair.rater for pair in pairs if pair.rater is not None}
    if not known:
        raise InvalidInput(
            "the pairs of this run have no raters, so nobody can withdraw from it",
            where=str(folder),
            hint="answers that were published as shares contain no single person",
        )
    for rater in raters:
        if rater in gone:
            raise InvalidInput(
                f"{rater!r} has withdrawn already", where=str(folder), hint="leave this rater out"
            )
        if rater not in known:
            raise InvalidInput(
                f"no pair of this run is by the rater {rater!r}",
                where=str(folder),
                hint=_near(rater, known),
            )
    return [pair for pair in pairs if pair.rater in set(raters)]


def _near(rater: str, known: set[str]) -> str:
    hint = nearest(rater, sorted(known))
    return hint if hint.startswith("did") else "see the column of raters in the data"


def _own_texts(
    theirs: Sequence[PreferencePair], others: Sequence[PreferencePair], settings: Settings
) -> list[str]:
    """The texts that only these people gave, as the cache names them."""
    return sorted(_texts(theirs, settings) - _texts(others, settings))


def _texts(pairs: Sequence[PreferencePair], settings: Settings) -> set[str]:
    if settings.trunk.kind == "embedding":
        return {text for p in pairs for text in (prompt_text(p.prompt), p.chosen, p.rejected)}
    from pluralign.rewards.transformer.tokenized_texts import request_key

    return {request_key(request) for side in requests_of(pairs) for request in side}


def _tables_of(folder: Path) -> dict[str, Any]:
    """The settings of a run as its record has them, as tables to resolve again."""
    if not (folder / RECORD).is_file():
        raise InvalidInput(
            "no finished run of reward models here",
            where=str(folder),
            hint="name the folder of a run; finish a run that was stopped first",
        )
    record = read_json_object(folder / RECORD)
    tables = {key: value for key, value in record["settings"].items() if value is not None}
    return tables | {"method_settings": record["method_settings"], "sources": _sources(record)}


def _sources(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"source": s["name"]} | s["settings"] for s in record["data"]["sources"]]


def _resolved(given: Resolved | AnyPath | None, tables: dict[str, Any], folder: Path) -> Resolved:
    if isinstance(given, Resolved):
        return given
    if given is not None:
        return resolve(given)
    try:
        return resolve(_as_given(tables), base=folder, where=RECORD)
    except InvalidSettings as error:
        raise InvalidSettings(error.what, where=error.where, hint=_AGAIN) from error


def _as_given(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Tables of a record as a settings file would have them."""
    found = {k: v for k, v in tables.items() if k not in {"method_settings", "sources", "pairs"}}
    if found["split"]["by"] != "files":
        found["pairs"] = tables["sources"]
    for name, values in tables["method_settings"].items():
        section = method_named(name).section
        assert section is not None, "only methods with a table have settings"
        found[section] = values
    trunk = found["trunk"]
    kind = Settings.model_validate({"pairs": [{}], "trunk": _of_kind(trunk)}).trunk
    return found | {"trunk": {k: trunk[k] for k in type(kind).model_fields}}


def _of_kind(trunk: Mapping[str, Any]) -> dict[str, Any]:
    needed = {"embedding": (), "transformer": ("model",)}[trunk["kind"]]
    return {key: trunk[key] for key in ("kind", *needed)}


def _finished(folder: Path, path: Path, receipt: Receipt) -> Receipt:
    after, manifest = _digests(folder), Manifest.read(folder)
    assert manifest is not None, "a run that ended has a manifest"
    untouched = sorted(after.keys() - manifest.files.keys() - {MANIFEST})
    done = replace(receipt, finished=_now(), after=after, untouched=untouched)
    _write(path, done)
    return done


def _clear(folder: Path, receipt: Receipt) -> bool:
    """Delete the files of the old run, audits and pages; False where the new run has begun."""
    run = RunFolder(folder)
    if _state(folder) not in {receipt.before.get(STATE), text_digest(as_json(_CLEARED)), None}:
        return False
    run.clear()
    run.remove("audit", *(page.name for page in folder.glob("*.html")))
    # Without a state, a folder with other files would not be taken for that of a run.
    run.write_json(STATE, _CLEARED)
    return True


def _state(folder: Path) -> str | None:
    return file_digest(folder / STATE) if (folder / STATE).is_file() else None


def _digests(folder: Path) -> dict[str, str]:
    """File in the folder of a run -> SHA-256, without the lock and the withdrawals."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in files}
    return {
        name: file_digest(path)
        for name, path in names.items()
        if name != LOCK and not name.startswith(f"{WITHDRAWALS}/")
    }


def _last_receipt(folder: Path) -> Path | None:
    return max((folder / WITHDRAWALS).glob("receipt-*.json"), default=None)


def _read(path: Path) -> Receipt:
    return Receipt(**read_json_object(path))


def _write(path: Path, receipt: Receipt) -> None:
    with whole_file(path, private=True) as partial:
        partial.write_text(as_json(asdict(receipt)), encoding="utf-8")


def _counted(pairs: Sequence[PreferencePair]) -> dict[str, int]:
    return dict(sorted(Counter(pair.community for pair in pairs).items()))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
