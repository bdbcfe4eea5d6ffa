"""CultureSPA on the planted model: effects of tuning by community, and their cost."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from pages.sections import marked
from pages.writing import table
from pluralign.core import NotEnoughData, community
from pluralign.evaluation.surveys import SurveyDifferenceRow, SurveyRow
from pluralign.runs import PluraliseRun, open_run
from pluralign.runs.folder import RECORD

NAME = "culturespa"
START, SCORE, UNAWARE = "start", "cultural_alignment_score", "culture_unaware"
_VARIANTS = {
    "cct": 'CCT (`answer.aware = "cross_culture_thinking"`)',
    "one-seed-question": (
        "one question of the survey as an example (`questions.seeds_per_topic = 1`)"
    ),
    "quarter": "a quarter of the answers (`collect.fraction = 0.25`)",
}
_MEASURES = (
    (SCORE, "CAS", 1),
    ("answer_closeness", "closeness %", 100),
    ("exact_accuracy", "exact %", 100),
    ("similarity", "similarity %", 100),
    ("pairwise_diversity", "pairwise diversity", 1),
    ("structural_diversity", "structural diversity", 1),
    ("majority_choice_rate", "majority choice %", 100),
    ("spread_ratio", "spread against people's", 1),
    ("refusal_rate", "refused %", 100),
)


def read(folder: Path) -> list[PluraliseRun]:
    """Every finished run of CultureSPA in a folder, seeds first.

    Raises:
        DamagedFile: If the record of one is damaged.
    """
    found = []
    for place in sorted(folder.iterdir()) if folder.is_dir() else []:
        run = open_run(place) if (place / RECORD).is_file() else None
        if isinstance(run, PluraliseRun):
            found.append(run)
    return sorted(found, key=lambda run: (not is_seed(run), run.folder.name))


def is_seed(run: PluraliseRun) -> bool:
    """Whether it is the run itself with some seed, not a variant of it."""
    return run.folder.name.startswith("seed-")


def aware(run: PluraliseRun) -> str:
    """The culture-aware strategy that is measured."""
    for row in run.results:
        if row.strategy and row.community and row.model == START and row.strategy != UNAWARE:
            return row.strategy
    raise NotEnoughData("no strategy names a culture", where=str(run.folder))


def value(run: PluraliseRun, metric: str, model: str, place: str | None) -> SurveyRow | None:
    """A number under the culture-aware strategy."""
    return run.value(metric, model, aware(run), place)


def change(
    run: PluraliseRun, metric: str, model: str, place: str | None
) -> SurveyDifferenceRow | None:
    """Its paired difference to the start."""
    strategy = aware(run)
    wanted = (metric, model, place, strategy, START, strategy)
    for row in run.comparisons:
        own = (row.metric, row.model, row.community, row.strategy)
        if (*own, row.baseline_model, row.baseline_strategy) == wanted:
            return row
    return None


def section(runs: Sequence[PluraliseRun], card: Mapping[str, Any]) -> str:
    """The section of the page on CultureSPA.

    Raises:
        NotEnoughData: If no run with a seed is there.
    """
    seeds = [run for run in runs if is_seed(run)]
    if not seeds:
        raise NotEnoughData(
            "no run of CultureSPA is there", hint="run configs/pluralise/planted.toml first"
        )
    first = seeds[0]
    parts = [
        "## CultureSPA on a planted model",
        _about(card, seeds),
        _communities(first),
        _averages(first),
        _over_seeds(seeds),
        _collected(first),
        _variants(first, [run for run in runs if run.folder.name in _VARIANTS]),
        _ability(first),
        _reading(seeds),
    ]
    return marked(NAME, "\n\n".join(part for part in parts if part))


def _about(card: Mapping[str, Any], seeds: Sequence[PluraliseRun]) -> str:
    planted = card["planted"]
    return (
        f"**A toy, whole in every part.** A Llama of {card['parameters'] / 1e6:.1f} million "
        f"parameters was trained from nothing on {card['answers learned']:,} asks to a simulated "
        f"society, in {card['seconds'] / 60:.0f} minutes on two cores. Where no culture is named "
        f"it answers as `{planted['default_culture']}`; where one is, as a mixture of "
        f"{100 * planted['knowledge']:.0f} % that community's people and the rest "
        f"`{planted['default_culture']}`. It then writes its own questions, answers them, and is "
        "tuned on the answers that a culture's name shifts, as published but for learning rate, "
        "epochs and batch, which suit its size (`configs/pluralise/planted.toml`). The survey it "
        f"is measured on was held out of its training. {len(seeds)} seeds: other examples, draws "
        "and training each time, the same start. Intervals resample the survey's questions; "
        "nobody here is real, so no number has people behind it.\n\n"
        "```sh\n"
        "python benchmarks/planted_language_model.py runs/planted-model\n"
        "pluralign pluralise configs/pluralise/planted.toml --out runs/culturespa/seed-0\n"
        "python docs/build/culturespa_results.py runs/culturespa\n"
        "```"
    )


def _communities(run: PluraliseRun) -> str:
    models = _models(run)
    own = {
        r.community for r in run.results if r.metric == SCORE and r.community and r.model == START
    }
    order = sorted(own, key=lambda c: _number(value(run, SCORE, START, c), 0.0))
    head = ["community", START, *(h for m in models for h in (m, f"{m} against {START}"))]
    rows = [
        [
            f"{community(c).name}",
            _cell(value(run, SCORE, START, c)),
            *(
                cell
                for m in models
                for cell in (
                    _cell(value(run, SCORE, m, c)),
                    _cell(change(run, SCORE, m, c), signed=True),
                )
            ),
        ]
        for c in order
    ]
    return (
        "Cultural alignment score of every planted culture, named, worst first, seed 0:\n\n"
        f"{table(head, rows)}"
    )


def _averages(run: PluraliseRun) -> str:
    models = _models(run)
    head = [
        "on average",
        "people",
        START,
        *(h for m in models for h in (m, f"{m} against {START}")),
    ]
    rows = []
    for metric, name, scale in _MEASURES:
        people = value(run, metric, f"people: {START}", None)
        cells = [_cell(people, scale), _cell(value(run, metric, START, None), scale)]
        for m in models:
            cells += [
                _cell(value(run, metric, m, None), scale),
                _cell(change(run, metric, m, None), scale, signed=True),
            ]
        rows.append([name, *cells])
    return (
        "On average over the communities, and how varied the answers are, seed 0:\n\n"
        f"{table(head, rows)}"
    )


def _over_seeds(seeds: Sequence[PluraliseRun]) -> str:
    if len(seeds) < 2:
        return ""
    rows = []
    for m in _models(seeds[0]):
        for metric, name, scale in _MEASURES[:-1]:
            values = [_number(change(run, metric, m, None)) * scale for run in seeds]
            rows.append(
                [
                    f"{m}, {name}",
                    f"{fmean(values):+.1f}",
                    f"{min(values):+.1f} to {max(values):+.1f}",
                ]
            )
    rows += [
        [f"{m}, CAS of ~Hill", f"{fmean(v):+.1f}", f"{min(v):+.1f} to {max(v):+.1f}"]
        for m in _models(seeds[0])
        if (v := [_number(change(run, SCORE, m, "~hill")) for run in seeds])
    ]
    return f"Change against the start over {len(seeds)} seeds:\n\n" + table(
        ["", "mean", "range"], rows
    )


def _collected(run: PluraliseRun) -> str:
    stage = run.stages["collect"]
    kept = run.stages["filter"]
    rows = [
        [
            community(c).name,
            f"{100 * e['value']:.1f} [{100 * e['low']:.1f}, {100 * e['high']:.1f}]",
            f"{stage['collected'][c]:,}",
        ]
        for c, e in sorted(stage["shifted"].items(), key=lambda item: item[1]["value"])
    ]
    dropped = "; ".join(f"{n:,} {reason}" for reason, n in kept["dropped"].items())
    agreement = stage["map"].get("agreement_with_people")
    map_ = (
        " The culture map agrees with how alike the simulated people are by a rank correlation "
        f"of {agreement['value']:.2f} [{agreement['low']:.2f}, {agreement['high']:.2f}], the "
        f"interval over {agreement['n']} communities."
        if agreement
        else ""
    )
    return (
        f"Of {kept['read']:,} questions written, {kept['kept']:,} were kept ({dropped}). Answers "
        "that shift when a culture is named, in per cent:\n\n"
        f"{table(['culture', 'shifted %', 'collected'], rows)}\n\n"
        "The default culture should shift nothing: its value is the chance difference of two draws "
        f"at temperature 0.6.{map_}\n\n"
        "![Culture map of the planted model](images/culture-map-planted.png)"
    )


def _variants(first: PluraliseRun, runs: Sequence[PluraliseRun]) -> str:
    if not runs:
        return ""
    rows = []
    for run in (first, *runs):
        name = "as published (seed 0)" if run is first else _VARIANTS[run.folder.name]
        collected = sum(run.stages["collect"]["collected"].values())
        cells = [
            _cell(change(run, metric, m, place), 1, signed=True)
            for m in _models(run)
            for metric, place in ((SCORE, None), (SCORE, "~hill"), ("pairwise_diversity", None))
        ]
        rows.append([name, f"{collected:,}", *cells])
    head = ["variant", "collected"]
    head += [
        f"{m}: {what}"
        for m in _models(first)
        for what in ("CAS", "CAS of ~Hill", "pairwise diversity")
    ]
    return f"Variants, change against the start:\n\n{table(head, rows)}"


def _ability(run: PluraliseRun) -> str:
    own = [r for r in run.results if r.method == "lm_eval" and "exact_accuracy" in r.metric]
    if not own:
        return ""
    rows = [
        [
            r.model + (f" ({community(r.community).name})" if r.community else ""),
            _cell(r, 100),
            f"{r.n:,}",
        ]
        for r in own
    ]
    return (
        "General ability, by lm-eval's own command. The toy has one other ability, to answer "
        "without a culture, so that is its task (`pluralign survey tasks`): exact agreement with "
        "the default culture's most common answer, in per cent, with 1.96 of lm-eval's standard "
        "errors.\n\n"
        f"{table(['model', 'exact %', 'questions'], rows)}"
    )


def _reading(seeds: Sequence[PluraliseRun]) -> str:
    """Sentences that the numbers allow, and no others."""
    said = []
    for m in _models(seeds[0]):
        hill = [change(run, SCORE, m, "~hill") for run in seeds]
        up = sum(row is not None and row.low is not None and row.low > 0 for row in hill)
        flat = [change(run, "pairwise_diversity", m, None) for run in seeds]
        flatter = sum(row is not None and row.high is not None and row.high < 0 for row in flat)
        richer = sum(row is not None and row.low is not None and row.low > 0 for row in flat)
        lost = sum(
            row is not None and row.high is not None and row.high < 0
            for run in seeds
            for row in [change(run, "exact_accuracy", m, None)]
        )
        n = len(seeds)
        said.append(
            f"* `{m}`: the planted minority's score rises, its interval above 0, in {up} of {n} "
            f"seeds; pairwise diversity falls in {flatter} and rises in {richer}; exact accuracy "
            f"on average falls in {lost}."
        )
    return "Conclusions from the intervals:\n\n" + "\n".join(said)


def _models(run: PluraliseRun) -> list[str]:
    return [m for m in ("joint", "specific") if any(r.model == m for r in run.results)]


def _number(row: SurveyRow | None, missing: float = float("nan")) -> float:
    return missing if row is None else row.value


def _cell(row: SurveyRow | None, scale: float = 1, signed: bool = False) -> str:
    if row is None:
        return ""
    digits = 2 if scale == 1 and abs(row.value) < 2 and row.metric == "spread_ratio" else 1
    numbers = [x * scale for x in (row.value, row.low, row.high) if x is not None]
    value, *ends = (f"{x:{'+' if signed else ''}.{digits}f}" for x in numbers)
    return f"{value} [{', '.join(ends)}]" if ends else value
