"""The section on transformers: trained parts and linear heads, PRISM pairs, single differences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pages.sections import marked
from pages.writing import percent, table
from pluralign.core import FloatArray, InvalidInput
from pluralign.evaluation import (
    DifferenceRow,
    Drawing,
    SummaryRow,
    TestPairs,
    difference_rows,
    summary_rows,
)
from pluralign.runs import RewardRun, open_run
from pluralign.runs.folder import RECORD

TRUNKS = {
    "global-dialogues": "frozen sentence encoder, linear heads",
    "global-dialogues-full": "all of MiniLM fine-tuned, then a full copy",
    "global-dialogues-lora": "all of MiniLM fine-tuned, then an adapter",
}
METHODS = ("reference", "full", "scpo")
CHANGED = {
    "text-joined-scored-as-pair": "trained on joined text, scored on the text pair (published)",
    "text-joined": "joined text in training and scoring",
    "learning-rate-1e-6": "learning rate 1e-6 (published), as many steps",
    "dropout": "dropout on in training (published)",
    "nobody-held-out": "nobody held out, no early stopping (published)",
    "loss-over-weights": "loss divided by the sum of weights",
    "batch-8": "batches of 8 (published)",
    "random-order": "pairs in random order (published)",
    "constant": "constant learning rate, no clipping (published)",
}
DRAWING = Drawing(0, 2000)
Margins = Mapping[str, FloatArray]


@dataclass(frozen=True)
class Found:
    """Test pairs of some seeds and the margins of one method."""

    judged: TestPairs
    margins: Margins


def runs_named(runs: Path, name: str) -> list[RewardRun]:
    """The finished run of a name, and those that were made seed by seed."""
    return finished([runs / name, *sorted(runs.glob(f"{name}-[0-9]*"))])


def finished(folders: Sequence[Path]) -> list[RewardRun]:
    """The finished runs of reward models among folders."""
    found = [open_run(folder) for folder in folders if (folder / RECORD).is_file()]
    return [run for run in found if isinstance(run, RewardRun)]


def by_seed(runs: Sequence[RewardRun], methods: Sequence[str]) -> dict[int, RewardRun]:
    """Seed -> the first run that has all methods of it."""
    found: dict[int, RewardRun] = {}
    for run in runs:
        if set(methods) <= set(run.methods):
            for seed in run.seeds:
                found.setdefault(seed, run)
    return found


def read(seeds: Mapping[int, RewardRun], chosen: Sequence[int], method: str) -> Found:
    parts = [seeds[seed].margins(method, seed) for seed in chosen]
    steers = dict.fromkeys(s for _, margins in parts for s in margins)
    margins = {s: np.concatenate([m.get(s, j.reference_N) for j, m in parts]) for s in steers}
    return Found(TestPairs.join([j for j, _ in parts]), margins)


def aligned(found: Found, like: Found) -> Margins:
    """Margins in the order of other test pairs, seed by seed the same ones."""
    if found.judged.pair_N.tolist() != like.judged.pair_N.tolist():
        raise InvalidInput(
            "the runs do not have the same test pairs",
            hint="use one split and one version of the data",
        )
    return found.margins


def mean_of(
    found: Found, method: str, served: Sequence[str], subset: str = "all"
) -> SummaryRow | None:
    for row in summary_rows(found.judged, method, found.margins, served, DRAWING):
        if row.subset == subset and row.aggregate == "average":
            return row
    return None


def difference(found: Found, other: Found, served: Sequence[str]) -> DifferenceRow | None:
    baseline = ("other", aligned(other, found))
    rows = difference_rows(found.judged, "this", found.margins, baseline, served, DRAWING)
    return next((row for row in rows if row.subset == "all" and row.community is None), None)


def dialogues(runs: Path) -> Iterator[str]:
    by_trunk = {name: by_seed(runs_named(runs, name), METHODS) for name in TRUNKS}
    chosen = sorted(set.intersection(*(set(s) for s in by_trunk.values())))
    if not chosen:
        raise InvalidInput(f"no seed is in all of {', '.join(TRUNKS)}", where=str(runs))
    base = {m: read(by_trunk["global-dialogues"], chosen, m) for m in METHODS}
    rows = []
    for name, title in TRUNKS.items():
        own = {m: read(by_trunk[name], chosen, m) for m in METHODS}
        for method in METHODS:
            against = (
                [difference(own[method], base[method], ["GBR"])]
                if name != "global-dialogues"
                else [None]
            )
            to_reference = (
                difference(own[method], own["reference"], ["GBR"])
                if method != "reference"
                else None
            )
            rows.append(
                [
                    title, f"`{method}`", percent(mean_of(own[method], method, ["GBR"])),
                    percent(mean_of(own[method], method, ["GBR"], "contested")),
                    percent(to_reference, signed=True), percent(against[0], signed=True),
                ]
            )  # fmt: skip
    one = mean_of(base["reference"], "reference", ["GBR"])
    assert one is not None
    yield (
        f"Global Dialogues, {_named(chosen)}, the same splits for all: accuracy on the pairs of "
        "people of the United Kingdom who were held out, per cent [95 % interval over raters], "
        f"{one.n:,} pairs, {one.n_raters:,} raters. *Contested* pairs are those on which "
        "the trunk's own reference disagrees with the rater, so they are others for each trunk. "
        "The last column compares the same method on two trunks, pair by pair."
    )
    head = [
        "trunk and part",
        "method",
        "all pairs",
        "contested",
        "minus its reference",
        "minus the sentence encoder",
    ]
    yield table(head, rows)


def prism(runs: Path) -> Iterator[str]:
    tuned = by_seed(runs_named(runs, "prism-pairs"), ("reference", "length"))
    frozen = by_seed(runs_named(runs, "prism-pairs-embedding"), ("reference", "length"))
    chosen = sorted(set(tuned) & set(frozen))
    if not chosen:
        return
    length = read(tuned, chosen, "length")
    rows = []
    for title, found in (
        ("the longer response", length),
        ("frozen sentence encoder, a linear head", read(frozen, chosen, "reference")),
        ("all of MiniLM fine-tuned", read(tuned, chosen, "reference")),
    ):
        to_length = difference(found, length, ["~world"]) if found is not length else None
        rows.append(
            [
                title,
                percent(mean_of(found, "reference", ["~world"])),
                percent(to_length, signed=True),
            ]
        )
    one = mean_of(length, "length", ["~world"])
    assert one is not None
    yield (
        "PRISM pairs (the hard panel: no countries, no scores), raters held out, "
        f"{_named(chosen)}: accuracy, {one.n:,} pairs of {one.n_raters:,} people held out."
    )
    yield table(["model", "all pairs", "minus length"], rows)


def differences(runs: Path) -> Iterator[str]:
    changed = {run.folder.name: run for run in finished(sorted((runs / "differences").glob("*")))}
    base = changed.pop("ours", None)
    if base is None:
        return
    seeds = dict.fromkeys(base.seeds, base)
    ours = read(seeds, sorted(seeds), "scpo")
    rows = [
        [
            "ours",
            percent(mean_of(ours, "scpo", ["GBR"])),
            percent(mean_of(ours, "scpo", ["GBR"], "contested")),
            "-",
            _steps(base),
        ]
    ]
    for name, run in changed.items():
        found = read(dict.fromkeys(seeds, run), sorted(seeds), "scpo")
        rows.append(
            [
                CHANGED.get(name, name),
                percent(mean_of(found, "scpo", ["GBR"])),
                percent(mean_of(found, "scpo", ["GBR"], "contested")),
                percent(difference(found, ours, ["GBR"]), signed=True),
                _steps(run),
            ]
        )
    one = mean_of(ours, "scpo", ["GBR"])
    assert one is not None
    yield (
        "The effect of each difference between our defaults and SCPO as published, one at a time "
        "(`scpo`, full copies, one seed, a sample of the United Kingdom's pairs, from the model "
        f"that was fine-tuned on the worldwide panel with seed 7): {one.n:,} pairs of "
        f"{one.n_raters:,} people held out."
    )
    yield table(["changed", "all pairs", "contested", "minus ours", "steps (best)"], rows)


def _named(seeds: Sequence[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def _steps(run: RewardRun) -> str:
    facts = next(iter(run.record["training"].values()))["scpo"]["GBR"]
    best = f" ({facts['best_step']})" if facts["best_step"] is not None else ""
    return f"{facts['steps']}{best}"


def section(runs: Path, reading: str) -> str:
    parts = [*dialogues(runs), *prism(runs), *differences(runs)]
    return marked(
        "transformers", "\n\n".join(["## Transformers", *parts, *filter(None, [reading.strip()])])
    )
