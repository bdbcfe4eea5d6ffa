"""Which pair next: the mixture against simpler policies, on people whose taste is planted.

    python benchmarks/choosing.py policies --seeds 24
    python benchmarks/choosing.py texts --encoder minilm --directions 8 32 128 --seeds 24
    python benchmarks/choosing.py weights --seeds 400
    python benchmarks/choosing.py invitations --seeds 40
    python benchmarks/choosing.py speed

``policies``: accuracy against the true sign on fresh pairs, of a taste fitted to the answers, by
number of answers. ``texts``: the same for replies of a planted society encoded for real; pairs are
chosen along a few directions, and the model is fitted to whole vectors. ``weights``: bias and error
of an accuracy that is estimated from chosen pairs. ``invitations``: accuracy of each community when
invitations go to thin communities first, or in proportion to the population. ``speed``: time to
choose a pair from a store. Errors are standard errors over seeds.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.random import Generator
from sqlalchemy import Connection, insert

from pluralign.collecting.choosing import Chooser, next_pair
from pluralign.collecting.choosing.anchors import anchor_count
from pluralign.collecting.choosing.mixture import DrawnPair, draw_row
from pluralign.collecting.choosing.running_taste import RunningTaste
from pluralign.collecting.choosing.text_features import principal_directions
from pluralign.collecting.choosing.thin_communities import deal_invitations
from pluralign.collecting.choosing.ways_to_draw import SHARPNESS, shares_of, ways_to_draw
from pluralign.collecting.ratings import Answer, keep_answer
from pluralign.collecting.store import Store
from pluralign.collecting.store.store import open_store
from pluralign.collecting.store.tables import (
    assignment,
    consent,
    document,
    pair,
    participant,
    rating,
    text,
)
from pluralign.collecting.study import ChoosingSettings, Study, open_study
from pluralign.collecting.taking_part import Person
from pluralign.core import BoolArray, FloatArray, IntArray, rng_for
from pluralign.encoders import encoder_named
from pluralign.metrics import propensity_weights
from pluralign.rewards import fit_bradley_terry
from pluralign.simulation import FeatureTaste, plant_taste
from pluralign.simulation.bank import TRAITS
from pluralign.simulation.texts import draw_replies, read_traits

SITTING = 12
MARKS = (20, 50, 100, 200, 400)
SETTINGS = ChoosingSettings()


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, and how its pair was chosen."""

    row: int
    sign: int
    person: int
    reason: str
    propensity: float


@dataclass(slots=True)
class Asking:
    """A community that is being asked: its pairs, and the answers so far.

    Attributes:
        feature_N_D: Features of the pairs, as the chooser sees them.
        is_anchor_N: Whether each pair is an anchor.
        taste: The chooser's estimate.
    """

    feature_N_D: FloatArray
    is_anchor_N: BoolArray
    taste: RunningTaste
    judged_N: IntArray
    answers: list[Answered] = field(default_factory=list)

    @classmethod
    def of(cls, feature_N_D: FloatArray, rng: np.random.Generator) -> "Asking":
        """Nothing was asked so far; the anchors are drawn."""
        n = len(feature_N_D)
        is_anchor_N = np.zeros(n, dtype=np.bool_)
        is_anchor_N[rng.permutation(n)[: anchor_count(n, SETTINGS)]] = True
        taste = RunningTaste(feature_N_D)
        return cls(feature_N_D, is_anchor_N, taste, np.zeros(n, dtype=np.int64))

    def keep(self, drawn: DrawnPair, sign: int, person: int) -> None:
        """Keep an answer, and learn from it."""
        self.answers.append(Answered(drawn.row, sign, person, drawn.reason, drawn.propensity))
        self.judged_N[drawn.row] += 1
        self.taste.learn(drawn.row, sign)


Policy = Callable[[Asking, IntArray, np.random.Generator], DrawnPair]
"""Asking, rows that the person has not seen -> the pair that is asked next."""


def at_random(asking: Asking, left: IntArray, rng: np.random.Generator) -> DrawnPair:
    return DrawnPair(int(rng.choice(left)), "random", 1 / len(left))


def most_uncertain(asking: Asking, left: IntArray, rng: np.random.Generator) -> DrawnPair:
    some = rng.choice(left, min(len(left), SETTINGS.candidates), replace=False)
    margin = np.abs(asking.feature_N_D[some] @ asking.taste.theta_D)
    return DrawnPair(int(some[margin.argmin()]), "uncertain", 1.0)


def d_optimal(asking: Asking, left: IntArray, rng: np.random.Generator) -> DrawnPair:
    some = rng.choice(left, min(len(left), SETTINGS.candidates), replace=False)
    return DrawnPair(int(some[asking.taste.gains(asking.feature_N_D[some]).argmax()]), "best", 1.0)


def mixture(
    asking: Asking, left: IntArray, rng: np.random.Generator, sharpness: float = SHARPNESS
) -> DrawnPair:
    is_anchor = asking.is_anchor_N[left]
    others = left[~is_anchor]
    ways = ways_to_draw(
        left[is_anchor],
        others,
        asking.judged_N[others],
        np.zeros(len(others), dtype=np.bool_),
        lambda rows: asking.taste.gains(asking.feature_N_D[rows]),
        SETTINGS,
        rng,
        sharpness,
    )
    drawn = draw_row(shares_of(SETTINGS), ways, rng)
    assert drawn is not None
    return drawn


POLICIES: dict[str, Policy] = {
    "random": at_random,
    "uncertainty": most_uncertain,
    "D-optimal alone": d_optimal,
    "mixture": mixture,
}
SHARPER: dict[str, Policy] = {
    f"mixture, {sharpness:g}": partial(mixture, sharpness=sharpness)
    for sharpness in (0.0, 4.0, 8.0, 32.0)
}


def ask(
    asking: Asking,
    policy: Policy,
    margin_N: FloatArray,
    n_answers: int,
    rng: np.random.Generator,
    sitting: int = SITTING,
) -> None:
    """Ask people one after the other, each a sitting of pairs that they have not seen."""
    is_left_N = np.ones(len(margin_N), dtype=np.bool_)
    for number in range(n_answers):
        person, position = divmod(number, sitting)
        if not position:  # the next person has seen nothing
            is_left_N[:] = True
        drawn = policy(asking, np.flatnonzero(is_left_N), rng)
        is_left_N[drawn.row] = False
        takes_first = rng.random() < 1 / (1 + np.exp(-margin_N[drawn.row]))
        asking.keep(drawn, 1 if takes_first else -1, person)


def answered(answers: Sequence[Answered]) -> list[tuple[int, int]]:
    """Row of each pair, and the response taken."""
    return [(one.row, one.sign) for one in answers]


def taken(answers: Sequence[Answered], feature_N_D: FloatArray) -> FloatArray:
    """Features of the responses taken minus those of the others."""
    rows, signs = [one.row for one in answers], np.array([one.sign for one in answers])
    return signs[:, None] * feature_N_D[rows]


def agreement(score_N: FloatArray, truth_N: FloatArray) -> float:
    """Share of pairs in which a score has the true sign, in percent."""
    return 100 * float(((score_N > 0) == (truth_N > 0)).mean())


@dataclass(frozen=True, slots=True)
class Planted:
    """Pairs to ask about, fresh pairs to measure with, and the truth for both."""

    asked_N_D: FloatArray
    fresh_M_D: FloatArray
    taste: FeatureTaste


def plant(dimensions: int, spread: float, seed: int, n: int = 4000, fresh: int = 2000) -> Planted:
    """Pairs of unit length on average, in directions without an order, and a taste."""
    rng = rng_for(seed, "planted", dimensions)
    feature_N_D = rng.normal(size=(n + fresh, dimensions)) / np.sqrt(dimensions)
    return Planted(feature_N_D[:n], feature_N_D[n:], plant_taste(feature_N_D, spread, rng))


def curve(
    dimensions: int, policy: str, seed: int, spread: float = 2.0, marks: Sequence[int] = MARKS
) -> list[float]:
    """Accuracy on fresh pairs after each number of answers, in percent."""
    planted = plant(dimensions, spread, seed)
    rng = rng_for(seed, "asking", policy)
    asking = Asking.of(planted.asked_N_D, rng)
    margin_N = planted.taste.margins(planted.asked_N_D)
    ask(asking, (POLICIES | SHARPER)[policy], margin_N, max(marks), rng)
    truth_M = planted.taste.margins(planted.fresh_M_D)
    found = []
    for mark in marks:
        fitted = RunningTaste(planted.asked_N_D, answered(asking.answers[:mark]))
        found.append(agreement(planted.fresh_M_D @ fitted.theta_D, truth_M))
    return found


@cache
def encoded_replies(encoder: str, n: int) -> tuple[FloatArray, FloatArray]:
    """Vectors of the replies of a society, and the traits that they show."""
    replies, _ = draw_replies(TRAITS, n, rng_for(0, "replies"))
    vector_T_d = encoder_named(encoder).encode(replies).astype(np.float64)
    return vector_T_d, read_traits(replies, TRAITS).astype(np.float64)


def random_directions(vector_N_d: FloatArray, number: int) -> FloatArray:
    """Fixed random directions, scaled as `principal_directions` does."""
    direction_d_D = rng_for(0, "projection").normal(size=(vector_N_d.shape[1], number))
    reduced_N_D = vector_N_d @ direction_d_D
    return direction_d_D / np.sqrt((reduced_N_D**2).sum(axis=1).mean())


PROJECTIONS = {"components": principal_directions, "random": random_directions}


@dataclass(frozen=True, slots=True)
class Chosen:
    """How pairs of texts are chosen: the encoder, and its projection to a few directions."""

    encoder: str
    projection: str
    directions: int


def text_curves(
    chosen: Chosen, seed: int, marks: Sequence[int] = MARKS, n: int = 4000
) -> dict[str, list[float]]:
    """Policy -> accuracy on fresh pairs of replies after each number of answers.

    Pairs are chosen along a few directions; the model is fitted to whole vectors of MiniLM.
    """
    rng = rng_for(seed, "texts")
    vector_T_d, trait_T_D = encoded_replies("minilm", 800)
    first, second = (rng.integers(len(vector_T_d), size=n + 2000) for _ in range(2))
    vector_N_d = vector_T_d[first] - vector_T_d[second]
    trait_N_D = trait_T_D[first] - trait_T_D[second]
    margin_N = plant_taste(trait_N_D, 2.0, rng).margins(trait_N_D)
    seen_T_d, _ = encoded_replies(chosen.encoder, 800)
    seen_N_d = seen_T_d[first[:n]] - seen_T_d[second[:n]]
    reduced_N_D = seen_N_d @ PROJECTIONS[chosen.projection](seen_N_d, chosen.directions)
    unit_N_d = vector_N_d / np.sqrt((vector_N_d**2).sum(axis=1).mean())
    curves: dict[str, list[float]] = {}
    for name, policy in POLICIES.items():
        asking = Asking.of(reduced_N_D, rng_for(seed, "anchors"))
        ask(asking, policy, margin_N[:n], max(marks), rng_for(seed, "asking", name))
        heads = [
            fit_bradley_terry(taken(asking.answers[:mark], unit_N_d[:n]), ridge=0.25)
            for mark in marks
        ]
        curves[name] = [agreement(unit_N_d[n:] @ head, margin_N[n:]) for head in heads]
    return curves


def estimates(seed: int, n: int, people: int) -> dict[str, float]:
    """Estimated minus true accuracy of a fixed model on all pairs, in points, by estimator."""
    planted = plant(16, 2.0, seed, n=n)
    rng = rng_for(seed, "weights", n)
    asking = Asking.of(planted.asked_N_D, rng)
    margin_N = planted.taste.margins(planted.asked_N_D)
    # The model is right about long pairs, which informative choices prefer, and wrong about others.
    length_N = (planted.asked_N_D**2).sum(axis=1)
    model_N = np.where(length_N > np.median(length_N), margin_N, -margin_N)
    ask(asking, mixture, margin_N, SITTING * people, rng)
    takes_first_N = 1 / (1 + np.exp(-margin_N))
    true = 100 * float(np.where(model_N > 0, takes_first_N, 1 - takes_first_N).mean())
    answers = asking.answers
    right_T = np.array([100.0 * (one.sign * model_N[one.row] > 0) for one in answers])
    anchor_T = np.array([one.reason == "anchor" for one in answers])
    person_T = np.array([one.person for one in answers])
    propensity_T = np.array([one.propensity for one in answers])
    weight_T = propensity_weights(propensity_T, person_T, np.arange(len(answers)))
    found = {
        "all answers alike": right_T.mean(),
        "anchors": right_T[anchor_T].mean(),
        "1 / propensity alone": np.average(right_T, weights=1 / propensity_T),
        "propensity weights": np.average(right_T, weights=weight_T),
    }
    return {name: float(value) - true for name, value in found.items()}


POPULATION = {"~city": 0.7, "~coast": 0.25, "~hill": 0.05}
HOPED = {"~city": 20, "~coast": 20, "~hill": 20}


def invited(rule: str, count: int) -> dict[str, int]:
    """Community -> number of people invited."""
    if rule == "thin first":
        return deal_invitations(count, HOPED, {})
    return {id_: round(count * share) for id_, share in POPULATION.items()}


def community_accuracy(seed: int, rule: str, count: int = 60) -> dict[str, float]:
    """Community -> accuracy on fresh pairs of the taste fitted to its people's answers."""
    found = {}
    for id_, people in invited(rule, count).items():
        planted = plant(16, 2.0, seed * 10 + list(POPULATION).index(id_))
        rng = rng_for(seed, rule, id_)
        asking = Asking.of(planted.asked_N_D, rng)
        ask(asking, mixture, planted.taste.margins(planted.asked_N_D), SITTING * people, rng)
        fitted = RunningTaste(planted.asked_N_D, answered(asking.answers))
        truth_M = planted.taste.margins(planted.fresh_M_D)
        found[id_] = agreement(planted.fresh_M_D @ fitted.theta_D, truth_M)
    return found


def shown(values: Sequence[Sequence[float]]) -> str:
    """Means with standard errors over the first axis."""
    table = np.array(values, dtype=np.float64)
    error = table.std(axis=0, ddof=1) / np.sqrt(len(table))
    pairs = zip(table.mean(axis=0), error, strict=True)
    return "  ".join(f"{mean:6.1f} ± {se:3.1f}" for mean, se in pairs)


def print_policies(seeds: int) -> None:
    print("answers", *(f"{mark:12d}" for mark in MARKS))
    for dimensions, spread in ((16, 2.0), (64, 2.0), (64, 1.0)):
        base: list[list[float]] = []
        for policy in [*POLICIES, *(SHARPER if spread == 2 else ())]:
            curves = [curve(dimensions, policy, seed, spread) for seed in range(seeds)]
            base = base or curves
            print(f"D={dimensions}, spread {spread:g}, {policy:16s}", shown(curves), flush=True)
            gain = np.array(curves) - np.array(base)
            print(f"{'minus random':>35s}", shown(gain.tolist()), flush=True)


def print_texts(seeds: int, choices: Sequence[Chosen]) -> None:
    print("answers", *(f"{mark:12d}" for mark in MARKS))
    for chosen in choices:
        curves = [text_curves(chosen, seed) for seed in range(seeds)]
        print(f"{chosen.encoder}, {chosen.directions} directions ({chosen.projection})")
        for policy in POLICIES:
            own = [one[policy] for one in curves]
            gain = np.array(own) - np.array([one["random"] for one in curves])
            print(f"{policy:>35s}", shown(own))
            print(f"{'minus random':>35s}", shown(gain.tolist()), flush=True)


def print_weights(seeds: int) -> None:
    for n in (60, 4000):
        found = [estimates(seed, n, people=20) for seed in range(seeds)]
        for name in found[0]:
            values = np.array([one[name] for one in found])
            error = values.std(ddof=1) / np.sqrt(seeds)
            spread = np.sqrt((values**2).mean())
            print(
                f"{n} pairs, {name:22s} bias {values.mean():6.2f} ± {error:.2f}, rms {spread:.1f}"
            )


def print_invitations(seeds: int) -> None:
    for rule in ("in proportion", "thin first"):
        found = [community_accuracy(seed, rule) for seed in range(seeds)]
        rows = [[*one.values(), min(one.values())] for one in found]
        print(f"{rule:14s} people {invited(rule, 60)}", shown(rows), flush=True)


def fill_store(connection: Connection, n_pairs: int, n_people: int, rng: Generator) -> None:
    """Prompts with four responses each, and people who have answered a sitting at random."""
    plain = {"origin": "study", "licence": "CC0-1.0", "language": "en", "state": "shown"}
    first, _ = draw_replies(TRAITS, n_pairs * 4 // 6 + 4, rng)
    texts, pairs = [], []
    for number in range(n_pairs // 6 + 1):
        prompt = f"p{number:05d}"
        texts.append(plain | {"id": prompt, "kind": "prompt", "body": prompt, "parent": None})
        own = [f"r{number:05d}{letter}" for letter in "abcd"]
        for id_, body in zip(own, first[4 * number :], strict=False):
            texts.append(plain | {"id": id_, "kind": "response", "body": body, "parent": prompt})
        pairs += [{"prompt": prompt, "first": a, "second": b} for a, b in combinations(own, 2)]
    connection.execute(insert(text), [one | {"digest": one["id"], "made_at": 0} for one in texts])
    rows = [one | {"id": f"{at}", "anchor": False, "made_at": 0} for at, one in enumerate(pairs)]
    connection.execute(insert(pair), rows)
    read = {"kind": "consent", "language": "en", "version": 1, "purposes": "", "body": ""}
    connection.execute(insert(document).values(id="d", made_at=0, **read))
    for person in range(n_people):
        _fill_person(connection, f"u{person}", rng.permutation(len(rows))[:SITTING], rows, rng)


def _fill_person(
    connection: Connection, id_: str, chosen: IntArray, rows: Sequence[dict], rng: Generator
) -> None:
    known = {"community": "~hill", "language": "en", "joined_day": "2027-01-01"}
    connection.execute(insert(participant).values(id=id_, key_hash=id_, **known))
    agreed = {"participant": id_, "document": "d", "version": 1, "purposes": "collect", "at": 0}
    connection.execute(insert(consent).values(id=id_, **agreed))
    shown_pairs = [
        {
            "id": f"{id_}-{row}",
            "participant": id_,
            "pair": rows[row]["id"],
            "left": rows[row]["first"],
            "right": rows[row]["second"],
            "reason": "informative",
            "propensity": 0.5,
            "policy": "",
            "served_at": at,
        }
        for at, row in enumerate(chosen)
    ]
    connection.execute(insert(assignment), shown_pairs)
    answers = [
        {
            "id": one["id"],
            "assignment": one["id"],
            "consent": id_,
            "choice": str(rng.choice(["left", "right"])),
            "flip": 0.0,
            "language": "en",
            "received_at": one["served_at"],
            "offline": False,
            "digest": "",
            "salt": "",
            "version": 1,
        }
        for one in shown_pairs
    ]
    connection.execute(insert(rating), answers)


STUDY = """
id = "speed"
languages = ["en"]
communities = [{ id = "~hill" }]
texts.en = { title = "Speed", about = "A.", consent = "C.", policy = "P." }
"""


class TimedStore:
    """A store that adds up the time that its writes take.

    Attributes:
        seconds: Time of the writes so far.
    """

    def __init__(self, store: Store) -> None:
        self._store, self.seconds, self.reading = store, 0.0, store.reading

    def write(self, change: Callable[[Connection], object]) -> object:
        """Make a change."""
        start = time.perf_counter()
        done = self._store.write(change)
        self.seconds += time.perf_counter() - start
        return done


def print_speed(n_pairs: int, n_people: int, encoder: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "study.toml").write_text(STUDY, encoding="utf-8")
        study = open_study(folder)
        with open_store(study.folder) as store:
            store.write(lambda c: fill_store(c, n_pairs, n_people, rng_for(0, "fill")))
            start = time.perf_counter()
            chooser = Chooser(store, study, encoder_named(encoder))
            print(f"{len(chooser.pool):,} pairs, {n_people} people: {encoder}")
            print(f"start            {time.perf_counter() - start:8.2f} s")
            choosing, writing = _timed_choices(TimedStore(store), study, chooser, n_people)
    for name, times in (("choosing (CPU)", choosing), ("writing", writing)):
        middle, high = 1000 * np.quantile(times, [0.5, 0.99])
        print(f"{name:16s} {middle:8.2f} ms, 99 % below {high:.2f} ms")


def _timed_choices(
    timed: TimedStore, study: Study, chooser: Chooser, n_people: int
) -> tuple[list[float], list[float]]:
    """Processor seconds for choosing, and seconds for the write, of each pair that is answered."""
    rng, choosing, writing, now = np.random.default_rng(0), [], [], 1_800_000_000
    for number in range(300):
        person = Person(f"u{rng.integers(n_people)}", "~hill", "en")
        start, timed.seconds = time.thread_time(), 0.0
        found = next_pair(timed, study, chooser, person, now + number, rng)  # type: ignore[arg-type]
        choosing.append(time.thread_time() - start)
        writing.append(timed.seconds)
        assert found is not None
        answer = Answer(found.assignment, "left")
        timed.write(partial(keep_answer, participant_id=person.id, answer=answer, now=now + number))
    return choosing, writing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["policies", "texts", "weights", "invitations", "speed"])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--encoder", default="hash")
    parser.add_argument("--directions", type=int, nargs="+", default=[128])
    parser.add_argument("--projection", choices=list(PROJECTIONS), default="components")
    parser.add_argument("--pairs", type=int, default=5000)
    parser.add_argument("--people", type=int, default=300)
    given = parser.parse_args()
    if given.part == "policies":
        print_policies(given.seeds)
    elif given.part == "texts":
        choices = [Chosen(given.encoder, given.projection, number) for number in given.directions]
        print_texts(given.seeds, choices)
    elif given.part == "weights":
        print_weights(given.seeds)
    elif given.part == "invitations":
        print_invitations(given.seeds)
    else:
        print_speed(given.pairs, given.people, given.encoder)


if __name__ == "__main__":
    main()
