"""Seconds and megabytes of a large run's report, compared with Altair's standalone pages.

    python benchmarks/report.py --communities 100

The run is synthetic: every method steered to every community and measured on each. The two
alternate; the ratio is that of their medians. Our page contains every chart twice (drawn and
interactive), all tables and the text; each of Altair's pages contains one chart.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median

import altair as alt
import numpy as np
import pycountry

from pluralign.languages import Speech
from pluralign.reports import ReportOptions, page_of, read_run, write_report

METHODS = ("reference", "length", "full", "scpo", "pooled", "adaptive")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--communities", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        run = written(folder / "run", args.communities)
        ours, theirs = [], []
        for _ in range(args.rounds):
            since = time.perf_counter()
            (page,) = write_report([run], folder / "report.html", ReportOptions())
            ours.append(time.perf_counter() - since)
            figures = [f for s in page_of([read_run(run)], Speech()).sections for f in s.figures]
            since = time.perf_counter()
            for figure in figures:
                alt.Chart.from_dict(dict(figure.spec)).save(
                    folder / f"{figure.name}.html", inline=True
                )
            theirs.append(time.perf_counter() - since)
        alone = sum((folder / f"{figure.name}.html").stat().st_size for figure in figures)
        rows = (run / "results.jsonl").read_text().count("\n")
        print(
            f"{args.communities} communities, {len(METHODS)} methods, {rows:,} results, "
            f"{len(figures)} charts"
        )
        print(f"{'':34}{'seconds':>9}{'MB':>7}")
        print(
            f"{'report (first run of a process)':34}{ours[0]:9.1f}{page.stat().st_size / 1e6:7.1f}"
        )
        print(f"{'report (median)':34}{median(ours):9.1f}{page.stat().st_size / 1e6:7.1f}")
        print(f"{'Altair, a page for each chart':34}{median(theirs):9.1f}{alone / 1e6:7.1f}")
        print(f"{'ratio':34}{median(ours) / median(theirs):9.2f}{page.stat().st_size / alone:7.2f}")


def written(folder: Path, communities: int) -> Path:
    """A folder in the form that `pluralign run` writes."""
    rng = np.random.default_rng(0)
    codes = [c.alpha_3 for c in pycountry.countries]
    ids = [codes[i] if i < len(codes) else f"~people-{i}" for i in range(communities)]
    row = {"metric": "pairwise_accuracy", "n": 400, "n_raters": 60}
    rows, summary = [], []
    for method in METHODS:
        steers = [None] if method in {"reference", "length"} else ids
        for subset, centre in (("all", 0.65), ("contested", 0.3)):
            for steer in steers:
                for community, value in zip(ids, centre + 0.1 * rng.random(len(ids)), strict=True):
                    one = {
                        "method": method,
                        "steer": steer,
                        "community": community,
                        "subset": subset,
                    }
                    ends = {
                        "value": round(value, 4),
                        "low": round(value - 0.05, 4),
                        "high": round(value + 0.05, 4),
                    }
                    rows.append(row | one | ends)
            ends = {"value": centre, "low": centre - 0.02, "high": centre + 0.02}
            one = {
                "method": method,
                "steer": "own",
                "community": None,
                "subset": subset,
                "aggregate": "average",
            }
            summary.append(row | one | ends)
    record = {
        "name": "large",
        "written": "2026-01-01T00:00:00+00:00",
        "settings": {"methods": list(METHODS)},
        "versions": {},
        "data": {"pairs": 400 * communities, "sources": []},
        "people": {c: {"pairs": 400, "raters": 60} for c in ids},
        "communities": {"steered": ids, "reference": [], "left_out": {}},
        "seeds": [0],
    }
    folder.mkdir()
    (folder / "record.json").write_text(json.dumps(record))
    for name, lines in (("results", rows), ("summary", summary)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


if __name__ == "__main__":
    main()
