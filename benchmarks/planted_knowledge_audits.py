"""Rates at which the checks of the audit `knowledge` find planted faults, by their size.

Each society is new: other people, other answers, other draws of the model. A fault concerns a share
of the answers; at 0 the model is sound, so that every alarm is false. Intervals are Wilson's, over
societies.

python benchmarks/planted_knowledge_audits.py --seeds 100
"""

import argparse
import time
from collections import Counter

from pluralign.audits import KNOWLEDGE, Context, Evidence
from pluralign.audits.planted.knowledge import (
    default_where_named,
    default_where_unnamed,
    english_guessed,
    language_for_place,
    neighbours_mixed,
    one_place_as_another,
    places_for_one,
)
from pluralign.audits.planted.knowledge_world import answers_as_asked, knowledge_of
from pluralign.metrics import wilson_interval

FAULTS = {
    "language": (english_guessed, language_for_place),
    "places-alike": (places_for_one,),
    "wrong-neighbour": (neighbours_mixed,),
    "other-people": (one_place_as_another,),
    "default-culture": (default_where_named, default_where_unnamed),
}
SHARES = (0.4, 0.6, 0.8, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=100)
    args = parser.parse_args()
    since = time.perf_counter()
    checks = [check.name for check in KNOWLEDGE.checks]
    print(f"| model | share | {' | '.join(checks)} |\n|:--|--:|{'--:|' * len(checks)}")
    for name, share, answers_as in cases():
        counts = Counter()
        for seed in range(args.seeds):
            counts.update(alarms(knowledge_of(seed, answers_as)))
        cells = [shown(counts[check], args.seeds) for check in checks]
        print(f"| {name} | {share:g} | {' | '.join(cells)} |", flush=True)
    print(f"\n{args.seeds} societies a row, {time.perf_counter() - since:.0f} s")


def cases():
    """Name, share and behaviour of each model."""
    yield "sound", 0.0, answers_as_asked
    yield "knows nothing", 1.0, lambda way, question, rng: None
    for faults in FAULTS.values():
        for fault in faults:
            for share in SHARES:
                yield fault.__name__, share, fault(share)


def alarms(knowledge):
    """Checks with a concern or a risk."""
    findings, _ = KNOWLEDGE(Evidence(knowledge=knowledge), Context())
    return {f.check for f in findings if f.severity != "note"}


def shown(count, societies):
    """A share of societies with its interval."""
    share = count / societies
    low, high = wilson_interval(share, share * (1 - share) / societies, societies)
    return f"{share:.2f} [{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    main()
