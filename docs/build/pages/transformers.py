"""The section on transformers: trained parts and linear heads, PRISM pairs, single differences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pages.sections import marked
from pages.writing import table
from pluralign.cli.numbers import percent
from pluralign.core import FloatArray, InvalidInput
from pluralign.evaluation import Drawing, TestPairs, difference_rows, summary_rows
from pluralign.runs import RunFolder, open_run

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


def folders_of(runs: Path, name: str) -> list[Path]:
    return [
        p
        for p in [runs / name, *sorted(runs.glob(f"{name}-[0-9]*"))]
        if (p / "predictions").is_dir()
    ]


def seeds_of(folders: Sequence[Path], methods: Sequence[str]) -> dict[int, Path]:
    """Seed -> the folder that has all methods of it."""
    found: dict[int, Path] = {}
    for folder in folders:
        for path in (folder / "predictions").glob("seed-*"):
            if all((path / f"{m}.parquet").is_file() for m in methods):
                found.setdefault(int(path.name.removeprefix("seed-")), folder)
    return found


def read(seeds: Mapping[int, Path], chosen: Sequence[int], method: str) -> Found:
    parts = [RunFolder(seeds[seed]).read_predictions(seed, method) for seed in chosen]
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
) -> dict[str, Any] | None:
    rows = summary_rows(found.judged, method, found.margins, served, DRAWING)
    return next(
        (dict(r) for r in rows if r["subset"] == subset and r["aggregate"] == "average"), None
    )


def difference(found: Found, other: Found, served: Sequence[str]) -> dict[str, Any] | None:
    baseline = ("other", aligned(other, found))
    rows = difference_rows(found.judged, "this", found.margins, baseline, served, DRAWING)
    wanted = (r for r in rows if r["subset"] == "all" and r["community"] is None)
    return next((dict(r) for r in wanted), None)


def dialogues(runs: Path) -> Iterator[str]:
    by_trunk = {name: seeds_of(folders_of(runs, name), METHODS) for name in TRUNKS}
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
        f"{one['n']:,} pairs, {one['n_raters']:,} raters. *Contested* pairs are those on which "
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
    tuned = seeds_of(folders_of(runs, "prism-pairs"), ("reference", "length"))
    frozen = seeds_of(folders_of(runs, "prism-pairs-embedding"), ("reference", "length"))
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
        f"{_named(chosen)}: accuracy, {one['n']:,} pairs of {one['n_raters']:,} people held out."
    )
    yield table(["model", "all pairs", "minus length"], rows)


def differences(runs: Path) -> Iterator[str]:
    folders = sorted(p for p in (runs / "differences").glob("*") if (p / "record.json").is_file())
    base = runs / "differences" / "ours"
    if base not in folders:
        return
    seeds = {int(p.name.removeprefix("seed-")): base for p in (base / "predictions").glob("seed-*")}
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
    for folder in (f for f in folders if f != base):
        found = read(dict.fromkeys(seeds, folder), sorted(seeds), "scpo")
        rows.append(
            [
                CHANGED.get(folder.name, folder.name),
                percent(mean_of(found, "scpo", ["GBR"])),
                percent(mean_of(found, "scpo", ["GBR"], "contested")),
                percent(difference(found, ours, ["GBR"]), signed=True),
                _steps(folder),
            ]
        )
    one = mean_of(ours, "scpo", ["GBR"])
    assert one is not None
    yield (
        "The effect of each difference between our defaults and SCPO as published, one at a time "
        "(`scpo`, full copies, one seed, a sample of the United Kingdom's pairs, from the model "
        f"that was fine-tuned on the worldwide panel with seed 7): {one['n']:,} pairs of "
        f"{one['n_raters']:,} people held out."
    )
    yield table(["changed", "all pairs", "contested", "minus ours", "steps (best)"], rows)


def _named(seeds: Sequence[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def _steps(folder: Path) -> str:
    training = open_run(folder).record["training"]
    facts = next(iter(training.values()))["scpo"]["GBR"]
    best = f" ({facts['best_step']})" if facts["best_step"] is not None else ""
    return f"{facts['steps']}{best}"


def section(runs: Path, reading: str) -> str:
    parts = [*dialogues(runs), *prism(runs), *differences(runs)]
    return marked(
        "transformers", "\n\n".join(["## Transformers", *parts, *filter(None, [reading.strip()])])
    )
