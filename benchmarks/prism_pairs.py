"""Speed of making pairs from a PRISM-shaped file, compared with a pandas merge of the same rows.

Run: ``python benchmarks/prism_pairs.py``. The file has 68,371 responses of about 1,000 characters
by 1,500 raters, as PRISM has; both sides read the file, rank every two responses of an interaction
by score and drop ties.
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pluralign.core import rng_for
from pluralign.sources import PrismPairs

RESPONSES, RATERS, COUNTRIES = (
    68_371,
    1500,
    ("USA", "GBR", "MEX", "ZAF", "NZL", "CHL", "ISR", "AUS", "CAN"),
)


def write_prism(folder: Path) -> None:
    rng = rng_for(7, "prism")
    words = [f"word{i}" for i in range(2000)]
    people = [
        {"user_id": f"user{i}", "location": {"reside_countryISO": COUNTRIES[i % 9]}}
        for i in range(RATERS)
    ]
    with (folder / "utterances.jsonl").open("w", encoding="utf-8") as file:
        interaction, left = 0, 0
        for i in range(RESPONSES):
            if left == 0:
                interaction, left = interaction + 1, 4 if rng.random() < 0.3 else 2
            left -= 1
            row = {
                "utterance_id": f"ut{i}",
                "interaction_id": f"int{interaction}",
                "user_id": f"user{interaction % RATERS}",
                "user_prompt": f"Question {interaction} about life?",
                "model_response": " ".join(words[w] for w in rng.integers(0, 2000, 140)),
                "model_name": "model",
                "score": int(rng.integers(1, 101)),
            }
            file.write(json.dumps(row) + "\n")
    (folder / "survey.jsonl").write_text(
        "".join(json.dumps(person) + "\n" for person in people), "utf-8"
    )


def with_pandas(folder: Path) -> int:
    import pandas as pd  # type: ignore[import-untyped]

    rows = pd.read_json(folder / "utterances.jsonl", lines=True)
    survey = pd.read_json(folder / "survey.jsonl", lines=True)
    survey["community"] = [location["reside_countryISO"] for location in survey["location"]]
    rows = rows.merge(survey[["user_id", "community"]], on="user_id")
    both = rows.merge(
        rows[["interaction_id", "model_response", "score"]],
        on="interaction_id",
        suffixes=("", "_b"),
    )
    return int((both["score"] > both["score_b"]).sum())


def best_of(runs: int, function: Callable[[], int]) -> tuple[float, int]:
    times, result = [], 0
    for _ in range(runs):
        start = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - start)
    return min(times), result


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_prism(folder)
        ours, n_ours = best_of(3, lambda: sum(1 for _ in PrismPairs(folder).pairs()))
        theirs, n_theirs = best_of(3, lambda: with_pandas(folder))
    if n_ours != n_theirs:
        raise SystemExit(f"the pairs differ: {n_ours} and {n_theirs}")
    print(
        f"{n_ours:,} pairs from {RESPONSES:,} responses: pluralign {ours:.2f} s, pandas "
        f"{theirs:.2f} s"
    )
    print(f"pluralign takes {ours / theirs:.2f} times as long as pandas")


if __name__ == "__main__":
    main()
