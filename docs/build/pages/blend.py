"""The section on BLEnD: methods, baselines, every steer on every region, and parts of the pairs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pages.pictures import draw_steers
from pages.reading import cells, tested
from pages.sections import marked
from pages.writing import compared, named, percent, points, table
from pluralign.core import Estimate
from pluralign.runs import RewardRun

Row = Mapping[str, Any]
STEERED = "adaptive"
INTRODUCTION = """\
Does steering to a region serve its people? BLEnD (Myung et al. 2024) asked about five people in
each region everyday questions: food, holidays, sport, school, work, family. A pair is the most
common answer of a region against the most common answer of another region that nobody here gave.
The questions ask about "this region", so only the steer distinguishes regions; a fifth of the
questions is held out, for all regions at once, in {repeats} splits. Answers are in English, which
the encoder (`{encoder}`) reads; the reference is fitted on all regions together
(`configs/blend.toml`; baselines and parts: `benchmarks/blend_regions.py`). Intervals (95 %) are
clustered by question."""
_BASELINES = {
    "frequent here": "more often a common answer here, in training questions",
    "frequent anywhere": "more often a common answer of any region, in training questions",
    "others": "common answer of more of the other regions to the same question",
}


def section(
    run: RewardRun, place: RewardRun, rows: Sequence[Row], pictures: Path, reading: str
) -> str:
    """The section with its markers; its picture is written to a folder.

    Args:
        run: The run in which questions do not name the region.
        place: The run in which they do.
        rows: Rows of the benchmark.
        pictures: Folder of the picture.
        reading: The text of a person about the numbers, with its heading.
    """
    drawn = draw_steers(run, pictures)
    settings = {"repeats": len(run.seeds), "encoder": run.settings["trunk"]["encoder"]}
    parts = [
        "## Reward models on local knowledge",
        INTRODUCTION.format(**settings),
        _source(rows),
        "### Methods and baselines",
        _methods(run, rows),
        _sentences(run),
        "### Every steer on every region",
        *([f"![Change in accuracy for every steer and region](images/{drawn.name})"]
          if drawn else []),
        _matrix(run),
        "### Region against region",
        _neighbours(rows),
        "### Parts of the pairs",
        _parts(rows),
        "### Questions that name the region",
        _place(run, place),
        reading.strip(),
    ]  # fmt: skip
    return marked("blend", "\n\n".join(parts))


def _source(rows: Sequence[Row]) -> str:
    source = next(row for row in rows if row["kind"] == "source")
    reasons = "; ".join(f"{n:,} {reason}" for reason, n in source["unused"].items())
    return (
        f"{source['read']:,} questions gave {source['pairs']:,} pairs, of {source['kept']:,} "
        f"questions. Not used: {reasons}."
    )


def _methods(run: RewardRun, rows: Sequence[Row]) -> str:
    lines = []
    for method in run.methods:
        worst = run.summed(method, "worst")
        lines.append([
            f"`{method}`",
            percent(run.summed(method)),
            f"{worst.worst_community} {percent(worst)}" if worst else "-",
            points(run.gain(method, "reference")),
        ])  # fmt: skip
    for name, meaning in _BASELINES.items():
        own = [row for row in rows if row["kind"] == "method" and row["name"] == name]
        whole = next(row for row in own if row["community"] is None)
        worst_row = min((row for row in own if row["community"]), key=lambda row: row["value"])
        low = f"{worst_row['community']} {percent(_estimate(worst_row))}"
        lines.append([meaning, percent(_estimate(whole)), low, "-"])
    head = ["method", "average", "worst region", "difference to reference"]
    first = run.summed(run.methods[0])
    behind = f"Every average is over {first.n:,} different test pairs." if first else ""
    return f"{table(head, lines)}\n\n{behind}"


def _sentences(run: RewardRun) -> str:
    compared_to = [("full", "reference"), (STEERED, "reference"), (STEERED, "full")]
    said = [compared(a, b, row) for a, b in compared_to if (row := run.gain(a, b))]
    return "\n".join(f"* {sentence}" for sentence in said)


def _matrix(run: RewardRun) -> str:
    matrix, regions = cells(run, STEERED), tested(run)
    served = run.served()
    lines = [
        [steer, *(_shown(matrix[steer, c].value, steer == c) for c in regions)] for steer in regions
    ]
    lines.append(["reference", *(_shown(served[c, "reference"].value) for c in regions)])
    diagonal = [
        [named(c), f"{matrix[c, c].n:,}", percent(served[c, "reference"]), percent(matrix[c, c]),
         f"{best} {percent(matrix[best, c])}"]
        for c in regions
        for best in [max((s for s in regions if s != c), key=lambda s: matrix[s, c].value)]
    ]  # fmt: skip
    head = ["region", "test pairs", "reference", "steered to itself", "best steer to another"]
    wins = sum(matrix[c, c].value > matrix[s, c].value for c in regions for s in regions if s != c)
    return "\n\n".join([
        f"Accuracy of `{STEERED}`, %; a row is a steer, a column the pairs of a region. The steer "
        f"to the region itself is above another in {wins} of {len(regions) * (len(regions) - 1)} "
        "comparisons.",
        table(["steered to", *regions], lines),
        table(head, diagonal),
    ])  # fmt: skip


def _shown(value: float, own: bool = False) -> str:
    return f"**{100 * value:.0f}**" if own else f"{100 * value:.0f}"


def _neighbours(rows: Sequence[Row]) -> str:
    found = {
        (row["community"], row["other"], row["steer"]): row
        for row in rows
        if row["kind"] == "neighbour"
    }
    regions = sorted({own for own, _, _ in found})
    pairs = sorted({(own, other) for own, other, _ in found})
    lines = [
        [own, *("-" if o == own else _cell(found.get((own, o, own))) for o in regions)]
        for own in regions
    ]
    hardest = sorted(pairs, key=lambda p: found[p[0], p[1], p[0]]["value"])[:5]
    shown = [p for p in [("IRN", "GRC"), ("GRC", "IRN")] if p in pairs]
    compared_ = [
        [f"{named(own)} against {named(other)}", f"{found[own, other, own]['n']:,}",
         percent(_estimate(found[own, other, own])), percent(_estimate(found[own, other, other]))]
        for own, other in dict.fromkeys([*shown, *hardest])
    ]  # fmt: skip
    head = ["pairs of a region against an answer of", "pairs", "steered to the region",
            "steered to the other"]  # fmt: skip
    return "\n\n".join([
        f"Accuracy of `{STEERED}` under the steer to the region of the row, on its pairs in which "
        "the wrong answer is the common one of the column, %. Low numbers are regions that are "
        "taken for each other.",
        table(["region", *regions], lines),
        "Iran and Greece, and the five pairs of regions that are hardest to distinguish. Steered "
        "to the other region, the model should be wrong here:",
        table(head, compared_),
    ])  # fmt: skip


def _cell(row: Row | None) -> str:
    return "-" if row is None else f"{100 * row['value']:.0f}"


def _parts(rows: Sequence[Row]) -> str:
    own = [row for row in rows if row["kind"] == "part"]
    methods = list(dict.fromkeys(row["name"] for row in own))
    lines = [
        [part, f"{named_[0]['n']:,}", *(percent(_estimate(row)) for row in named_)]
        for part in dict.fromkeys(row["part"] for row in own)
        for named_ in [[row for row in own if row["part"] == part]]
    ]
    return table(["pairs", "different pairs", *(f"`{m}`" for m in methods)], lines)


def _place(run: RewardRun, place: RewardRun) -> str:
    lines = [
        [f"`{method}`", percent(run.summed(method)), percent(place.summed(method))]
        for method in place.methods
    ]
    splits = [f"{len(one.seeds)} splits" for one in (run, place)]
    head = ["method", f'"this region", {splits[0]}', f"region named, {splits[1]}"]
    return table(head, lines)


def _estimate(row: Row) -> Estimate:
    return Estimate(row["value"], row["low"], row["high"], row["n"])
