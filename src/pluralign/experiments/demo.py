"""The whole chain on a society whose tastes we wrote: does each method find what was planted?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pluralign.core import AnyPath, PairSource, Reporter, Steer, SteerableRewardModel, as_path
from pluralign.experiments.reward_run import Outcome, run_experiment
from pluralign.methods import ranked
from pluralign.models.saved_models import open_model
from pluralign.settings.resolved_experiment import resolve
from pluralign.simulation import Probe, Society, SocietySource, recovered_taste, taste_correlation


@dataclass(frozen=True, slots=True)
class Demonstration:
    """The findings of the demonstration.

    Attributes:
        outcome: The run, as any other.
        best: Community -> accuracy that nobody can exceed, given how reliable its raters are.
        planted: Community -> trait -> weight that we wrote.
        recovered: Method -> community -> trait -> weight that the steered model shows.
        correlation: Method -> community -> correlation of the two.
    """

    outcome: Outcome
    best: dict[str, float]
    planted: dict[str, dict[str, float]]
    recovered: dict[str, dict[str, dict[str, float]]]
    correlation: dict[str, dict[str, float]]

    def __repr__(self) -> str:
        return f"Demonstration({self.outcome!r})"


def demonstrate(
    out: AnyPath, seed: int = 0, encoder: str = "hash", reporter: Reporter | None = None
) -> Demonstration:
    """Run every method on a planted society and compare what they learned with what was planted.

    Everybody in it is simulated: the reference is fitted on the society's ``~world`` panel, the
    methods steer to each of its five fictional communities.

    Args:
        out: Folder of the run.
        seed: Seed of the people, of what they judge and of the split.
        encoder: Encoder to read the replies with; ``hash`` needs nothing to be installed.
        reporter: Is notified of the progress.

    Returns:
        The run, and the planted and recovered tastes.
    """
    settings: dict[str, Any] = {
        "name": "demo",
        "seed": seed,
        "min_pairs": 1,
        "min_raters": 2,
        "pairs": {"source": "society", "seed": seed, "each": 1500, "thin": 100, "world": 4000},
        "reference": {"fit_on": ["~world"]},
        "trunk": {"encoder": encoder},
    }
    resolved = resolve(settings, where="demo")
    out = as_path(out)
    outcome = run_experiment(resolved, out, reporter)
    society = SocietySource(seed=seed).society
    probes = society.probe(per_trait=24)
    recovered: dict[str, dict[str, dict[str, float]]] = {}
    for method in ranked(resolved.methods):
        model = open_model(out / "models" / f"seed-{seed}" / method.name)
        recovered[method.name] = {c.id: _taste(model, c.id, probes) for c in society.communities}
    planted = {c.id: dict(c.taste.weights) for c in society.communities}
    correlation = {}
    for name, tastes in recovered.items():
        correlation[name] = {c: taste_correlation(t, planted[c]) for c, t in tastes.items()}
    best = _best(society, resolved.sources[0])
    return Demonstration(outcome, best, planted, recovered, correlation)


def _taste(
    model: SteerableRewardModel, community: str, probes: Sequence[Probe]
) -> dict[str, float]:
    steer = Steer.to(community) if community in model.communities else None
    positive = [probe.positive for probe in probes]
    negative = [probe.negative for probe in probes]
    return recovered_taste(probes, model.score(positive, steer), model.score(negative, steer))


def _best(society: Society, source: PairSource) -> dict[str, float]:
    pairs = list(source.pairs())
    best = {}
    for community in society.communities:
        own = [pair for pair in pairs if pair.community == community.id]
        best[community.id] = society.best_possible_accuracy(own)
    return best
