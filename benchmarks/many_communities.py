"""Scoring from text for two hundred communities, compared with one: the trunk runs once for all."""

import argparse
import statistics
import time

import numpy as np

from pluralign.core import RewardRequest, Steer, rng_for
from pluralign.encoders import encoder_named
from pluralign.rewards import EmbeddingTrunk, LinearRewardModel
from pluralign.simulation import SocietySource

COMMUNITIES = 200


def main() -> None:
    """Alternate between one and two hundred, without a cache: texts are encoded each time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--texts", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    requests = [
        RewardRequest(p.prompt, p.chosen) for p in SocietySource(each=options.texts).pairs()
    ][: options.texts]
    trunk = EmbeddingTrunk(encoder_named(options.encoder))
    rng = rng_for(0, "benchmark")
    ids = tuple(f"~c{k}" for k in range(COMMUNITIES))
    many = LinearRewardModel(
        trunk,
        rng.normal(size=trunk.dimensions),
        ids,
        rng.normal(size=(COMMUNITIES, trunk.dimensions)),
    )
    many.score(requests[:8])
    times: dict[str, list[float]] = {"one": [], "two hundred": []}
    worst = 0.0
    for _ in range(options.rounds):
        began = time.perf_counter()
        single = many.score(requests, Steer.to(ids[7]))
        times["one"].append(time.perf_counter() - began)
        began = time.perf_counter()
        every = many.score_all(requests)
        times["two hundred"].append(time.perf_counter() - began)
        worst = max(worst, float(np.abs(every[:, 7] - single).max()))
    ratio = statistics.median(
        b / a for a, b in zip(times["one"], times["two hundred"], strict=True)
    )
    print(
        f"{options.texts} texts, encoder {options.encoder}; largest difference between the two "
        f"{worst:.1e}"
    )
    print(f"{'communities':12} {'median s':>9}")
    for name, found in times.items():
        print(f"{name:12} {statistics.median(found):9.3f}")
    print(
        f"two hundred take {ratio:.3f} times as long as one (median of {options.rounds} paired "
        "rounds)"
    )


if __name__ == "__main__":
    main()
