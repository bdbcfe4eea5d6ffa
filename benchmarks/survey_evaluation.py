"""Evaluating 20,000 recorded answers with 2,000 bootstrap draws, compared with a loop over draws.

Run: python benchmarks/survey_evaluation.py [FOLDER] (or PLURALIGN_DATA=FOLDER), where FOLDER
contains wvs/. Without it the questions are those of a simulated society. The answers are simulated;
both ways read the same. Ours measures everything that `pluralign survey evaluate` writes; numpy
measures the cultural alignment score alone.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from pluralign.asking import load_strategy, put
from pluralign.core import Survey, SurveySource, Tally, answer_row, record_answer, rng_for
from pluralign.evaluation.surveys import AnswerTable, Peoples, read_all
from pluralign.metrics import squared_errors
from pluralign.simulation import SimulatedRespondent, SocietySurvey
from pluralign.sources import ShareTable, read_answers
from pluralign.surveying.survey_evaluation import evaluate_answers

WANTED, DRAWS = 20_000, 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=os.environ.get("PLURALIGN_DATA"))
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    source: SurveySource = SocietySurvey(questions=259)
    if given.folder and (Path(given.folder) / "wvs").is_dir():
        source = ShareTable(Path(given.folder) / "wvs")
    survey = source.survey()
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "answers.jsonl"
        n = write_answers(survey, path)
        ours, theirs = [], []
        for k in range(given.rounds):
            since = time.perf_counter()
            found = evaluate_answers([path], source, Path(temporary) / f"out{k}", draws=DRAWS)
            ours.append(time.perf_counter() - since)
            since = time.perf_counter()
            series = one_by_one(survey, path)
            theirs.append(time.perf_counter() - since)
    numbers = len(found.results) + len(found.comparisons)
    print(
        f"\n{n:,} answers, {len(survey.communities)} communities, {DRAWS:,} draws; best of "
        f"{given.rounds} rounds\n"
    )
    print(
        f"ours, all metrics: {numbers:,} numbers with intervals   {min(ours):5.2f} s (target: "
        "below 3 s)"
    )
    print(f"numpy, a draw at a time: {series:,} scores alone             {min(theirs):5.2f} s")
    print(
        f"numpy takes {min(theirs) / min(ours):.1f} times as long for {series / numbers:.3f} of "
        "the numbers"
    )


def write_answers(survey: Survey, path: Path) -> int:
    """Answers of simulated respondents with more or less knowledge of each people."""
    asks = put(load_strategy("culture_aware"), survey, survey.communities)
    rows = []
    for k in range(-(-WANTED // len(asks))):
        respondent = SimulatedRespondent(
            survey, survey.communities[0], knowledge=0.2 * (k % 5), seed=k
        )
        some = asks[: WANTED - len(rows)]
        for ask, reply in zip(some, respondent.answer(some), strict=True):
            row = answer_row(record_answer(f"simulated-{k}", ask, reply))
            rows.append({name: value for name, value in row.items() if name != "probs"})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return len(rows)


def one_by_one(survey: Survey, path: Path) -> int:
    """The score of every model and community, with intervals from a loop over draws."""
    read = read_all(read_answers([path], Tally()), survey, "strict", "auto", Tally())
    questions = list(survey.questions)
    table = AnswerTable.of(read, questions)
    peoples = Peoples.of(survey, questions, survey.communities, Tally())
    column = {c: i for i, c in enumerate(peoples.communities)}
    value = table.base_values(range(len(table.profiles)), len(questions))
    rng = rng_for(0, "draws")
    for p, (_, _, community) in enumerate(table.profiles):
        error, scale = squared_errors(
            value[p], peoples.gold_C_Q[column[str(community)]], peoples.n_options_Q
        )
        draws = []
        for _ in range(DRAWS):
            chosen = rng.integers(len(questions), size=len(questions))
            draws.append(100 * (1 - np.sqrt(error[chosen].sum() / scale[chosen].sum())))
        np.quantile(draws, [0.025, 0.975])
    return len(table.profiles)


if __name__ == "__main__":
    main()
