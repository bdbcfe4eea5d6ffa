"""Show some models, communities or methods only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pluralign.audits import Finding
from pluralign.core import REFERENCE, InvalidSettings
from pluralign.evaluation import Row
from pluralign.evaluation.knowledge.result_rows import is_reference
from pluralign.evaluation.surveys import SurveyRow
from pluralign.reports.reading import Run
from pluralign.runs import PolicyRow

AnyRow = TypeVar("AnyRow", bound=Row | SurveyRow)


@dataclass(frozen=True, slots=True)
class Choice:
    """Models, communities and methods that a report shows; all where a tuple is empty.

    Attributes:
        models: Language models of surveys and of tests of knowledge.
        communities: Communities, by their ids.
        methods: Methods of reward models or policies; the reference stays, as what they are
            compared with.
    """

    models: tuple[str, ...] = ()
    communities: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()


def chosen_runs(runs: Sequence[Run], choice: Choice) -> list[Run]:
    """The runs with the rows and findings of a choice.

    Raises:
        InvalidSettings: If no run has a model, community or method that the choice names.
    """
    if choice == Choice():
        return list(runs)
    _check("--model", choice.models, (m for run in runs for m in models_of(run)))
    _check("--community", choice.communities, (c for run in runs for c in run.surveyed))
    _check("--method", choice.methods, (m for run in runs for m in methods_of(run)))
    return [_chosen(run, choice) for run in runs]


def models_of(run: Run) -> list[str]:
    """Language models that a run has results of."""
    models = dict.fromkeys(r.model for r in run.results if isinstance(r, SurveyRow) and r.strategy)
    found = [model for model in models if not model.startswith("people: ")]
    return found + list(dict.fromkeys(r.model for r in run.knowledge if not is_reference(r)))


def methods_of(run: Run) -> list[str]:
    """Methods that a run of reward models or policies has results of."""
    rewards = [r.method for r in run.results if isinstance(r, Row)]
    policies = [r.method for r in run.policies if r.method is not None]
    return list(dict.fromkeys([*rewards, *policies]))


def _check(option: str, wanted: Sequence[str], known: Iterable[str]) -> None:
    there = list(dict.fromkeys(known))
    for name in wanted:
        if name not in there:
            raise InvalidSettings(
                f"no run has {name!r}", where=option, hint=f"there is {', '.join(there)}"
            )


def _chosen(run: Run, choice: Choice) -> Run:
    return replace(
        run,
        record=_chosen_record(run.record, choice),
        results=[r for r in run.results if _is_chosen(r, choice)],
        policies=[r for r in run.policies if _is_chosen_policy(r, run, choice)],
        knowledge=[
            r
            for r in run.knowledge
            if _in(r.community, choice.communities)
            and (is_reference(r) or _in(r.model, choice.models))
        ],
        summary=_chosen_averages(run.summary, choice),
        curves=_chosen_averages(run.curves, choice),
        sensitivity=_chosen_averages(run.sensitivity, choice),
        findings=[f for f in run.findings if _is_about(f, run, choice)],
        participation=[p for p in run.participation if _in(p.community, choice.communities)],
    )


def _chosen_averages(rows: Iterable[AnyRow], choice: Choice) -> list[AnyRow]:
    # Averages over all communities are not averages over some.
    if choice.communities:
        return []
    return [row for row in rows if _is_chosen(row, choice)]


def _chosen_record(record: Mapping[str, Any], choice: Choice) -> dict[str, Any]:
    """The record with the people and the nearest peoples of a choice."""
    chosen = dict(record)
    if "people" in chosen:
        people = chosen["people"] or {}
        chosen["people"] = {c: n for c, n in people.items() if _in(c, choice.communities)}
    if "nearest" in chosen:
        rows = [row for row in chosen["nearest"] if _in(row["model"], choice.models)]
        chosen["nearest"] = [row for row in rows if _in(row["community"], choice.communities)]
    return chosen


def _is_chosen(row: Row | SurveyRow, choice: Choice) -> bool:
    steer = row.steer if isinstance(row, Row) else None
    if isinstance(row, SurveyRow) and not _in(row.model.removeprefix("people: "), choice.models):
        return False
    if not _in(row.method, (*choice.methods, *_kept(choice))):
        return False
    if not choice.communities:
        return True
    return row.community in choice.communities and steer in {None, *choice.communities}


def _is_chosen_policy(row: PolicyRow, run: Run, choice: Choice) -> bool:
    """Whether a number is about chosen methods and communities; one about no community stays."""
    if row.method is not None and not _in(row.method, choice.methods):
        return False
    about = {row.community, row.steer} & set(run.record.get("communities", ()))
    return not choice.communities or about <= set(choice.communities)


def _kept(choice: Choice) -> tuple[str, ...]:
    return (REFERENCE,) if choice.methods else ()


def _is_about(finding: Finding, run: Run, choice: Choice) -> bool:
    """Whether a finding is about what was chosen, or about the data of all."""
    if finding.community is not None and not _in(finding.community, choice.communities):
        return False
    if finding.subject in methods_of(run):
        return _in(finding.subject, choice.methods)
    model = finding.subject.partition(" · ")[0]
    return model not in models_of(run) or _in(model, choice.models)


def _in(name: str, chosen: Sequence[str]) -> bool:
    return not chosen or name in chosen
