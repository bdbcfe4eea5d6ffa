"""Accuracy of private choices over epsilon: planted people, a panel, and a survey.

PLURALIGN_DATA=FOLDER python benchmarks/privacy.py --out privacy.json

All methods fit one linear head on the same features, from the same public reference, and are judged
by the choices as they were made. DP-SGD protects whole pairs and not choices alone; it is run by
Opacus if that is installed, otherwise by full-batch noisy gradients of our own.
"""

import argparse
import json
import time
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from pluralign.core import NotEnoughData, PreferencePair, Silent, rng_for
from pluralign.encoders import HashEncoder
from pluralign.evaluation import TestPairs
from pluralign.methods import (
    PersonMeansConfig,
    PropsConfig,
    RidgeConfig,
    ScpoConfig,
    TrainingSet,
    choose_ridge,
    fit_person_means,
    full_heads,
    scpo_heads,
)
from pluralign.methods.props import props_heads
from pluralign.metrics import correct, group_means
from pluralign.metrics.gaussian_noise import rho_of
from pluralign.models.trunks import open_trunk
from pluralign.rewards import (
    DenseFeatures,
    EmbeddingTrunk,
    EncodedPairs,
    LinearRewardModel,
    fit_path,
)
from pluralign.settings import resolve
from pluralign.sources import PrivatePairs, load_pairs, split_by

EPSILONS = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0)
DIRECTIONS = 128
CONFIGS = Path(__file__).parents[1] / "configs"
OURS = "noisy gradients of our own, full batch, zCDP"


@dataclass(frozen=True)
class Part:
    """One community: its training and test pairs, with the pairs of others as public data."""

    train: TrainingSet
    test: EncodedPairs
    reference: LinearRewardModel


@dataclass(frozen=True)
class Given:
    """Pairs at hand as a source."""

    given: tuple[PreferencePair, ...]
    name: str = "given"
    license: str = "none"

    def pairs(self, tally=None):
        """The pairs."""
        yield from self.given


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=3, help="draws of the reports")
    parser.add_argument("--epsilons", type=float, nargs="+", default=EPSILONS)
    parser.add_argument("--only", default="", help="only data with this in its name")
    parser.add_argument("--out", type=Path, help="JSON file with every number")
    args = parser.parse_args()
    rows = []
    for name, load in DATA.items():
        if args.only not in name:
            continue
        since = time.perf_counter()
        parts = load()
        rows += measured(name, parts, args.epsilons, args.draws)
        show(name, parts, [row for row in rows if row["data"] == name], args.epsilons)
        print(f"{time.perf_counter() - since:.0f} s\n")
    print(f"DP-SGD by {'Opacus' if find_spec('opacus') else OURS}")
    if args.out is not None:
        args.out.write_text(json.dumps(rows, indent=1))


def planted(people: int = 200, each: int = 20, dimensions: int = 64) -> list[Part]:
    """People with a common taste, and a panel with a similar one; features differ in spread."""
    rng = rng_for(0, "planted")
    spread = 1 / np.sqrt(1 + np.arange(dimensions))
    spread /= np.linalg.norm(spread)
    heads = {"~panel": np.zeros(dimensions), "~planted": 3 * rng.normal(size=dimensions)}
    heads["~panel"] = 0.5 * heads["~planted"] + 2 * rng.normal(size=dimensions)
    pairs, features = [], []
    sides = (("~panel", "", 200), ("~planted", "", people), ("~planted", "t", 200))
    for community, side, count in sides:
        x = rng.normal(size=(count * each, dimensions)) * spread
        chosen = rng.random(len(x)) < 1 / (1 + np.exp(-x @ heads[community]))
        features.append(x * np.where(chosen, 1, -1)[:, None])
        pairs += [
            PreferencePair(f"{community}{side}{i}", f"{community}{side} {i}", "a", "b", community,
                           rater=f"{community}{side}{i % count}")
            for i in range(len(x))
        ]  # fmt: skip
    encoded = EncodedPairs(tuple(pairs), DenseFeatures(np.concatenate(features)))
    is_test = np.array([pair.id.startswith("~plantedt") for pair in pairs])
    trunk = EmbeddingTrunk(HashEncoder(dimensions), interaction=0.0)
    return [part(encoded, ~is_test, is_test, ["~panel"], "~planted", trunk)]


def panel() -> list[Part]:
    return real("global_dialogues.toml", ["~world"], ["GBR"], "rater")


def survey() -> list[Part]:
    west = ["USA", "GBR", "DEU", "FRA", "CAN", "SWE", "NLD", "ESP", "ITA"]
    return real("global_opinions.toml", west, None, "stem")


DATA = {
    "planted people": planted,
    "Global Dialogues, UK": panel,
    "GlobalOpinionQA, eight countries": survey,
}


def real(config: str, public: list[str], communities: list[str] | None, by: str) -> list[Part]:
    """The first split of a config, its features along the main directions of public texts."""
    resolved = resolve(CONFIGS / config)
    loaded = load_pairs(resolved.sources, resolved.settings.limit, 0)
    trunk = open_trunk(resolved.settings.trunk, None, Silent()).trunk
    encoded = trunk.encode_pairs(loaded.pairs)
    split = split_by(by, loaded.pairs, 0.2, rng_for(resolved.settings.seed, "split"))
    if communities is None:
        people = loaded.people()
        others = sorted(set(people) - set(public), key=lambda c: -people[c]["pairs"])
        communities = others[:8]
    seen = encoded.take(split.train).of(public).features.dense().astype(float)
    basis = np.linalg.eigh(seen.T @ seen)[1][:, ::-1][:, :DIRECTIONS]
    reduced = EncodedPairs(encoded.pairs, DenseFeatures(encoded.features.dense() @ basis))
    is_train = np.isin(np.arange(len(encoded)), split.train)
    is_test = np.isin(np.arange(len(encoded)), split.test)
    small = EmbeddingTrunk(HashEncoder(DIRECTIONS), interaction=0.0)
    return [part(reduced, is_train, is_test, public, c, small) for c in communities]


def part(encoded, is_train, is_test, public, community, trunk) -> Part:
    of = np.array([pair.community for pair in encoded.pairs])
    shared = encoded.take(np.flatnonzero(is_train & np.isin(of, public)))
    nothing = np.zeros(encoded.features.shape[1])
    head = fit_path(shared.features, [10.0], nothing, np.ones(len(shared)))[0]
    rows = np.flatnonzero(is_train & (np.isin(of, public) | (of == community)))
    train = TrainingSet.build(encoded.take(rows), [community])
    test = encoded.take(np.flatnonzero(is_test & (of == community)))
    reference = LinearRewardModel(Widened(trunk, len(head)), head)
    return Part(train, test, reference)


@dataclass(frozen=True)
class Widened:
    """A trunk of a given width: the benchmark's features are computed beforehand."""

    trunk: EmbeddingTrunk
    dimensions: int


def reported(own: TrainingSet, epsilon: float, seed: int, per: str = "label") -> TrainingSet:
    """A community's training pairs as they are reported."""
    numbered = [replace(p, question=str(i)) for i, p in enumerate(own.encoded.pairs)]
    source = PrivatePairs(Given(tuple(numbered)), epsilon, per, seed=seed)
    pairs = tuple(source.pairs())
    rows = np.array([int(pair.question) for pair in pairs])
    same = [p.chosen == own.encoded.pairs[i].chosen for p, i in zip(pairs, rows, strict=True)]
    sign = np.where(same, 1.0, -1.0)
    features = DenseFeatures(own.encoded.features.dense()[rows] * sign[:, None])
    return TrainingSet(EncodedPairs(pairs, features), own.communities, own.unit_N[rows])


def fitted(heads, config, train: TrainingSet, reference: LinearRewardModel, seed: int):
    """A head whose ridge is chosen on reports alone."""
    chosen = choose_ridge(heads, train, reference, config, rng_for(seed, "ridge"), RIDGES)
    return heads(train, reference, config, [chosen.ridge])[0, 0]


RIDGES = (300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3)


def under(loss: str, heads=full_heads, config=None, per: str = "label"):
    def fit(part: Part, epsilon: float, seed: int):
        own = part.train.of(*part.train.communities)
        train = replace(reported(own, epsilon, seed, per), loss=loss)
        return fitted(heads, config or RidgeConfig(), train, part.reference, seed)

    return fit


def person_means(part: Part, epsilon: float, seed: int):
    config = PersonMeansConfig(epsilon=epsilon, seeded=True)
    model = fit_person_means(part.train, part.reference, config, rng_for(seed, "noise"))
    return model.heads()[0]


def dp_sgd(part: Part, epsilon: float, seed: int):
    """Private gradients of the plain loss from the reference, each pair's clipped to norm 1."""
    own = part.train.of(*part.train.communities).encoded
    public = part.train.encoded.features.dense()[
        ~np.isin(part.train.community_N, part.train.communities)
    ]
    scale = np.sqrt((public.astype(float) ** 2).sum(axis=1).mean())
    x = own.features.dense().astype(float) / scale
    start = own.margins(part.reference.reference_D)
    steepest = np.linalg.eigvalsh(public.T.astype(float) @ public / len(public) / scale**2)[-1]
    if find_spec("opacus"):
        delta = by_opacus(x, start, epsilon, seed, 2 / steepest)
    else:
        delta = by_noisy_gradients(x, start, epsilon, seed, 2 / steepest)
    return part.reference.reference_D + delta / scale


def by_noisy_gradients(x, start, epsilon: float, seed: int, rate: float, steps: int = 30):
    """Steps along the mean clipped gradient plus noise; their rhos add up."""
    rng, n = rng_for(seed, "dp-sgd"), len(x)
    rho = rho_of(epsilon, 1 / (10 * n)) / steps
    deviation = 2 / n / np.sqrt(2 * rho)
    head = np.zeros(x.shape[1])
    for _ in range(steps):
        gradient = x / (1 + np.exp(start + x @ head))[:, None]
        gradient /= np.maximum(1, np.linalg.norm(gradient, axis=1))[:, None]
        head += rate * (gradient.mean(axis=0) + deviation * rng.normal(size=len(head)))
    return head


def by_opacus(x, start, epsilon: float, seed: int, rate: float, epochs: int = 30):
    """The same by Opacus: Poisson samples of a tenth of the pairs, its own accountant."""
    import torch
    from opacus import PrivacyEngine

    torch.manual_seed(seed)
    data = torch.utils.data.TensorDataset(*map(torch.from_numpy, (x, start)))
    loader = torch.utils.data.DataLoader(data, batch_size=max(1, len(x) // 10))
    head = torch.nn.Linear(x.shape[1], 1, bias=False, dtype=torch.float64)
    torch.nn.init.zeros_(head.weight)
    optimizer = torch.optim.SGD(head.parameters(), lr=rate / 10)
    head, optimizer, loader = PrivacyEngine().make_private_with_epsilon(
        module=head, optimizer=optimizer, data_loader=loader, epochs=epochs,
        target_epsilon=epsilon, target_delta=1 / (10 * len(x)), max_grad_norm=1.0,
    )  # fmt: skip
    for _ in range(epochs):
        for features, margins in loader:
            optimizer.zero_grad()
            torch.nn.functional.softplus(-(margins + head(features)[:, 0])).mean().backward()
            optimizer.step()
    return head._module.weight.detach().numpy()[0]


def props(combine: str):
    return under("unbiased", props_heads, PropsConfig(combine=combine))


METHODS = {
    "RR, plain": under("plain"),
    "RR, unbiased": under("unbiased"),
    "RR, forward": under("forward"),
    "PROPS, posterior": props("posterior"),
    "PROPS, likelihood": props("likelihood"),
    "SCPO, RR, plain": under("plain", scpo_heads, ScpoConfig()),
    "SCPO, RR, forward": under("forward", scpo_heads, ScpoConfig()),
    "DP-SGD (pair)": dp_sgd,
    "RR, one pair each (person)": under("forward", per="person"),
    "person means (person)": person_means,
}
PER_PERSON = ("RR, one pair each (person)", "person means (person)")


def measured(name: str, parts: list[Part], epsilons, draws: int) -> list[dict]:
    """Rows of accuracy, and of paired differences to plain RR; communities count the same."""
    known = {"reference": lambda p: p.reference.reference_D, "no privacy": no_privacy}
    rows = []
    for method, head in known.items():
        credit = [correct(p.test.margins(head(p))) for p in parts]
        rows.append(row(name, method, None, parts, credit))
    for epsilon in epsilons:
        plain = None
        for method, fit in METHODS.items():
            credit = tried(parts, method, fit, epsilon, draws)
            if isinstance(credit, str):
                rows.append({"data": name, "method": method, "epsilon": epsilon, "refused": credit})
                continue
            plain = credit if plain is None else plain
            difference = [c - p for c, p in zip(credit, plain, strict=True)]
            found = row(name, method, epsilon, parts, credit)
            gain = row(name, method, epsilon, parts, difference, least=-1.0)
            rows.append(found | {"gain": {k: gain[k] for k in ("value", "low", "high")}})
    return rows


def no_privacy(part: Part):
    own = part.train.of(*part.train.communities)
    return fitted(full_heads, RidgeConfig(), own, part.reference, 0)


def tried(parts: list[Part], method: str, fit, epsilon: float, draws: int):
    """Credits of the test pairs of each part, mean over draws; or why there are none."""
    if method in PER_PERSON and parts[0].train.encoded.pairs[0].rater is None:
        return "no people"
    try:
        return [
            np.mean([correct(p.test.margins(fit(p, epsilon, s))) for s in range(draws)], axis=0)
            for p in parts
        ]
    except NotEnoughData as error:
        return error.what


def row(name, method, epsilon, parts, credit, least=0.0) -> dict:
    """The mean over parts, with the interval of a run: over raters, or over stems without them."""
    tested = [pair for part in parts for pair in part.test.pairs]
    judged = TestPairs.of(tested, np.zeros(len(tested)))
    part_N = np.repeat(np.arange(len(parts)), [len(c) for c in credit])
    values = np.concatenate(credit)[:, None]
    found = group_means(values, part_N, judged.clusters(), bounds=(least, 1.0)).average()
    return {
        "data": name,
        "method": method,
        "epsilon": epsilon,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "pairs": len(tested),
        "clusters": len(np.unique(judged.cluster_N)),
    }


def show(name: str, parts: list[Part], rows: list[dict], epsilons) -> None:
    people = parts[0].train.encoded.pairs[0].rater is not None
    own = [p.train.of(*p.train.communities) for p in parts]
    pairs = sum(len(o.encoded) for o in own)
    units = sum(len(np.unique(o.unit_N)) for o in own)
    unit = "people" if people else "stems"
    test = f"{rows[0]['pairs']:,} test pairs of {rows[0]['clusters']:,} {unit}"
    print(
        f"{name}: {pairs:,} private pairs"
        + (f" of {units:,} people" if people else "")
        + f"; {test}"
    )
    print("accuracy on true choices, % [95 %]; in parentheses the paired difference to plain RR")
    by = {(r["method"], r["epsilon"]): r for r in rows}
    for method in ("reference", "no privacy"):
        print(f"{method:28} {cell(by[method, None])}")
    print(f"{'epsilon':28} " + " ".join(f"{e:>30g}" for e in epsilons))
    for method in METHODS:
        print(f"{method:28} " + " ".join(f"{cell(by[method, e]):>30}" for e in epsilons))
    for reason in dict.fromkeys(r["refused"] for r in rows if "refused" in r):
        print(f"  refused: {reason}")


def cell(r: dict) -> str:
    if "refused" in r:
        return "refused"
    text = f"{100 * r['value']:.1f} [{100 * r['low']:.1f}, {100 * r['high']:.1f}]"
    gain = r.get("gain")
    if not gain or r["method"] == "RR, plain":
        return text
    return (
        f"{text} ({100 * gain['value']:+.1f}{'*' if gain['low'] > 0 or gain['high'] < 0 else ''})"
    )


if __name__ == "__main__":
    main()
