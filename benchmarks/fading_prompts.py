"""Processor time of scoring a prompt that is new to a server, with and without fading.

Run: python benchmarks/fading_prompts.py [--communities 200] [--rounds 7]. One response to each
prompt is scored for all communities, and the strengths are named, as `/v1/rewards` does, without
HTTP. Words are hashed, which costs next to nothing, so ratios are as large as they can be.
"""

import argparse
import statistics
import time

import numpy as np

from pluralign.core import RewardRequest, Steer, rng_for
from pluralign.encoders import HashEncoder
from pluralign.rewards import EmbeddingTrunk, Fading, LinearRewardModel, asked_directions
from pluralign.runs import Refits
from pluralign.serving.scoring import LinearScorer, ScoreRequest

DIMENSIONS, ASKED, PROMPTS = 384, 120, 60
WORDS = [f"word{k}" for k in range(3000)]


def text(rng: np.random.Generator, words: int) -> str:
    return " ".join(rng.choice(WORDS, words))


def fadings(ids: tuple[str, ...], rng: np.random.Generator) -> dict[str, Fading | None]:
    """None; each community asked prompts of its own; all asked the same."""

    def directions() -> np.ndarray:
        prompts = [text(rng, 15) for _ in range(ASKED)]
        return asked_directions(HashEncoder(DIMENSIONS).encode(prompts))

    anyone = directions()
    own, same = {id_: directions() for id_ in ids}, {id_: anyone.copy() for id_ in ids}
    return {
        "none": None,
        "own prompts": Fading(own, anyone, 0.1, 0.3),
        "the same prompts": Fading(same, anyone, 0.1, 0.3),
    }


def milliseconds(scorer: LinearScorer, ids: tuple[str, ...], rng: np.random.Generator) -> float:
    """Processor time of one response to a new prompt."""
    steers = tuple(Steer.to(id_) for id_ in ids)
    requests = [RewardRequest(text(rng, 15), text(rng, 60)) for _ in range(PROMPTS)]
    began = time.process_time()
    for request in requests:
        wanted = ScoreRequest((request,), steers)
        scorer.score([wanted])
        scorer.strengths(wanted)
    return 1000 * (time.process_time() - began) / PROMPTS


def main() -> None:
    """Print one line for each way of fading, last."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--communities", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    rng = rng_for(0, "fading")
    ids = tuple(f"~community{k}" for k in range(options.communities))
    trunk = EmbeddingTrunk(HashEncoder(DIMENSIONS))
    reference_D = rng.normal(size=trunk.dimensions)
    delta_C_D = rng.normal(size=(len(ids), trunk.dimensions))
    scorers = {}
    for name, fading in fadings(ids, rng).items():
        model = LinearRewardModel(trunk, reference_D, ids, delta_C_D, fading=fading)
        scorers[name] = LinearScorer(model, Refits((model,), 0.0, "alone"))
    found: dict[str, list[float]] = {name: [] for name in scorers}
    for _ in range(options.rounds):
        for name, scorer in scorers.items():
            found[name].append(milliseconds(scorer, ids, rng))
    for name, times in found.items():
        ratio = statistics.median(a / b for a, b in zip(times, found["none"], strict=True))
        print(f"{name}: {statistics.median(times):.2f} ms, {ratio:.2f} times without fading")


if __name__ == "__main__":
    main()
