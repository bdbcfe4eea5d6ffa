"""The last stage: compare the tuned models with their start, on the survey and on tasks."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.asking import Putting, load_strategy, put
from pluralign.core import Ask, Respondent, SurveySource, Tally
from pluralign.evaluation.general_ability import AbilityTasks, run_lm_eval
from pluralign.pluralising.stages import Work
from pluralign.pluralising.tuned_models import adapters
from pluralign.respondents.recorded import RecordedRespondent
from pluralign.settings.survey import SamplingSettings
from pluralign.settings.toml_tables import shown
from pluralign.surveying.respondents import open_respondent
from pluralign.surveying.survey_evaluation import SurveyOutcome, evaluate_answers
from pluralign.surveying.survey_run import ask_all, chosen_questions, note_failures

START = "start"


@dataclass(frozen=True, slots=True)
class Variant:
    """A model in the comparison.

    Attributes:
        name: Its name in results: ``start``, ``joint`` or ``specific``.
        adapter: Its adapter; None for the start.
        community: The only culture that it is asked for; None for all cultures.
    """

    name: str
    adapter: Path | None
    community: str | None

    @property
    def label(self) -> str:
        """Name of its files."""
        if self.community is None:
            return self.name
        return f"{self.name}-{self.community.replace('/', '_')}"


def compare_models(work: Work, source: SurveySource) -> SurveyOutcome:
    """Ask every variant the survey, and measure all answers together."""
    files = []
    for variant in variants(work):
        path = work.stage_folder("evaluate") / f"{variant.label}.jsonl"
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
    """General ability of every variant by lm-eval, as rows of results; empty without tasks."""
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
        out = work.stage_folder("evaluate") / "ability" / variant.label
        found = run_lm_eval(model.name, variant.adapter, wanted, out)
        rows += [_ability_row(row, variant) for row in found]
    return rows


def variants(work: Work) -> Iterator[Variant]:
    """The start, then every tuned model."""
    yield Variant(START, None, None)
    for kind, community, folder in adapters(work):
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
    """The asks of a variant; a model of one culture is asked in the name of that culture only."""
    settings = work.settings
    communities = work.communities if variant.community is None else (variant.community,)
    loaded = [load_strategy(name) for name in settings.evaluate.strategies]
    questions = chosen_questions(work.survey, settings.evaluate.limit, settings.seed)
    putting, tally = Putting(seed=settings.seed), Tally()
    asks: list[Ask] = []
    for strategy in loaded:
        if variant.community is None or strategy.names_community:
            asks += put(strategy, work.survey, communities, questions, putting=putting, tally=tally)
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
