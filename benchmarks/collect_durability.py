"""What a study keeps after kills and after power cuts, in numbers.

Run: python benchmarks/collect_durability.py [--answers 400] [--every 1] [--kills 1000]
[--longest 0.6] [--only cuts|kills] [--json]. Power cuts follow every operation of a session
(--every 10: every tenth), with SQLite's synchronous=FULL, which pluralign uses, and with NORMAL and
OFF, which lose answers: if they did not, the simulation would prove nothing.
"""

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from durability.kills import kill_again_and_again
from durability.power_cuts import cuts, found, record_session, recorder

MODES = ("FULL", "NORMAL", "OFF")


def power_cuts(folder: Path, answers: int, every: int, seed: int) -> list[dict[str, Any]]:
    """A row for each mode of SQLite."""
    library = recorder(folder)
    if library is None:
        sys.exit("power cuts need Linux and a C compiler (cc)")
    return [_row(folder, library, mode, answers, every, seed) for mode in MODES]


def _row(
    folder: Path, library: Path, mode: str, answers: int, every: int, seed: int
) -> dict[str, Any]:
    operations = record_session(folder / mode, library, answers, mode)
    at = range(0, len(operations) + 1, every)
    outcomes = list(cuts(operations, at, np.random.default_rng(seed), found))
    return {
        "synchronous": mode,
        "operations": len(operations),
        "cuts": len(outcomes),
        "lossy_cuts": sum(one.lost > 0 for one in outcomes),
        "most_lost": max(one.lost for one in outcomes),
        "unacknowledged": sum(one.unacknowledged for one in outcomes),
        "damaged": sum(one.damaged != "" for one in outcomes),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=400)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--longest", type=float, default=0.6)
    parser.add_argument("--only", choices=["cuts", "kills"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    results: dict[str, Any] = {}
    if given.only != "kills":
        results["cuts"] = power_cuts(folder, given.answers, given.every, given.seed)
    if given.only != "cuts":
        rng = np.random.default_rng(given.seed)
        outcome = kill_again_and_again(folder / "killed", given.kills, given.longest, rng)
        results["kills"] = [asdict(outcome)]
    shutil.rmtree(folder)
    print(json.dumps(results) if given.json else _shown(results))


def _shown(results: dict[str, list[dict[str, Any]]]) -> str:
    tables = [_table(rows) for rows in results.values()]
    return "\n\n".join(tables)


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [" | ".join(rows[0]), *(" | ".join(map(str, row.values())) for row in rows)]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
