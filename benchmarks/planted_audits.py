"""Rates over simulated societies at which each check finds its planted fault, or accuses others.

python benchmarks/planted_audits.py --seeds 50
python benchmarks/planted_audits.py --first 2000 --seeds 200 --rows rates.jsonl --audits
reward-hacking policy-flattening policy-harm reward-perturbations

The societies of the seeds below 5 were looked at when the checks were written. A finding counts if
it is a concern or a risk. Intervals are Wilson's (95 %) over societies. Rows of finished societies
are kept in ``--rows`` and not made again. The policies and the sets of a society are read by four
audits only; where a fault is in them, the other audits' findings are those of the sound society.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from pluralign.audits import BUILT_IN, Context, Evidence, run_audits
from pluralign.audits.planted import FAULTS, Fault, Planted, little_known, sound
from pluralign.metrics import wilson_interval

SOUND, LITTLE = "sound", "sound, little known"
OF_POLICIES = ("reward-hacking", "policy-flattening", "policy-harm", "reward-perturbations")
Row = dict[str, object]
"""``seed``, ``planted`` (the name of a fault, or sound), ``raised`` (names of checks)."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--first", type=int, default=1000, help="first seed")
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--audits", nargs="+", choices=[a.name for a in BUILT_IN], metavar="AUDIT")
    parser.add_argument("--only", default="", help="only faults with this in their name")
    parser.add_argument("--rows", type=Path, help="JSONL file of rows, which is resumed")
    parser.add_argument("--out", type=Path, help="JSON file for docs/build/findings_results.py")
    args = parser.parse_args()
    names = [
        name
        for name in named_faults()
        if args.only in name and (args.audits is None or audit_of(name) in args.audits)
    ]
    seeds = range(args.first, args.first + args.seeds)
    since = time.perf_counter()
    rows = list(rows_of(seeds, names, args.draws, args.processes, args.rows))
    print(f"{args.seeds} seeds, {args.draws} draws, {time.perf_counter() - since:.0f} s")
    if args.out is not None:
        args.out.write_text(json.dumps(counts_of(rows, names), indent=1), encoding="utf-8")
    print_checks(rows, names)
    print_faults(rows, names)


# Rows


def named_faults() -> dict[str, Fault]:
    """Name -> fault, such as ``policy-harm/empty: silence_learned``."""
    return {
        f"{audit}/{check}: {fault.__name__}": fault
        for (audit, check), faults in FAULTS.items()
        for fault in faults
    }


def check_of(name: str) -> str:
    """Audit and check of a fault."""
    return name.partition(":")[0]


def audit_of(name: str) -> str:
    """Audit of a fault, or of a check."""
    return name.partition("/")[0]


def rows_of(
    seeds: Iterable[int], names: Sequence[str], draws: int, processes: int, path: Path | None
) -> Iterator[Row]:
    """The rows of every society; those in the file are read, others are made and added to it."""
    kept = [] if path is None or not path.exists() else path.read_text().splitlines()
    known: dict[int, list[Row]] = {}
    for row in map(json.loads, kept):
        known.setdefault(row["seed"], []).append(row)
    wanted = {SOUND, LITTLE, *names}
    done = {seed for seed, own in known.items() if wanted <= {row["planted"] for row in own}}
    left = [seed for seed in seeds if seed not in done]
    for seed in set(seeds) & done:
        yield from (row for row in known[seed] if row["planted"] in wanted)
    with ProcessPoolExecutor(processes) as pool:
        for own in pool.map(partial(society_rows, names, draws), left):
            if path is not None:
                with path.open("a", encoding="utf-8") as out:
                    out.writelines(json.dumps(row) + "\n" for row in own)
            yield from own


def society_rows(names: Sequence[str], draws: int, seed: int) -> list[Row]:
    """The alarms in one society, without a fault and with each of them."""
    planted, context, faults = sound(seed), Context(seed=seed, draws=draws), named_faults()
    of_sound = alarms(planted.evidence(), context)
    others = {name for name in of_sound if audit_of(name) not in OF_POLICIES}
    raised = {SOUND: of_sound, LITTLE: others | of_policies(little_known, planted, context)}
    for name in names:
        if audit_of(name) in OF_POLICIES:
            raised[name] = others | of_policies(faults[name], planted, context)
        else:
            raised[name] = alarms(faults[name](planted), context)
    return [{"seed": seed, "planted": name, "raised": sorted(own)} for name, own in raised.items()]


def of_policies(fault: Fault, planted: Planted, context: Context) -> set[str]:
    """The alarms of audits of policies and of perturbed reward models."""
    evidence = fault(planted)
    return alarms(Evidence(policies=evidence.policies, perturbed=evidence.perturbed), context)


def alarms(evidence: Evidence, context: Context) -> set[str]:
    """Names of the checks that report a concern or a risk."""
    findings, _ = run_audits(BUILT_IN, evidence, context)
    return {f"{f.audit}/{f.check}" for f in findings if f.severity != "note"}


# Tables


def counts_of(rows: Sequence[Row], names: Sequence[str]) -> dict[str, object]:
    """Counts of societies by fault, for docs/findings.md."""
    faults = []
    for name in names:
        own = [row["raised"] for row in rows if row["planted"] == name]
        audits = Counter(audit for raised in own for audit in set(map(audit_of, raised)))
        others = [any(audit_of(one) != audit_of(name) for one in raised) for raised in own]
        found = sum(check_of(name) in raised for raised in own)
        faults.append(
            {"fault": name, "found": found, "others": sum(others), "by_audit": dict(audits)}
        )
    of_sound = [row["raised"] for row in rows if row["planted"] == SOUND]
    return {"seeds": len(of_sound), "sound": sum(map(bool, of_sound)), "faults": faults}


def share_of(hit_N: Sequence[bool], seed_N: Sequence[int]) -> str:
    """A share of rows, with its interval over societies."""
    seeds = sorted(set(seed_N))
    by_seed = {seed: [] for seed in seeds}
    for hit, seed in zip(hit_N, seed_N, strict=True):
        by_seed[seed].append(hit)
    own = np.array([np.mean(by_seed[seed]) for seed in seeds])
    low, high = wilson_interval(own.mean(), own.var(ddof=1) / len(own), len(own))
    return f"{100 * own.mean():.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def print_checks(rows: Sequence[Row], names: Sequence[str]) -> None:
    """For each check: how often it finds its fault, and accuses a society that does not have it."""
    print("\n% of societies with an alarm of the check [95 %]")
    columns = ("its fault", SOUND, LITTLE, "faults of other audits")
    print(f"{'check':36} " + " ".join(f"{one:>22}" for one in columns))
    for check in dict.fromkeys(map(check_of, names)):
        cells = []
        for wanted in (
            lambda name, check=check: check_of(name) == check,
            lambda name: name == SOUND,
            lambda name: name == LITTLE,
            lambda name, check=check: name in names and audit_of(name) != audit_of(check),
        ):
            own = [row for row in rows if wanted(row["planted"])]
            hits = [check in row["raised"] for row in own]
            cells.append(share_of(hits, [row["seed"] for row in own]) if own else "-")
        print(f"{check:36} " + " ".join(f"{cell:>22}" for cell in cells))


def print_faults(rows: Sequence[Row], names: Sequence[str]) -> None:
    """For each fault: societies in which another audit raises an alarm, and counts by check."""
    print("\n% of societies with an alarm [95 %]; in brackets: the number of societies by check")
    for name in (SOUND, LITTLE, *names):
        own = [row for row in rows if row["planted"] == name]
        seeds = [row["seed"] for row in own]
        of_others = [any(audit_of(c) != audit_of(name) for c in row["raised"]) for row in own]
        counts = Counter(c for row in own for c in row["raised"] if c != check_of(name))
        print(f"{name:52} of other audits {share_of(of_others, seeds)}  {dict(counts) or ''}")


if __name__ == "__main__":
    main()
