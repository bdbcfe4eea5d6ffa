"""The basis of the numbers: data, people, split, seeds, versions, and how to read the page."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pages.reading import tested
from pages.writing import named, split_unit, table, title_of, unit_of
from pluralign.runs import RewardRun

_ABOUT = {
    "global-dialogues": (
        "People answered questions about artificial intelligence in their own words and then"
        " judged each other's answers in pairs. The reference learns from a worldwide panel; the"
        " community is a panel in the United Kingdom."
    ),
    "global-opinions": (
        "Part of GlobalOpinionQA (Durmus et al. 2023): answers of the people of each country"
        " in Pew and World Values Survey polls. Every two options of a question with different"
        " shares are a pair; the reference learns from nine Western countries together."
    ),
    "world-values": (
        "World Values Survey wave 7: shares of answers by country. Every two options of a"
        " question with different shares are a pair; the reference learns from seven Western"
        " countries together."
    ),
    "survey-shift": (
        "GlobalOpinionQA and the World Values Survey together: methods are trained on one and"
        " tested on the other, in both directions. Test questions whose stem occurs in training are"
        " left out. The reference learns from six Western countries together."
    ),
}
_INTRODUCTION = """# Results

This page is written by `docs/build/results_page.py` from the folders of finished runs. No number in
its tables is typed by hand, and the sentences that compare methods follow from the intervals; only
the list below was written by a person.

How to read it:

* **Accuracy** is the part of held-out pairs on which the reward of the chosen response is the
  higher one, in per cent; a tie counts half. **Average** counts every community steered to the
  same, each under the steer to itself.
* **Contested** pairs are those on which the reference disagrees with the rater. The reference gets
  none of them right by definition. Higher is not simply better: a model that only contradicts the
  reference scores high here and low overall. The two columns belong together.
* **Worst community** is the one with the lowest accuracy, among those with at least five raters or
  question stems to test on.
* **[low, high]** is a 95 % interval, clustered by rater, or by question stem where answers were
  published as shares ([formulas](methods.md#intervals)). The repeats of a run are joined first, and
  a rater drawn in two of them is one rater. It does not cover the choice of the encoder, nor how
  the data were collected.
* **Ahead of**, **behind** and **level with** mean that the interval of the paired difference lies
  above 0, lies below 0, or contains 0. *Level with* does not mean equal.
* A number measures how similar a model's ranking is to the choices of the people who took part, not
  to a whole country. The encoder reads English; the texts are English or translated to it.
* The ablations of SCPO use the ridge of SCPO, so that they differ in one thing only.
* The sections on transformers and on a community nobody trained on were measured before principal
  components became the default, with products by element (`trunk.components = 0`), and their
  accuracies have Student's t in place of Wilson's interval. So have learning curves and other
  settings, whose errors come from draws.
* **These are development data.** Methods, features and settings were chosen on them, by the
  [protocol](protocol.md), mostly on the same seeds and without a quarter of the communities or
  raters. No interval covers that choice. It favours `adaptive` over the published methods, which
  were not redesigned; its lead, where it has one, is to be checked on data that nobody has looked
  at.
* GlobalOpinionQA was first run with 5 splits and the label Australia, which the data's notes ask to
  leave out. Without it the splits changed and the lead of `adaptive` was gone; the number of splits
  was then raised to 20, after that result was seen."""


def introduction() -> str:
    """How to read the page."""
    return f"{_INTRODUCTION}\n\n## All data sets"


def data_section(run: RewardRun) -> str:
    """Data, people, split and seeds of a run, and every row dropped by its reason."""
    record, split = run.record, run.settings["split"]
    overall = next(r for r in run.summary if r.aggregate == "overall" and r.subset == "all")
    raters = [record["people"][c]["raters"] for c in tested(run)]
    people = (
        f"{sum(r for r in raters if r is not None):,} raters in the communities steered to"
        if any(r is not None for r in raters)
        else "answers published as shares, so the number of people is not known"
    )
    said = [
        f"**People.** {record['data']['pairs']:,} pairs; {people}. Steered to:"
        f" {_listed(tested(run))}. The reference is fitted on: {_listed(run.spoken_for)}."
        f" {_left_out(record['communities']['left_out'])}",
        f"**Split.** {_held_out(split)} {split_unit(run)} held out; {len(run.seeds)}"
        f" {'seed' if len(run.seeds) == 1 else 'seeds'} ({', '.join(map(str, run.seeds))}), each"
        f" with its own split. {overall.n:,} different test pairs in the communities steered to."
        f" Intervals are clustered by {unit_of(run)}.",
        f"**Encoder.** `{run.settings['trunk']['encoder']}`.",
    ]
    notes = "\n".join(f"* {note}" for note in record["notes"])
    parts = [
        _ABOUT.get(run.name, ""),
        _source_table(run),
        *said,
        f"Notes of the run:\n\n{notes}" if notes else "",
    ]
    return "\n\n".join(part for part in parts if part)


def footer(runs: Sequence[RewardRun]) -> str:
    """The commands and the versions."""
    lines = "\n".join(f"pluralign run configs/{_config(run)} --out runs/{run.name}" for run in runs)
    versions = [run.record["versions"] for run in runs]
    packages = dict.fromkeys(name for found in versions for name in found)
    rows = [[name, *(found.get(name, "-") for found in versions)] for name in packages]
    fingerprints = ["data", *(f"`{run.record['data']['fingerprint'][:16]}`" for run in runs)]
    head = ["", *(title_of(run) for run in runs)]
    return "\n\n".join([
        "## How it was made",
        f"```sh\n{lines}\npython docs/build/results_page.py runs --out docs\n```",
        "`PLURALIGN_DATA` names the folder of the data, which are not part of this project.",
        table(head, [*rows, fingerprints]),
        "The last row is the beginning of the SHA-256 of the pairs: equal where the same pairs "
        "were read.",
    ])  # fmt: skip


def _source_table(run: RewardRun) -> str:
    files = [_file(settings) for settings in run.settings["pairs"]]
    sources = run.record["data"]["sources"]
    names = [
        f"{s['name']}: {file}" if file else s["name"]
        for s, file in zip(sources, files, strict=True)
    ]
    rows = [
        [
            name,
            f"{s['read']:,}",
            f"{s['kept']:,}",
            _counts(s["dropped"]),
            _counts(s["flagged"]),
            s["license"],
        ]
        for name, s in zip(names, sources, strict=True)
    ]
    said = (
        "A row is a vote, or a question of a survey, which gives a pair for every two options "
        "with different shares."
    )
    return (
        f"{table(['source', 'rows read', 'pairs kept', 'dropped', 'flagged', 'terms'], rows)}\n\n"
        f"{said}"
    )


def _file(settings: Mapping[str, Any]) -> str:
    return Path(str(settings["path"])).name if settings.get("path") else ""


def _counts(counts: Mapping[str, int]) -> str:
    return (
        "; ".join(f"{n:,} {reason}" for reason, n in sorted(counts.items(), key=lambda c: -c[1]))
        or "none"
    )


def _listed(communities: Sequence[str]) -> str:
    if not communities:
        return "none (the reference is loaded)"
    shown = [named(c) for c in communities] if len(communities) < 4 else list(communities)
    return f"{', '.join(shown)}" + (f" ({len(shown)} communities)" if len(shown) > 3 else "")


def _left_out(left_out: Mapping[str, str]) -> str:
    if not left_out:
        return "Nobody else is in the data."
    first, why = next(iter(left_out.items()))
    return f"{len(left_out)} others are in the data and are neither, such as {first}: {why}."


def _held_out(split: Mapping[str, Any]) -> str:
    return "One of the" if split["by"] == "source" else f"{_part(split['test'])} of the"


def _part(test: object) -> str:
    return f"{100 * test:.0f} %" if isinstance(test, float) else f"The file {json.dumps(str(test))}"


def _config(run: RewardRun) -> str:
    return f"{run.name.replace('-', '_')}.toml"
