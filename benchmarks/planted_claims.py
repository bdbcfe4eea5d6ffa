"""Survey answers and general ability of policies whose answers are planted: are the changes found?

Run: python benchmarks/planted_claims.py [--seeds 20] [--questions 60] [--items 200]

A toy model chooses option k of any question with a probability that is written down. Two adapters
change it: one to the answers of Mexico's people, one hardly. For each seed, people's answers to
other questions are drawn, and the change in similarity is measured as `pluralign align` does with
``evaluate.survey``; its interval should contain the change over all questions that might have been
asked. General ability is measured once, by lm-eval as with ``evaluate.ability``, on items whose
right option is known, so that the share of right answers before and after is, too.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy.spatial.distance import jensenshannon

from pluralign.aligning import ability_change, survey_change
from pluralign.aligning.planted_choices import build_option_chooser, write_option_adapter
from pluralign.aligning.result_rows import MeasuredPolicy
from pluralign.core import FloatArray, Silent
from pluralign.runs.folder import RunFolder
from pluralign.settings import resolve_survey

START = np.array([0.4, 0.3, 0.2, 0.1])
AFTER = {"MEX": np.array([0.1, 0.2, 0.3, 0.4]), "GBR": np.array([0.42, 0.32, 0.16, 0.1])}
PEOPLE = {"MEX": np.array([0.1, 0.2, 0.3, 0.4]), "GBR": np.array([0.4, 0.3, 0.2, 0.1])}
NAMES = {"MEX": "Mexico", "GBR": "Great Britain"}
CLOSENESS, MANY = 12, 200_000
"""How near people's answers to a question are to `PEOPLE`; questions that stand for all."""
RIGHT = {"4": 0.5, "1": 0.3, "2": 0.2}
"""Right option of an item of the task -> share of items."""


def main() -> None:
    """Measure both claims, and print them next to the planted changes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument("--items", type=int, default=200)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        build_option_chooser(folder / "start", START)
        for community, after_O in AFTER.items():
            write_option_adapter(folder / "start", folder / "raft" / community, START, after_O)
        survey_change.policies = ability_change.policies = lambda work: policies(folder)
        print_surveys(folder, given.seeds, given.questions)
        print_ability(folder, given.items)


def policies(folder: Path) -> Iterator[tuple[Any, Path]]:
    """The adapters, as tuned policies of a run."""
    for community in AFTER:
        yield (
            SimpleNamespace(measured=MeasuredPolicy("raft", community)),
            (folder / "raft" / community),
        )


def print_surveys(folder: Path, seeds: int, questions: int) -> None:
    """The mean change in similarity, and how often its interval has the planted one."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for seed in range(seeds):
        write_survey(folder / f"survey-{seed}", seed, questions)
        for row in survey_change.survey_rows(survey_work(folder, seed)):
            if row["metric"] == survey_change.CHANGE:
                found[row["steer"], row["community"]].append(row)
    for (steer, community), rows in found.items():
        planted = planted_change(steer, community)
        inside = np.mean([row["low"] <= planted <= row["high"] for row in rows])
        width = np.mean([row["high"] - row["low"] for row in rows])
        value = np.mean([row["value"] for row in rows])
        print(
            f"survey, policy for {steer}, people of {community}: planted {planted:+.3f}, measured "
            f"{value:+.3f}, width {width:.3f}, contained in {inside:.0%} of {len(rows)} seeds"
        )


def write_survey(folder: Path, seed: int, questions: int) -> None:
    """A survey in the layout of shares by country, with answers around the planted ones."""
    folder.mkdir()
    ids = [f"Q{k + 1}" for k in range(questions)]
    options = ["never", "rarely", "often", "always"]
    asked = [{"Q_id": id_, "question": f"Is {id_} so?", "option_lst": options} for id_ in ids]
    shares = {}
    for place, community in enumerate(PEOPLE):
        drawn = people_of(community, questions, 2 * seed + place).tolist()
        shares[NAMES[community]] = {
            id_: {str(code): share for code, share in enumerate(own, start=1)}
            for id_, own in zip(ids, drawn, strict=True)
        }
    (folder / "questions.json").write_text(json.dumps(asked), encoding="utf-8")
    (folder / "country_proportions.json").write_text(json.dumps(shares), encoding="utf-8")


def survey_work(folder: Path, seed: int) -> Any:
    """A run with the planted policies, as far as its survey needs one."""
    resolved = resolve_survey(
        {
            "survey": {
                "source": "shares", "path": str(folder / f"survey-{seed}"), "exclude_questions": [],
            },
            "seed": seed,
            "strategies": ["culture_unaware"],
            "method": "likelihood",
            "model": {"name": str(folder / "start"), "device": "cpu"},
            "evaluate": {"draws": 1000},
        }
    )  # fmt: skip
    run = RunFolder(folder / f"run-{seed}")
    return SimpleNamespace(
        communities=tuple(AFTER),
        settings=SimpleNamespace(model=resolved.settings.model),
        folder=run,
        stage_folder=lambda stage: run.path / stage,
        reporter=Silent(),
        survey=resolved,
    )


def planted_change(steer: str, community: str) -> float:
    """The change in similarity over all questions that might have been asked."""
    people_Q_O = people_of(community, MANY, seed=10**6)
    return float(np.mean(similarity(AFTER[steer], people_Q_O) - similarity(START, people_Q_O)))


def people_of(community: str, questions: int, seed: int) -> FloatArray:
    """Shares of a community's people for each question, shape (Q, O)."""
    rng = np.random.default_rng(seed)
    shares_Q_O: FloatArray = rng.dirichlet(CLOSENESS * PEOPLE[community], questions)
    return shares_Q_O


def similarity(prob_O: FloatArray, people_Q_O: FloatArray) -> FloatArray:
    """1 less the Jensen-Shannon distance, shape (Q,)."""
    own_Q_O = np.broadcast_to(prob_O, people_Q_O.shape)
    found_Q: FloatArray = 1 - jensenshannon(own_Q_O, people_Q_O, axis=1, base=2)
    return found_Q


def print_ability(folder: Path, items: int) -> None:
    """The share of right answers before and after; the likeliest option is the answer."""
    tasks = folder / "tasks"
    tasks.mkdir()
    right = [option for option, share in RIGHT.items() for _ in range(round(share * items))]
    rows = [{"question": f"Item {k}?", "answer": own} for k, own in enumerate(right)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tasks / "items.jsonl").write_text(lines, encoding="utf-8")
    (tasks / "planted.yaml").write_text(
        "task: planted\n"
        "dataset_path: json\n"
        f"dataset_kwargs: {{data_files: {{test: {tasks / 'items.jsonl'}}}}}\n"
        "test_split: test\n"
        "output_type: multiple_choice\n"
        'doc_to_text: "{{question}}"\n'
        'doc_to_choice: ["1", "2", "3", "4"]\n'
        "doc_to_target: answer\n"
        "metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]\n",
        encoding="utf-8",
    )
    run = RunFolder(folder / "ability")
    wanted = SimpleNamespace(
        ability=("planted",), ability_path=tasks, ability_limit=None, ability_chat=True
    )
    model = SimpleNamespace(name=str(folder / "start"), device="cpu", revision=None)
    work = SimpleNamespace(
        settings=SimpleNamespace(evaluate=wanted, model=model),
        stage_folder=lambda stage: run.path / stage,
        reporter=Silent(),
    )
    before = RIGHT[str(1 + START.argmax())]
    for row in ability_change.ability_rows(work):
        if row["metric"] == ability_change.ABILITY_CHANGE:
            planted = RIGHT.get(str(1 + AFTER[row["steer"]].argmax()), 0.0) - before
            print(
                f"ability, policy for {row['steer']}: planted {planted:+.3f}, measured "
                f"{row['value']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}], {row['n']} items"
            )


if __name__ == "__main__":
    main()
