"""Curves of communities that nobody trained on, from 0 to 100 of their choices, for many methods.

    python benchmarks/unseen_communities.py configs/world_values.toml --out runs/unseen/world-values

Takes the settings file of any `pluralign run`: its pairs, encoder, reference and communities. The
communities are dealt into folds; each method, and the reference, learns without a fold, and the
method then serves each community of it from k of its choices, in several nested draws. Test people
and test question stems are others than those of the choices. Controls: the choices of another
community, and outcomes by lot. A last fit with all communities gives the cell of seen communities
and new questions.

Every method of a fold is a file of the folder, written when it is done: the same command goes on
where it was stopped. ``--repeats`` deals anew, and joins the deals. ``rows.jsonl`` has the numbers
(see `pluralign.experiments.unseen_rows`), and a short table is printed. Communities (or raters) of
the confirmation data of docs/protocol.md are left out, unless ``--everyone`` is given.
"""

import argparse
import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from pluralign.core import PreferencePair, Silent, rng_for
from pluralign.core.files import clear_parts, whole_file
from pluralign.experiments.planning import plan
from pluralign.experiments.repeats import fit_reference
from pluralign.experiments.unseen import (
    CHOICES,
    OWN,
    SHUFFLED,
    SWAPPED,
    Newcomer,
    ServedCommunity,
    Shots,
    adapted_margins,
    deal,
    newcomer,
    serve,
    training_rows,
)
from pluralign.experiments.unseen_rows import NEW_NEW, Judges, curve_rows, trained_rows
from pluralign.methods import (
    AdaptiveConfig,
    RidgeConfig,
    ScpoConfig,
    Shared,
    TrainingSet,
    choose_ridge,
    full_heads,
    pooled_heads,
    scpo_heads,
)
from pluralign.methods.builtin import GPO, GROUP_DRO, LORE, MAP, PAL, POOLED, REFERENCE, VPL
from pluralign.methods.few_choices import learn_alone, learn_mixture, learn_nearest
from pluralign.methods.method import Method
from pluralign.methods.unseen import learn_prior
from pluralign.models.trunks import open_trunk
from pluralign.rewards import EncodedPairs, HeadPrior, LinearRewardModel, fit_trunk
from pluralign.settings import resolve
from pluralign.sources import load_pairs

Learner = Callable[[TrainingSet, LinearRewardModel, np.random.Generator], Shared]
ALL_FOLDS = -1


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("settings", type=Path, help="settings file of pluralign run")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--choices", type=int, nargs="+", default=CHOICES)
    parser.add_argument("--controls", type=int, nargs="*", default=(5, 20, 100))
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--folds", type=int, default=8, help="parts of communities left out")
    parser.add_argument("--methods", nargs="+", choices=LEARNERS, default=list(LEARNERS))
    parser.add_argument("--most", type=int, help="only so many communities, the first by name")
    parser.add_argument("--pairs", type=int, help="at most so many pairs of each community")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--repeats", type=int, default=1, help="deals of stems, people and folds")
    parser.add_argument("--everyone", action="store_true", help="with the confirmation data")
    args = parser.parse_args()
    deals = [dealt_data(args, args.seed + i) for i in range(args.repeats)]
    rows = [*measured(args, deals)]
    with whole_file(args.out / "rows.jsonl") as file:
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    show(rows, args.choices)


@dataclass(frozen=True)
class Data:
    """The data of one deal, and the folder of its results."""

    seed: int
    folder: Path
    encoded: EncodedPairs
    train: TrainingSet
    reference: LinearRewardModel
    newcomers: dict[str, Newcomer]
    folds: list[list[str]]
    digest: str

    @property
    def communities(self) -> list[str]:
        """Ids of the communities served."""
        return list(self.newcomers)


def dealt_data(args: argparse.Namespace, seed: int) -> Data:
    """A deal, with the results of every method in its folder."""
    data = read(args, seed)
    check(args, data)
    for fold, left_out in enumerate(data.folds):
        serve_fold(args, data, fold, left_out)
    serve_fold(args, data, ALL_FOLDS, data.communities)
    return data


def read(args: argparse.Namespace, seed: int) -> Data:
    """Read, encode and deal the pairs, and fit the reference."""
    resolved = resolve(args.settings)
    settings = resolved.settings
    loaded = load_pairs(resolved.sources, settings.limit, settings.seed)
    pairs = loaded.pairs
    if not args.everyone:
        pairs = tuple(p for p in pairs if not for_confirmation(p.rater or p.community))
    loaded = replace(loaded, pairs=pairs)
    pairs = thinned(pairs, args.pairs, seed)
    present = {p.community for p in pairs}
    if isinstance(settings.reference.fit_on, tuple):
        fit_on = tuple(c for c in settings.reference.fit_on if c in present)
        start = settings.reference.model_copy(update={"fit_on": fit_on})
        settings = settings.model_copy(update={"reference": start})
    roles = plan(settings, loaded.people())
    trunk = open_trunk(settings.trunk, None, Silent()).trunk
    encoded = trunk.encode_pairs(pairs)
    dealt = deal(pairs, seed)
    rows = training_rows(pairs, dealt, without=())
    # Of the texts of all communities, left out or not: no choice is read.
    trunk, encoded = fit_trunk(trunk, encoded, rows, settings.components)
    train = TrainingSet.build(encoded.take(rows), roles.steered)
    fitted = fit_reference(train, trunk, roles, settings, seed)
    reference, train = fitted.model, fitted.train
    alone = {c: newcomer(c, train, encoded, dealt, trunk) for c in sorted(roles.steered)}
    chosen = [c for c, own in alone.items() if has_both_cells(own)][: args.most]
    mixed = rng_for(seed, "folds").permutation(np.array(chosen)).tolist()
    folds = [sorted(mixed[k :: args.folds]) for k in range(min(args.folds, len(mixed)))]
    newcomers = {}
    for fold in folds:
        # Nor has another community of the fold, from which no method learns, answered for it.
        others = train.without(np.isin(train.community_N, fold))
        newcomers |= {c: newcomer(c, others, encoded, dealt, trunk) for c in fold}
    kept = {c: newcomers[c] for c in chosen if has_both_cells(newcomers[c])}
    folds = [own for fold in folds if (own := [c for c in fold if c in kept])]
    return Data(
        seed, args.out / f"seed-{seed}", encoded, train, reference, kept, folds, loaded.fingerprint
    )


def has_both_cells(own: Newcomer) -> bool:
    """Whether some test stems of a community are new, and some are not."""
    return bool(own.new_N.any() and not own.new_N.all())


def thinned(pairs: Sequence[PreferencePair], most: int | None, seed: int) -> tuple:
    """At most so many pairs of each community, drawn at random."""
    if most is None:
        return tuple(pairs)
    kept, counts = [], Counter()
    for i in rng_for(seed, "pairs").permutation(len(pairs)).tolist():
        counts[pairs[i].community] += 1
        if counts[pairs[i].community] <= most:
            kept.append(i)
    return tuple(pairs[i] for i in sorted(kept))


def for_confirmation(id_: str) -> bool:
    """Whether docs/protocol.md puts a community or rater aside."""
    return hashlib.sha256(f"pluralign confirmation:{id_}".encode()).digest()[0] < 64


def check(args: argparse.Namespace, data: Data) -> None:
    """Write what the folder's results are made with, or refuse a folder made with another."""
    made_with = {
        "settings": args.settings.stem,
        "data": data.digest,
        "pairs_each": args.pairs,
        "seed": data.seed,
        "draws": args.draws,
        "given": [list(given) for given in given_of(args)],
        "folds": data.folds,
        "stems": len({p.stem for p in data.encoded.pairs}),
        "pairs": len(data.encoded),
        "people": len({p.rater for p in data.encoded.pairs if p.rater is not None}),
        "reference": "of the communities seen",
        "least_choices": min(n.pairs for n in data.newcomers.values()),
    }
    about = data.folder / "about.json"
    if about.is_file() and json.loads(about.read_text()) != made_with:
        raise SystemExit(f"{data.folder}: made with other data or arguments; choose another folder")
    data.folder.mkdir(parents=True, exist_ok=True)
    clear_parts(args.out)
    with whole_file(about) as file:
        file.write_text(json.dumps(made_with, indent=1), encoding="utf-8")
    counts = Counter(p.community for p in data.encoded.pairs)
    print(f"{len(data.encoded):,} pairs, {len(counts)} communities; served: {data.folds}")


def given_of(args: argparse.Namespace) -> list[Shots]:
    own = [Shots(OWN, k) for k in sorted(set(args.choices))]
    return own + [Shots(c, k) for c in (SWAPPED, SHUFFLED) for k in sorted(set(args.controls))]


def learner(method: Method, **values: object) -> Learner:
    """How a method of the package learns; the ridge of a pooled head is chosen first."""

    def learn(train: TrainingSet, reference: LinearRewardModel, rng: np.random.Generator) -> Shared:
        chosen = dict(values)
        if method.heads is not None:
            config = method.configure(**values)
            chosen["ridge"] = choose_ridge(method.heads, train, reference, config, rng).ridge
        return method.learn(train, reference, method.configure(**chosen), rng)

    return learn


def alone(heads, config) -> Learner:
    return lambda train, reference, rng: learn_alone(heads)(train, reference, config, rng)


@dataclass(frozen=True)
class SavedPrior:
    """The prior of saved models, from which `pluralign adapt` makes heads."""

    reference: LinearRewardModel
    prior: HeadPrior

    def adapt(self, choices: TrainingSet) -> LinearRewardModel:
        """A model of the community that made these choices."""
        head_D = self.prior.head(choices.encoded, choices.loss)
        return LinearRewardModel(self.reference.trunk, head_D)


def prior(train: TrainingSet, reference: LinearRewardModel, rng: np.random.Generator) -> Shared:
    """The prior of saved models."""
    ridge = choose_ridge(pooled_heads, train, reference, RidgeConfig(), rng).ridge
    return SavedPrior(reference, learn_prior(train, reference, ridge, rng))


LEARNERS: dict[str, Learner] = {
    "reference": learner(REFERENCE),
    "pooled": learner(POOLED),
    "group-dro": learner(GROUP_DRO),
    "full": alone(full_heads, RidgeConfig()),
    "scpo": alone(scpo_heads, ScpoConfig()),
    "nearest": lambda *given: learn_nearest(given[0], given[1], RidgeConfig(), given[2]),
    "adaptive": lambda *given: learn_mixture(given[0], given[1], AdaptiveConfig(), given[2]),
    "ridge": learner(MAP, ranks=(0,)),
    "map": learner(MAP),
    "prior": prior,
    # Learning is repeated for each fold, so the grids of these four are a part of the default ones.
    "lore": learner(LORE, bases=(2, 5), ridges=(3.0, 1.0)),
    "pal": learner(PAL, prototypes=(2,), ridges=(10.0, 3.0)),
    "vpl": learner(VPL, betas=(0.0,)),
    "gpo": learner(GPO, rates=(3e-4,)),
}
"""`full`, `scpo`: the few choices alone, from the reference. `adaptive`: with the shares and pulls
that it chose on the communities seen. `ridge`: `map` of rank 0. `prior`: of every saved model."""


def serve_fold(args: argparse.Namespace, data: Data, fold: int, left_out: Sequence[str]) -> None:
    """Write how every method serves the communities of a fold, unless the folder has it."""
    missing = [m for m in args.methods if not file_of(data, fold, m).is_file()]
    if not missing:
        return
    held_N = np.isin(data.train.community_N, left_out if fold != ALL_FOLDS else [])
    seen = data.train.without(held_N)
    reference = seen.refitted(data.reference)
    for method in missing:
        since = time.perf_counter()
        rng = rng_for(data.seed, "learn", method)
        shared = LEARNERS[method](seen, reference, rng)
        learned = time.perf_counter() - since
        served = {c: serve_one(args, data, shared, c, fold, seen.communities) for c in left_out}
        seconds = time.perf_counter() - since - learned
        save(file_of(data, fold, method), served, {"learn": learned, "serve": seconds})
        name = f"seed {data.seed}, " + (
            "all communities" if fold == ALL_FOLDS else f"fold {fold + 1}/{len(data.folds)}"
        )
        print(f"{name} {method}: learned {learned:.1f} s, served {seconds:.1f} s", flush=True)


def serve_one(
    args: argparse.Namespace,
    data: Data,
    shared: Shared,
    community: str,
    fold: int,
    seen: Sequence[str],
) -> ServedCommunity:
    own = data.newcomers[community]
    if fold != ALL_FOLDS:
        others = [data.newcomers[c] for c in seen if c in data.newcomers]
        return serve(shared, own, others, given_of(args), args.draws, data.seed)
    margin_N_1 = adapted_margins(shared, [data.train.of(community)], own.test)
    credit_N_1, loss_N_1 = (np.sign(margin_N_1) + 1) / 2, np.logaddexp(0, -margin_N_1)
    return ServedCommunity((Shots(OWN, -1),), credit_N_1, loss_N_1, np.zeros(1))


def file_of(data: Data, fold: int, method: str) -> Path:
    return data.folder / ("all" if fold == ALL_FOLDS else f"fold-{fold}") / f"{method}.npz"


def save(path: Path, served: dict[str, ServedCommunity], seconds: dict[str, float]) -> None:
    arrays = {f"seconds/{name}": np.array(value) for name, value in seconds.items()}
    for community, found in served.items():
        for name, values in asdict(found).items():
            if name != "given":
                arrays[f"{name}/{community}"] = values.astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file, file.open("wb") as opened:
        np.savez_compressed(opened, **arrays)


def load(
    deals: Sequence[Data], whole: bool, method: str, given: Sequence[Shots]
) -> ServedCommunity:
    """One method's results for the communities of every deal, one after the other."""
    found: dict[str, list[np.ndarray]] = {"credit_N_S": [], "loss_N_S": [], "spread_S": []}
    for data in deals:
        folds = {c: f for f, fold in enumerate(data.folds) for c in fold}
        for community in data.communities:
            fold = ALL_FOLDS if whole else folds[community]
            with np.load(file_of(data, fold, method)) as stored:
                for name, parts in found.items():
                    parts.append(stored[f"{name}/{community}"].astype(np.float64))
    credit_N_S, loss_N_S = (np.concatenate(found[name]) for name in ("credit_N_S", "loss_N_S"))
    return ServedCommunity(tuple(given), credit_N_S, loss_N_S, np.mean(found["spread_S"], axis=0))


def measured(args: argparse.Namespace, deals: Sequence[Data]) -> Iterator[dict]:
    judges = Judges.of([(n.test, n.new_N) for data in deals for n in data.newcomers.values()])
    for whole, given, rows_of in (
        (False, given_of(args), curve_rows),
        (True, [Shots(OWN, -1)], trained_rows),
    ):
        served = {m: load(deals, whole, m, given) for m in args.methods}
        yield from rows_of(judges, served)


def show(rows: Sequence[dict], choices: Sequence[int]) -> None:
    """Accuracy by number of choices in the cell new x new, and when it passes the reference."""
    of = {(r["method"], r["control"], r.get("choices"), r["metric"]): r
          for r in rows if r["cell"] == NEW_NEW}  # fmt: skip
    print(f"{'new x new, %':12}" + "".join(f"{k:>7}" for k in choices) + "  above from")
    for method in dict.fromkeys(r["method"] for r in rows):
        cells = [f"{100 * of[method, OWN, k, 'accuracy']['value']:7.1f}" for k in choices]
        first = of[method, OWN, None, "first_above"]["value"]
        print(f"{method:12}{''.join(cells)}  {'-' if first is None else first}")


if __name__ == "__main__":
    main()
