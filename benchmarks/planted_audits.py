"""Rates over seeds at which each audit finds its planted fault, and any audit a fault of others.

The last table has every fault by every audit, with Wilson intervals over simulated societies.

python benchmarks/planted_audits.py --seeds 50
python benchmarks/planted_audits.py --seeds 20 --only reward-hacking
"""

import argparse
import json
import time
from collections import Counter
from pathlib import Path

from pluralign.audits import BUILT_IN, Context, run_audits
from pluralign.audits.planted import FAULTS, sound
from pluralign.metrics import wilson_interval


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--only", default="", help="only faults with this in their name")
    parser.add_argument("--out", type=Path, help="JSON file for docs/build/findings_results.py")
    args = parser.parse_args()
    found, strangers, alarms = Counter(), Counter(), Counter()
    whose: dict[str, Counter[str]] = {}
    by_audit: dict[str, Counter[str]] = {"sound": Counter()}
    since = time.perf_counter()
    for seed in range(args.seeds):
        planted, context = sound(seed), Context(seed=seed, draws=args.draws)
        sound_alarms = _alarms(planted.evidence(), context)
        alarms["sound"] += bool(sound_alarms)
        by_audit["sound"].update({f.audit for f in sound_alarms})
        for finding in sound_alarms:
            whose.setdefault("sound", Counter())[f"{finding.audit}/{finding.check}"] += 1
        for (audit, check), faults in FAULTS.items():
            for fault in faults:
                name = f"{audit}/{check}: {fault.__name__}"
                if args.only not in name:
                    continue
                raised = _alarms(fault(planted), context)
                by_audit.setdefault(name, Counter()).update({f.audit for f in raised})
                found[name] += any((f.audit, f.check) == (audit, check) for f in raised)
                other = {f"{f.audit}/{f.check}" for f in raised if f.audit != audit}
                strangers[name] += bool(other)
                whose.setdefault(name, Counter()).update(other)
    print(f"{args.seeds} seeds, {args.draws} draws, {time.perf_counter() - since:.0f} s")
    print(f"sound society: alarm in {alarms['sound']}  {dict(whose.get('sound', {}))}")
    print(f"{'planted':58} found  other audits")
    if args.out is not None:
        faults = [
            {"fault": name, "found": found[name], "others": strangers[name]}
            | {"by_audit": dict(by_audit[name])}
            for name in found
        ]
        args.out.write_text(
            json.dumps({"seeds": args.seeds, "sound": alarms["sound"], "faults": faults}, indent=1)
        )
    for name in found:
        print(f"{name:58} {found[name]:5}  {strangers[name]:5}  {dict(whose[name]) or ''}")
    _print_matrix(by_audit, args.seeds)


def _print_matrix(by_audit, seeds):
    """Share of societies in which each audit raises an alarm, by fault; empty cells are 0."""
    _, none_high = wilson_interval(0.0, 0.0, seeds)
    print(
        f"\nshare of {seeds} societies with an alarm [95 %]; an empty cell: 0 [0, {none_high:.2f}]"
    )
    for name, counts in by_audit.items():
        cells = []
        for audit in BUILT_IN:
            if counts[audit.name]:
                share = counts[audit.name] / seeds
                low, high = wilson_interval(share, share * (1 - share) / seeds, seeds)
                cells.append(f"{audit.name} {share:.2f} [{low:.2f}, {high:.2f}]")
        print(f"{name:58} {', '.join(cells)}")


def _alarms(evidence, context):
    findings, _ = run_audits(BUILT_IN, evidence, context)
    return [f for f in findings if f.severity != "note"]


if __name__ == "__main__":
    main()
