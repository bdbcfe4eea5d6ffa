"""What reward models of BLEnD's regions know: against baselines, and region against region.

Run: PLURALIGN_DATA=FOLDER python benchmarks/blend_regions.py RUN [--out ROWS.jsonl], where
``pluralign run configs/blend.toml --out RUN`` wrote RUN. Takes a few seconds.

Everything is measured on the held-out questions of all repeats of the run, with 95 % intervals
clustered by question:

* **Baselines**, which read no text: the response that is more often a common answer of the region
  on the training questions (``frequent here``), or of any region (``frequent anywhere``); and the
  common answer of more of the other regions to the tested question itself (``others``). Ties count
  half.
* **Parts**: accuracy on the pairs of each topic, on questions that ask for numbers, dates or times
  and on all others, on pairs in which neither answer names a country or its people, and on pairs in
  which neither answer is a common answer of any region to a training question.
* **Neighbours**: of a region's pairs against the common answer of another, accuracy under the steer
  to the region and under the steer to the other. The second should be low: it serves the other.
"""

import argparse
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pluralign.core import BoolArray, Estimate, FloatArray, PreferencePair, Tally, community
from pluralign.core.demonyms import demonyms
from pluralign.metrics import Clusters, group_means
from pluralign.runs import RewardRun, open_run
from pluralign.sources import BlendPairs
from pluralign.sources.answer_keys import answer_key

METHODS = ("reference", "full", "adaptive")
STEERED = "adaptive"
_FORMAT = re.compile(r"\((?:e\.g\.|provide)", re.IGNORECASE)
Row = dict[str, Any]
Key = tuple[str, ...]


@dataclass(frozen=True)
class Tested:
    """The test pairs of all repeats, N rows.

    Attributes:
        pair_N: The pair of each row.
        seed_N: The repeat of each row.
        margin_N: Method and steer -> its margins, shape (N,).
    """

    pair_N: Sequence[PreferencePair]
    seed_N: Sequence[int]
    margin_N: Mapping[tuple[str, str], FloatArray]


def main() -> None:
    """Measure a run and print its rows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, nargs="?", default=Path("runs/blend"))
    parser.add_argument("--out", type=Path, help="file of the numbers, in JSON Lines")
    given = parser.parse_args()
    run = open_run(given.run)
    if not isinstance(run, RewardRun):
        parser.error(f"{given.run} is not a run of pluralign run")
    tally = Tally()
    pairs = list(BlendPairs(Path(os.environ["PLURALIGN_DATA"]) / "blend").pairs(tally))
    counts = {"read": tally.read, "kept": tally.kept, "pairs": len(pairs)}
    unused = dict((tally.dropped + tally.left_out).most_common())
    source = {"kind": "source", **counts, "unused": unused}
    rows = [source, *measured(read_tested(run, pairs), pairs)]
    for row in rows:
        print(json.dumps(row))
    if given.out is not None:
        given.out.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def read_tested(run: RewardRun, pairs: Sequence[PreferencePair]) -> Tested:
    """The test pairs of all repeats of a run, with the margins of `METHODS`."""
    by_id = {pair.id: pair for pair in pairs}
    ids: list[str] = []
    seeds: list[int] = []
    margins: dict[tuple[str, str], list[FloatArray]] = defaultdict(list)
    for seed in run.seeds:
        for method in METHODS:
            judged, by_steer = run.margins(method, seed)
            for steer, margin_n in by_steer.items():
                margins[method, steer].append(margin_n)
        ids += judged.pair_N.tolist()
        seeds += [seed] * len(judged)
    joined = {key: np.concatenate(parts) for key, parts in margins.items()}
    return Tested([by_id[id_] for id_ in ids], seeds, joined)


def measured(tested: Tested, pairs: Sequence[PreferencePair]) -> list[Row]:
    """All rows: baselines, parts and neighbours."""
    credit_by_name = {method: _own_credit(tested, method) for method in METHODS}
    credit_by_name |= baselines(tested, pairs)
    rows = [
        row for name, credit_N in credit_by_name.items() for row in _served(tested, name, credit_N)
    ]
    for part, within_N in _parts(tested, pairs).items():
        for method in METHODS:
            estimate = _average(tested, credit_by_name[method], within_N)
            rows.append({"kind": "part", "name": method, "part": part} | _numbers(estimate))
    return [*rows, *_neighbours(tested)]


def baselines(tested: Tested, pairs: Sequence[PreferencePair]) -> dict[str, FloatArray]:
    """Name of each baseline -> its credit on each row: 1 right, 0 wrong, 0.5 for a tie."""
    common = _common(pairs)
    elsewhere: dict[str, Counter[Key]] = defaultdict(Counter)
    for (question, _), key in common.items():
        elsewhere[question][key] += 1
    here = _frequencies_by_seed(tested, common)
    gaps: dict[str, list[float]] = defaultdict(list)
    for pair, seed in zip(tested.pair_N, tested.seed_N, strict=True):
        chosen, rejected = answer_key(pair.chosen), answer_key(pair.rejected)
        own, all_ = here[seed][pair.community], here[seed]["~world"]
        gaps["frequent here"].append(own[chosen] - own[rejected])
        gaps["frequent anywhere"].append(all_[chosen] - all_[rejected])
        others = elsewhere[pair.question]
        gaps["others"].append(others[chosen] - 1 - others[rejected])
    return {name: _credit(np.array(gap_N, dtype=np.float64)) for name, gap_N in gaps.items()}


def _common(pairs: Sequence[PreferencePair]) -> dict[tuple[str, str], Key]:
    """Question and community -> its common answer."""
    return {(pair.question, pair.community): answer_key(pair.chosen) for pair in pairs}


def _frequencies_by_seed(
    tested: Tested, common: Mapping[tuple[str, str], Key]
) -> dict[int, Mapping[str, Counter[Key]]]:
    """Seed -> `_frequencies` of its training questions."""
    held_out: dict[int, set[str]] = defaultdict(set)
    for pair, seed in zip(tested.pair_N, tested.seed_N, strict=True):
        held_out[seed].add(pair.question)
    return {seed: _frequencies(common, out) for seed, out in held_out.items()}


def _frequencies(
    common: Mapping[tuple[str, str], Key], held_out: set[str]
) -> Mapping[str, Counter[Key]]:
    """Community, and ~world for all -> answer -> training questions whose common answer it is."""
    counts: dict[str, Counter[Key]] = defaultdict(Counter)
    for (question, community_), key in common.items():
        if question not in held_out:
            counts[community_][key] += 1
            counts["~world"][key] += 1
    return counts


def _credit(margin_N: FloatArray) -> FloatArray:
    return np.where(margin_N == 0, 0.5, (margin_N > 0).astype(np.float64))


def _own_credit(tested: Tested, method: str) -> FloatArray:
    """Credit under the steer to the community of each row; the reference has no steer."""
    if (method, "") in tested.margin_N:
        return _credit(tested.margin_N[method, ""])
    margin_N = np.array(
        [tested.margin_N[method, p.community][n] for n, p in enumerate(tested.pair_N)]
    )
    return _credit(margin_N)


def _served(tested: Tested, name: str, credit_N: FloatArray) -> Iterator[Row]:
    """Accuracy on average over communities, and for each."""
    means = group_means(
        credit_N[:, None], _communities(tested), _clusters(tested), bounds=(0.0, 1.0)
    )
    yield {"kind": "method", "name": name, "community": None} | _numbers(means.average())
    for id_, estimate in means.by_id().items():
        yield {"kind": "method", "name": name, "community": id_} | _numbers(estimate)


def _average(tested: Tested, credit_N: FloatArray, within_N: BoolArray) -> Estimate:
    means = group_means(
        credit_N[within_N, None],
        _communities(tested)[within_N],
        _clusters(tested, within_N),
        bounds=(0.0, 1.0),
    )
    return means.average()


def _parts(tested: Tested, pairs: Sequence[PreferencePair]) -> dict[str, BoolArray]:
    """Name of each part of the test pairs -> the rows in it; parts without rows are left out."""
    topics = sorted({str(pair.extra["topic"]) for pair in tested.pair_N})
    parts = {t: _where(tested, [str(p.extra["topic"]) == t for p in tested.pair_N]) for t in topics}
    formatted = [_FORMAT.search(str(p.prompt)) is not None for p in tested.pair_N]
    parts["numbers, dates and times"] = _where(tested, formatted)
    parts["all other questions"] = ~parts["numbers, dates and times"]
    names = _names({p.community for p in tested.pair_N})
    named = [bool(names.search(f"{p.chosen} | {p.rejected}")) for p in tested.pair_N]
    parts["answers that name no region"] = ~_where(tested, named)
    parts["answers that no region gave in training"] = _where(tested, _new(tested, pairs))
    return {name: within_N for name, within_N in parts.items() if within_N.any()}


def _new(tested: Tested, pairs: Sequence[PreferencePair]) -> list[bool]:
    """Whether neither answer of each row is common in any region on a training question."""
    by_seed = _frequencies_by_seed(tested, _common(pairs))
    return [
        not any(by_seed[seed]["~world"][answer_key(text)] for text in (pair.chosen, pair.rejected))
        for pair, seed in zip(tested.pair_N, tested.seed_N, strict=True)
    ]


def _where(tested: Tested, chosen: Sequence[bool]) -> BoolArray:
    assert len(chosen) == len(tested.pair_N)
    return np.array(chosen, dtype=np.bool_)


def _names(communities: set[str]) -> re.Pattern[str]:
    """Names of the countries of communities and of their people."""
    countries = {community(id_).country or id_ for id_ in communities}
    words = {word for id_ in countries for word in (community(id_).name, *demonyms(id_))}
    words |= {"us", "usa", "uk", "america"}
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(words)))})", re.IGNORECASE)


def _neighbours(tested: Tested) -> Iterator[Row]:
    """Every region against every other, under the steers to both."""
    communities = sorted({pair.community for pair in tested.pair_N})
    for own in communities:
        for other in communities:
            among = [p.community == own and other in _rejected_in(p) for p in tested.pair_N]
            within_N = _where(tested, among)
            if own == other or not within_N.any():
                continue
            for steer in (own, other):
                credit_N = _credit(tested.margin_N[STEERED, steer])
                estimate = _average(tested, credit_N, within_N)
                cell = {"kind": "neighbour", "community": own, "other": other, "steer": steer}
                yield cell | _numbers(estimate)


def _rejected_in(pair: PreferencePair) -> Sequence[str]:
    found = pair.extra["rejected_in"]
    assert isinstance(found, list)
    return found


def _communities(tested: Tested) -> Any:
    return np.array([pair.community for pair in tested.pair_N])


def _clusters(tested: Tested, within_N: BoolArray | None = None) -> Clusters:
    questions = np.array([pair.stem for pair in tested.pair_N])
    ids = np.array([pair.id for pair in tested.pair_N])
    if within_N is not None:
        questions, ids = questions[within_N], ids[within_N]
    return Clusters(cluster_N=questions, person_N=False, pair_N=ids)


def _numbers(estimate: Estimate) -> Row:
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "n": estimate.n,
    }


if __name__ == "__main__":
    main()
