"""The last stage: the tuned models against their start, on the people's survey and on tasks of general ability."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.asking import Putting, load_strategy, put
from pluralign.core import Ask, Respondent, SurveySource, Tally
from pluralign.pluralising.ability import AbilityTasks, run_lm_eval
from pluralign.pluralising.stages import Work
from pluralign.pluralising.tuned_models import parts
from pluralign.respondents.recorded import RecordedRespondent
from pluralign.settings.survey import SamplingSettings
from pluralign.settings.toml_tables import shown
from pluralign.surveying.evaluation import SurveyOutcome, evaluate_answers
from pluralign.surveying.respondents import open_respondent
from pluralign.surveying.survey_run import ask_all, chosen_questions, note_failures

START = "start"


@dataclass(frozen=True, slots=True)
class Variant:
    """A model that is compared.

    Attributes:
        name: What results call it: ``start``, ``joint`` or ``specific``.
        adapter: Its adapter; None for the start.
        community: The only culture that it is asked for; None for all.
    """

    name: str
    adapter: Path | None
    community: str | None

    @property
    def label(self) -> str:
        """Name of its files."""
        return (
            self.name
            if self.community is None
            else f"{self.name}-{self.community.replace('/', '_')}"
        )


def compare_models(work: Work, source: SurveySource) -> SurveyOutcome:
    """Put the survey to every variant, measure all together, and run the tasks of general ability."""
    files = []
    for variant in variants(work):
        path = work.place("evaluate") / f"{variant.label}.jsonl"
        _ask(work, variant, path)
        files.append(path)
    work.reporter.stage("measuring")
    settings = work.settings
    return evaluate_answers(
        files,
        source,
        work.folder.path,
        parser=settings.evaluate.parser,
        numbering="codes",
        communities=work.communities,
        seed=settings.seed,
        draws=settings.evaluate.draws,
        reporter=work.reporter,
        settings=shown(settings),
    )


def measure_ability(work: Work) -> list[dict[str, Any]]:
    """General ability of every variant by lm-eval's own command, as rows of results; none where no task is named."""
    config, model = work.settings.evaluate, work.settings.model
    rows = []
    local = model if model.kind == "local" else None
    for variant in variants(work) if config.tasks else ():
        work.reporter.stage(f"general ability of {variant.label}")
        wanted = AbilityTasks(
            config.tasks,
            include_path=config.include_path,
            limit=config.tasks_limit,
            chat_template=config.tasks_chat,
            device=None if local is None else local.device,
            revision=None if local is None else local.revision,
        )
        place = work.place("evaluate") / "ability" / variant.label
        found = run_lm_eval(model.name, variant.adapter, wanted, place)
        rows += [_ability_row(row, variant) for row in found]
    return rows


def variants(work: Work) -> Iterator[Variant]:
    """The start, then whatever was tuned."""
    yield Variant(START, None, None)
    for kind, community, folder in parts(work):
        yield Variant(kind, folder, community)


def _ask(work: Work, variant: Variant, path: Path) -> None:
    asks = _asks(work, variant)
    failures = ask_all(RecordedRespondent(_open(work, variant), path), asks, work.reporter)
    gc.collect()  # one model at a time
    note_failures(failures, work.reporter, about=variant.label)


def _open(work: Work, variant: Variant) -> Respondent:
    settings = work.settings
    how = SamplingSettings(
        temperature=settings.evaluate.temperature,
        top_p=settings.evaluate.top_p,
        max_new_tokens=settings.evaluate.max_new_tokens,
    )
    changed: dict[str, object] = {"called": variant.name}
    if variant.adapter is not None:
        changed["adapter"] = variant.adapter
    model = settings.model.model_copy(update=changed)
    return open_respondent(
        model, settings.evaluate.method, how, settings.seed, work.survey, work.reporter.note
    )


def _asks(work: Work, variant: Variant) -> list[Ask]:
    """A model of one culture is asked in that culture's name alone."""
    settings = work.settings
    communities = work.communities if variant.community is None else (variant.community,)
    loaded = [load_strategy(name) for name in settings.evaluate.strategies]
    questions = chosen_questions(work.survey, settings.evaluate.limit, settings.seed)
    putting, tally = Putting(seed=settings.seed), Tally()
    asks = [
        ask
        for strategy in loaded
        if variant.community is None or strategy.names_community
        for ask in put(strategy, work.survey, communities, questions, putting=putting, tally=tally)
    ]
    for reason, n in tally.dropped.items():
        work.reporter.note(f"not asked: {n:,} {reason}")
    return asks


def _ability_row(row: dict[str, Any], variant: Variant) -> dict[str, Any]:
    shared = {
        "method": "lm_eval",
        "steer": None,
        "subset": "all",
        "n_raters": None,
        "strategy": None,
    }
    return {
        "metric": f"{row['task']}: {row['metric']}",
        "community": variant.community,
        "value": row["value"],
        "low": row["low"],
        "high": row["high"],
        "n": row["n"],
        "model": variant.name,
    } | shared
