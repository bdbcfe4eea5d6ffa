"""The memory of a run: its work so far, and the record and the cards it leaves behind."""

import json
import math
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pluralign._version import __version__
from pluralign.core import MANIFEST, REFERENCE, PairSource, Reporter, text_digest, without_secrets
from pluralign.experiments.bench import Bench
from pluralign.experiments.planning import Plan
from pluralign.methods import Method
from pluralign.models.trunks import OpenTrunk
from pluralign.rewards import load_card
from pluralign.runs.folder import RunFolder
from pluralign.runs.record import counts_of, plain
from pluralign.scaling import WorkerPool
from pluralign.settings.privacy import PrivacySettings
from pluralign.settings.resolved_experiment import Resolved
from pluralign.settings.toml_tables import shown
from pluralign.sources import PrivatePairs, settings_of
from pluralign.sources.pair_loading import Loaded

_PACKAGES = (
    *("numpy", "scipy", "pyarrow", "pydantic", "torch", "sentence-transformers", "model2vec"),
    *("transformers", "trl", "peft", "accelerate"),
)
LIMITS = "Scores are similarity to the choices of those who took part, not to a whole community."


@dataclass(slots=True, kw_only=True)
class RewardWork:
    """A run under way.

    Attributes:
        resolved: The experiment.
        folder: Its folder.
        reporter: Is notified of the progress.
        loaded: Its pairs.
        plan: Roles of the communities.
        opened: The trunk that reads the texts.
        cache: Folder of kept vectors and rewards; the default one where None.
        workers: Encode texts and fit linear heads; None: this process does.
        notes: Notes for the reader, in order.
        seconds: Stage -> seconds spent.
        alike: Pairs that the trunk reads alike, as `count_alike` counts them.
        tuning: Seed -> ridges chosen, with their held-out losses; or how parts were trained.
        shared: A reference to the inputs of fits that all workers have; None before the first.
    """

    resolved: Resolved
    folder: RunFolder
    reporter: Reporter
    loaded: Loaded
    plan: Plan
    opened: OpenTrunk
    cache: Path | None = None
    workers: WorkerPool | None = None
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    alike: dict[str, Any] = field(default_factory=dict)
    tuning: dict[str, Any] = field(default_factory=dict)
    shared: Any = None

    def timed(self, stage: str, since: float) -> None:
        """Add the seconds since ``since`` to a stage."""
        self.seconds[stage] = round(self.seconds.get(stage, 0.0) + time.perf_counter() - since, 3)


def seeds_of(work: RewardWork) -> range:
    """The seeds of the repeats."""
    settings = work.resolved.settings
    return range(settings.seed, settings.seed + settings.repeats)


def record_of(work: RewardWork, started: float, summary: list[dict[str, Any]]) -> dict[str, Any]:
    """The content of ``record.json``: settings, versions, data and drops, timings, outcome."""
    loaded, settings = work.loaded, work.resolved.settings
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except ModuleNotFoundError:
            continue
    sources = []
    for source, tally in zip(work.resolved.sources, loaded.tallies, strict=True):
        given = without_secrets(plain(settings_of(source)))
        row = {"name": source.name, "license": source.license, "settings": given}
        sources.append(row | counts_of(tally))
    return {
        "name": settings.name,
        "manifest": MANIFEST,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": shown(settings),
        "method_settings": {m: dict(v) for m, v in work.resolved.given.items() if v},
        "seeds": list(seeds_of(work)),
        "versions": {"pluralign": __version__, "python": platform.python_version(), **packages},
        "encoder": work.opened.trunk.fingerprint,
        "privacy": privacy_of(work.resolved.sources, loaded),
        "data": {
            "fingerprint": loaded.fingerprint,
            "pairs": len(loaded.pairs),
            "alike": work.alike,
            "sources": sources,
        },
        "people": loaded.people(),
        "communities": {
            "steered": list(work.plan.steered),
            "reference": list(work.plan.spoken_for),
            "left_out": dict(work.plan.left_out),
        },
        "training" if work.resolved.settings.trunk.tuned else "ridges": work.tuning,
        "notes": list(dict.fromkeys(work.notes)),
        "seconds": work.seconds | {"total": round(time.perf_counter() - started, 3)},
        "outcome": [
            row
            for row in summary
            if row["subset"] == "all" and row["aggregate"] in {"average", "worst"}
        ],
    }


def privacy_of(sources: Sequence[PairSource], loaded: Loaded) -> list[dict[str, Any]]:
    """How the choices of each source that has private ones were reported.

    The epsilon of a file of reports is that of its report with the least noise.
    """
    flips: dict[int, float] = {}
    for k, pair in zip(loaded.source_N, loaded.pairs, strict=True):
        if pair.flip:
            flips[k] = min(pair.flip, flips.get(k, pair.flip))
    found = []
    for k, flip in sorted(flips.items()):
        source = sources[k]
        row = {"source": source.name, "position": k, "flip": flip}
        if isinstance(source, PrivatePairs):
            row |= {"epsilon": source.epsilon, "per": source.per}
            row |= {"seeded": source.seed is not None}
        else:
            row |= {"epsilon": math.log((1 - flip) / flip), "per": "label", "seeded": False}
        found.append(row)
    return found


def privacy_notes(sources: Sequence[PairSource], loaded: Loaded, trained: bool) -> list[str]:
    """Notes on private choices.

    Args:
        sources: The sources of the run.
        loaded: Their pairs.
        trained: Whether communities are trained parts of a transformer.
    """
    notes = []
    for privacy in privacy_of(sources, loaded):
        name, of = f"pairs.{privacy['position']}", f"each {privacy['per']}"
        seed = "; a seed can undo them, so nothing is private" if privacy["seeded"] else ""
        notes.append(
            f"{name}: choices were reported with epsilon {privacy['epsilon']:g} for {of}; a report "
            f"is the opposite of the choice with probability {privacy['flip']:.1%}{seed}"
        )
    if notes:
        notes.append(
            "accuracies and differences are corrected for opposite reports, which widens their "
            "intervals; contested pairs are not known and not measured"
        )
    if notes and trained:
        notes.append("trained parts learn from reports as if they were choices (loss: plain)")
    return notes


def people_by_role(
    people: Mapping[str, Mapping[str, Any]], plan: Plan
) -> dict[str, dict[str, Any]]:
    """Community in the data -> pairs, raters, role, and why it is not steered to, or None."""
    found: dict[str, dict[str, Any]] = {}
    for community, count in people.items():
        why = plan.left_out.get(community)
        found[community] = {**count, "role": _role(community, plan), "why": why}
    return found


def _role(community: str, plan: Plan) -> str:
    if community in plan.steered:
        return "steered"
    return "left out" if community in plan.left_out else "reference"


def card_of(work: RewardWork, bench: Bench, method: Method) -> dict[str, Any]:
    """The facts on the card of a saved model."""
    people = work.loaded.people()
    behind = dict.fromkeys((*bench.train.communities, *work.plan.spoken_for))
    used = (REFERENCE, method.tuned_as or method.name)
    # A digest of all choices confirms a guess of one of them to a reader who knows the others.
    data = {} if method.protects else {"data_fingerprint": work.loaded.fingerprint}
    return {
        "method": method.name,
        "about": method.about,
        "experiment": work.resolved.settings.name,
        "seed": bench.seed,
        "reference_fitted_on": list(work.plan.spoken_for),
        "people": {community: people[community] for community in behind},
        "in_data": people_by_role(people, work.plan),
        "training_pairs": len(bench.train.encoded),
        **data,
        "licenses": sorted({s.license for s in work.resolved.sources}),
        "privacy": privacy_of(work.resolved.sources, work.loaded),
        "settings": dict(work.resolved.given.get(method.name, {})),
        **bench.card(used),
        "limits": LIMITS,
        "pluralign": __version__,
    }


def fingerprint_of(work: RewardWork) -> str:
    """A digest of all that results depend on: settings, data, reference, encoder, version."""
    # Sources of pairs are left out, because the data has a fingerprint of its own; `matrix` only
    # decides where rows are written.
    # Vectors depend on the encoder's fingerprint, and not on the addresses of its servers.
    exclude: dict[str, Any] = {"pairs": True, "matrix": True, "trunk": {"endpoint"}}
    # Runs of versions without these settings are resumed.
    if work.resolved.settings.privacy == PrivacySettings():
        exclude["privacy"] = True
    if work.resolved.settings.components == 0:
        exclude["trunk"] = {"endpoint", "components"}
    if work.resolved.settings.split.draw == "random":
        exclude["split"] = {"draw"}
    weighted = work.resolved.settings.fit.strength != "none"
    if not weighted:
        exclude["fit"] = {"strength"}
    settings = work.resolved.settings.model_dump(mode="json", exclude=exclude)
    # With defaults: a run that began before one of them changed is not resumed with the new one.
    configs = {
        method.name: plain(asdict(method.configure(**work.resolved.given[method.name])))
        for method in work.resolved.methods
    }
    model = work.resolved.settings.reference.model
    # By its weights, because another model may lie at the same path later.
    reference = load_card(model)["weights_sha256"] if model is not None else None
    parts = [
        settings,
        configs,
        reference,
        work.loaded.fingerprint,
        work.opened.trunk.fingerprint,
        __version__,
    ]
    if weighted:
        # The fingerprint of the data is without strengths, because few runs depend on them.
        parts.append([pair.strength for pair in work.loaded.pairs])
    return text_digest(json.dumps(parts, sort_keys=True))
