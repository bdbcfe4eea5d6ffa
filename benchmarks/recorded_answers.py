"""Best of n among answers that people wrote or rated, with other people as the judge.

Run: PLURALIGN_DATA=FOLDER python benchmarks/recorded_answers.py [--deals 5] [--out ROWS.jsonl]

Takes about two minutes on one core. No language model is needed: candidates are recorded answers.

Protocol, written before any number was seen:

* Global Dialogues, round 6: people of two panels wrote answers to three questions, and voted on
  pairs of them. A deal divides the voters at random into two halves, and the answers too. The
  **reward model** is fitted to votes of the first half of the people on the first half of the
  answers; the **judge** to votes of the other people on the same answers; candidates are the other
  answers, which neither has seen, and the **people's votes** on them are those of the judge's half.
* PRISM: raters are divided into thirds: one for the reward model, one for the judge, one whose
  prompts with four answers are the candidates and whose own choices are the people's votes. Each
  third is each of the three once in a deal.
* Of n candidates, the reward model's favourite is taken, in expectation over all draws of n. Its
  gain is its share of wins in the votes on candidates, less that of a random candidate: as the
  reward model predicts those votes, as the judge predicts them, and as people cast them. The
  longest and the shortest of n are chosen in the same way.
* Numbers are means over deals; intervals are those of one deal (95 %, jackknife over the voters
  whose votes are counted, Student's t), since deals share their people. A prediction has the
  standard deviation over deals, each of which fits its models to other people.
"""

import argparse
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

import pluralign
from pluralign.core import FloatArray, PreferencePair, RewardRequest, Steer, rng_for
from pluralign.metrics import best_of_n_chances, effective_clusters, t_interval
from pluralign.rewards import LinearRewardModel
from pluralign.sources import JsonlPairs, VotePairs, load_pairs

_ROW = "{:<10} {:<10} {:>3} {:>10} {:>7}   {:<25} {:>6} {:>7}"
Key = tuple[str, str, int]
"""Whose votes, who chooses, of how many."""


@dataclass(frozen=True)
class Prompt:
    """The candidates for a prompt, and people's votes on them.

    Attributes:
        text: The prompt.
        answers: The N candidates, each of which has votes.
        sides: Both sides of each vote: place of the candidate, of its opponent, 1.0 if it won and
            0.0 if it lost, and the voter.
    """

    text: str
    answers: Sequence[str]
    sides: Sequence[tuple[int, int, float, str]]


@dataclass(frozen=True)
class Contest:
    """A prompt, whose candidates one score chooses among and two reward models predict.

    Attributes:
        prompt: The prompt.
        choosing_N: The score that chooses, shape (N,).
        model_N: Rewards of the reward model, shape (N,).
        judge_N: Rewards of the judge, shape (N,).
    """

    prompt: Prompt
    choosing_N: FloatArray
    model_N: FloatArray
    judge_N: FloatArray


@dataclass(frozen=True)
class Gain:
    """What a choice gains over a random one, in shares of wins.

    Attributes:
        predicted: By the reward model.
        judged: By the judge.
        voted: In votes of people.
        low: Lower end of its 95 % interval.
        high: Upper end.
        votes: Votes counted.
        people: People who cast them.
    """

    predicted: float
    judged: float
    voted: float
    low: float
    high: float
    votes: float
    people: float


def main() -> None:
    """Run all deals of both data sets, and print a table of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deals", type=int, default=5)
    parser.add_argument("--out", type=Path, help="file of the numbers, in JSON Lines")
    given = parser.parse_args()
    data = Path(os.environ["PLURALIGN_DATA"])
    dialogues = _dialogues(data / "global_dialogues")
    panel = data / "prism_pairs" / "hard_panel.jsonl.gz"
    prism = _read(JsonlPairs(panel, "~all", columns={"rater": "user_id"}))
    found = {
        "Global Dialogues": [deal_of_dialogues(dialogues, k) for k in range(given.deals)],
        "PRISM": [deal_of_prism(prism, k) for k in range(given.deals)],
    }
    rows = [row for title, deals in found.items() for row in rows_of(title, deals)]
    for title in found:
        _print(title, [row for row in rows if row["data"] == title])
    if given.out is not None:
        given.out.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def deal_of_dialogues(pairs: Sequence[PreferencePair], seed: int) -> dict[Key, Gain]:
    """The gains of one deal of Global Dialogues."""
    texts = {pair.chosen for pair in pairs} | {pair.rejected for pair in pairs}
    candidates = _half(texts, seed, "answers")
    judging = _half({str(pair.rater) for pair in pairs}, seed, "people")
    learned, counted = [], []
    for pair in pairs:
        new = (pair.chosen in candidates) + (pair.rejected in candidates)
        if new == 0:
            learned.append(pair)
        elif new == 2 and pair.rater in judging:
            counted.append(pair)
    model = _fit([pair for pair in learned if pair.rater not in judging], seed)
    judge = _fit([pair for pair in learned if pair.rater in judging], seed)
    gains = {}
    for whose in ("GBR", "~world"):
        prompts = _prompts(pair for pair in counted if pair.community == whose)
        found = _contests(prompts, ("GBR", "~world"), whose, model, judge)
        for chooser, contests in found.items():
            for n in (2, 4, 8, 16, 32, 64):
                gains[whose, chooser, n] = gain_of(contests, n)
    return gains


def deal_of_prism(pairs: Sequence[PreferencePair], seed: int) -> dict[Key, Gain]:
    """The gains of one deal of PRISM; each third of the people votes once."""
    people = sorted({str(pair.rater) for pair in pairs})
    places = rng_for(seed, "thirds").permutation(len(people)) % 3
    third = dict(zip(people, places, strict=True))
    parts = [[pair for pair in pairs if third[str(pair.rater)] == k] for k in range(3)]
    contests: dict[str, list[Contest]] = defaultdict(list)
    for k in range(3):
        model, judge = _fit(parts[k - 2], seed), _fit(parts[k - 1], seed)
        prompts = [prompt for prompt in _prompts(parts[k]) if len(prompt.answers) == 4]
        for chooser, own in _contests(prompts, ("~all",), "~all", model, judge).items():
            contests[chooser] += own
    return {
        ("~all", chooser, n): gain_of(own, n)
        for chooser, own in contests.items()
        for n in (2, 3, 4)
    }


def gain_of(contests: Sequence[Contest], n: int) -> Gain:
    """The gain of the best of n, with a jackknife over voters."""
    rows, weights, voters = [], [], []
    for contest in contests:
        chance_N = best_of_n_chances(contest.choosing_N, n)
        sides_N = np.bincount([place for place, *_ in contest.prompt.sides])
        weight_N = (chance_N - 1 / len(chance_N)) / sides_N / len(contests)
        for place, other, won, voter in contest.prompt.sides:
            model = expit(contest.model_N[place] - contest.model_N[other])
            judge = expit(contest.judge_N[place] - contest.judge_N[other])
            # The weights of a prompt sum to 0, so that taking off one half changes no gain; the
            # parts of single voters are then the smaller.
            rows.append(weight_N[place] * (np.array([model, judge, won]) - 0.5))
            weights.append(abs(weight_N[place]))
            voters.append(voter)
    voted_N = np.array(rows)[:, 2]
    _, code_N = np.unique(voters, return_inverse=True)
    own_K = np.bincount(code_N, voted_N)
    people = len(own_K)
    variance = people / (people - 1) * float(((own_K - own_K.mean()) ** 2).sum())
    predicted, judged, voted = np.sum(rows, axis=0).tolist()
    df = effective_clusters(code_N, np.maximum(weights, 1e-12)) - 1
    low, high = t_interval(voted, variance, df)
    assert low is not None and high is not None
    return Gain(predicted, judged, voted, low, high, len(rows) / 2, people)


def _dialogues(folder: Path) -> list[PreferencePair]:
    """The votes of both panels; a pair of the same answers has one winner in each vote."""
    panels = {"GBR": "uk", "~world": "global"}
    return [
        pair
        for community, name in panels.items()
        for pair in _read(
            VotePairs(
                folder / f"gd6_{name}_votes.csv.gz",
                folder / f"gd6_{name}_thoughts.csv.gz",
                community,
            )
        )
    ]


def _read(source: JsonlPairs | VotePairs) -> list[PreferencePair]:
    return list(load_pairs([source], 10**6, seed=0).pairs)


def _fit(pairs: Sequence[PreferencePair], seed: int) -> LinearRewardModel:
    """A head for each community of the pairs, steered from the one of all together."""
    communities = sorted({pair.community for pair in pairs})
    how = {"reference": "pooled", "communities": communities, "seed": seed}
    model = pluralign.fit(pairs, "adaptive", **how)
    assert isinstance(model, LinearRewardModel)
    return model


def _half(names: set[str], seed: int, what: str) -> set[str]:
    """A random half."""
    ordered = sorted(names)
    order = rng_for(seed, what).permutation(len(ordered))
    return {ordered[k] for k in order[: len(ordered) // 2]}


def _prompts(pairs: Iterable[PreferencePair]) -> list[Prompt]:
    """The candidates and votes of each prompt."""
    by_prompt: dict[str, list[PreferencePair]] = defaultdict(list)
    for pair in pairs:
        by_prompt[str(pair.prompt)].append(pair)
    prompts = []
    for text, votes in by_prompt.items():
        answers = sorted({vote.chosen for vote in votes} | {vote.rejected for vote in votes})
        place = {answer: k for k, answer in enumerate(answers)}
        sides = []
        for vote in votes:
            winner, loser, voter = place[vote.chosen], place[vote.rejected], str(vote.rater)
            sides += [(winner, loser, 1.0, voter), (loser, winner, 0.0, voter)]
        prompts.append(Prompt(text, answers, sides))
    return prompts


def _contests(
    prompts: Sequence[Prompt],
    choosers: Sequence[str],
    whose: str,
    model: LinearRewardModel,
    judge: LinearRewardModel,
) -> dict[str, list[Contest]]:
    """Contests in which a community's reward, or length, chooses."""
    scores = {name: _scores(prompts, model, name) for name in choosers}
    lengths = [np.array([len(answer) for answer in one.answers], dtype=float) for one in prompts]
    scores |= {"longest": lengths, "shortest": [-length_N for length_N in lengths]}
    # What a model predicts of a choice: by the community whose votes are counted.
    own = _scores(prompts, model, whose), _scores(prompts, judge, whose)
    return {
        chooser: [Contest(*parts) for parts in zip(prompts, score, *own, strict=True)]
        for chooser, score in scores.items()
    }


def _scores(
    prompts: Sequence[Prompt], model: LinearRewardModel, community: str
) -> list[FloatArray]:
    """Rewards of each prompt's candidates in logits, shapes (N,)."""
    requests = [RewardRequest(one.text, answer) for one in prompts for answer in one.answers]
    ends = np.cumsum([len(one.answers) for one in prompts])[:-1]
    return np.split(model.score(requests, Steer.to(community)), ends)


def rows_of(title: str, deals: Sequence[Mapping[Key, Gain]]) -> list[dict[str, Any]]:
    """Means over deals, a row for each choice."""
    rows = []
    for whose, chooser, n in deals[0]:
        gains = [asdict(deal[whose, chooser, n]) for deal in deals]
        means = {name: float(np.mean([gain[name] for gain in gains])) for name in gains[0]}
        spreads = {
            f"{name}_sd": float(np.std([gain[name] for gain in gains], ddof=1))
            for name in ("predicted", "judged")
            if len(gains) > 1
        }
        about = {"data": title, "votes_of": whose, "chosen_by": chooser, "n": n}
        rows.append(about | means | spreads | {"deals": len(deals)})
    return rows


def _print(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    print(f"\n{title}: gain over a random answer, in points of the share of wins")
    print(
        _ROW.format("votes of", "chosen by", "n", "predicted", "judge", "votes", "cast", "people")
    )
    for row in rows:
        names = ("predicted", "judged", "voted", "low", "high")
        predicted, judged, voted, low, high = (f"{100 * row[name]:+.1f}" for name in names)
        counted = f"{row['votes']:.0f}", f"{row['people']:.0f}"
        about = row["votes_of"], row["chosen_by"], row["n"]
        print(_ROW.format(*about, predicted, judged, f"{voted} [{low}, {high}]", *counted))


if __name__ == "__main__":
    main()
