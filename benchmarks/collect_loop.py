"""People with planted tastes take part over HTTP; a model learns from them; some withdraw.

Run: python benchmarks/collect_loop.py [--people 200] [--answers 16] [--keep FOLDER]. Needs the
extras `collect`, `client` and `report`; about a second of processor time for each person. The table
at the end has the numbers of docs/collecting.md.
"""

import argparse
import tempfile
from pathlib import Path

from loop.plans import Found, Plan
from loop.planted_study import COMMUNITIES
from loop.recovery import Interval
from loop.whole_loop import go_around

_FLOOR, _FRESH = 10, 1000
_HEAD = "{:<10} {:<19} {:<19} {:<19} {:<8} {:<8} {}"
_COLUMNS = ("community", "reference", "steered", "gain", "choices", "ceiling", "held out")


def main() -> None:
    """Go around once, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--answers", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="empty folder in which everything stays")
    given = parser.parse_args()
    each = -(-given.people // len(COMMUNITIES))
    leaving = max(2, round(0.05 * given.people))
    plan = Plan(
        people=each,
        answers=given.answers,
        floor=min(_FLOOR, each // 2),
        early=leaving // 3 or 1,
        late=leaving - (leaving // 3 or 1),
        fresh=_FRESH,
        seed=given.seed,
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print("\n".join(_table(go_around(folder, plan))))


def _table(found: Found) -> list[str]:
    released = found.release["communities"].values()
    kept = sum(len(one.kept) for one in found.people)
    same = "equal" if not found.different else f"different: {', '.join(found.different)}"
    facts = {
        "people": len(found.people),
        "answers kept": kept,
        "answers sent": found.total("sent"),
        "sent although kept already": found.total("twice"),
        "connections cut": found.cuts,
        **{f"refused: {reason}": n for reason, n in sorted(found.refused().items())},
        "people released": sum(one["people"] for one in released),
        "answers released": sum(one["answers"] for one in released),
        **{f"left out: {reason}": n for reason, n in found.release["left_out"].items()},
        "pairs released": found.pairs[0],
        "withdrawals after the models": len(found.withdrawn),
        "pairs after them": found.pairs[1],
        f"{len(found.files)} files of models and release": same,
        "processor time of the server, ms per answer": f"{1e3 * found.server_seconds / kept:.1f}",
    }
    lines = [f"{name:<58} {value}" for name, value in facts.items()]
    lines += ["", _HEAD.format(*_COLUMNS)]
    for one in found.recovered:
        shown = [_percent(one.reference), _percent(one.steered), _percent(one.gain)]
        share = [f"{100 * one.choices:.1f}", f"{100 * one.ceiling:.1f}", _percent(one.held_out)]
        lines.append(_HEAD.format(one.community, *shown, *share))
    return lines


def _percent(value: Interval | None) -> str:
    if value is None:
        return "-"
    mean, low, high = (100 * end for end in value)
    return f"{mean:.1f} [{low:.1f}, {high:.1f}]"


if __name__ == "__main__":
    main()
