"""Rates over seeds at which each audit finds its planted fault, and any audit a fault of others.

python benchmarks/planted_audits.py --seeds 50
"""

import argparse
import json
import time
from collections import Counter
from pathlib import Path

from pluralign.audits import BUILT_IN, Context, run_audits
from pluralign.audits.planted import FAULTS, sound


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--only", default="", help="only faults with this in their name")
    parser.add_argument("--out", type=Path, help="JSON file for docs/build/findings_results.py")
    args = parser.parse_args()
    found, strangers, alarms = Counter(), Counter(), Counter()
    whose: dict[str, Counter[str]] = {}
    since = time.perf_counter()
    for seed in range(args.seeds):
        planted, context = sound(seed), Context(seed=seed, draws=args.draws)
        sound_alarms = _alarms(planted.evidence(), context)
        alarms["sound"] += bool(sound_alarms)
        for finding in sound_alarms:
            whose.setdefault("sound", Counter())[f"{finding.audit}/{finding.check}"] += 1
        for (audit, check), faults in FAULTS.items():
            for fault in faults:
                name = f"{audit}/{check}: {fault.__name__}"
                if args.only not in name:
                    continue
                raised = _alarms(fault(planted), context)
                found[name] += any((f.audit, f.check) == (audit, check) for f in raised)
                other = {f"{f.audit}/{f.check}" for f in raised if f.audit != audit}
                strangers[name] += bool(other)
                whose.setdefault(name, Counter()).update(other)
    print(f"{args.seeds} seeds, {args.draws} draws, {time.perf_counter() - since:.0f} s")
    print(f"sound society: alarm in {alarms['sound']}  {dict(whose.get('sound', {}))}")
    print(f"{'planted':58} found  other audits")
    if args.out is not None:
        faults = [
            {"fault": name, "found": found[name], "others": strangers[name]} for name in found
        ]
        args.out.write_text(
            json.dumps({"seeds": args.seeds, "sound": alarms["sound"], "faults": faults}, indent=1)
        )
    for name in found:
        print(f"{name:58} {found[name]:5}  {strangers[name]:5}  {dict(whose[name]) or ''}")


def _alarms(evidence, context):
    findings, _ = run_audits(BUILT_IN, evidence, context)
    return [f for f in findings if f.severity != "note"]


if __name__ == "__main__":
    main()
