"""The hub's results file ``.eval_results/<name>.yaml``, for model pages and leaderboards.

Format: https://huggingface.co/docs/hub/eval-results. It has room for one number only, so interval
and people are in ``notes``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.core import (
    AnyPath,
    Estimate,
    InvalidInput,
    NotEnoughData,
    Tally,
    as_path,
    whole_file,
)
from pluralign.huggingface.hub_cards import yaml_of
from pluralign.interop.cards import accuracy_of, people_behind

_FOLDER = ".eval_results"


@dataclass(frozen=True, slots=True)
class ResultSource:
    """Where a result can be checked.

    Attributes:
        url: Page or repository that shows its origin.
        name: Name of the source.
        user: Name on the hub of the responsible person.
        org: Name on the hub of the responsible organisation.
    """

    url: str
    name: str | None = None
    user: str | None = None
    org: str | None = None

    def as_dict(self) -> dict[str, str]:
        """The known fields, under the file's names."""
        known = {"url": self.url, "name": self.name, "user": self.user, "org": self.org}
        return {key: value for key, value in known.items() if value is not None}


def eval_results(
    card: Mapping[str, Any],
    dataset_id: str,
    *,
    task_ids: Mapping[str, str] | None = None,
    source: ResultSource | None = None,
    date: str | None = None,
    tally: Tally | None = None,
) -> list[dict[str, Any]]:
    """A model's accuracies as entries of the hub's results file.

    Args:
        card: Card of the saved model, as `pluralign.rewards.load_card` reads it.
        dataset_id: The benchmark's data set on the hub, ``owner/name``. The hub lists results only
            under data sets that are registered as benchmarks.
        task_ids: Community -> id of its task in the data set's ``eval.yaml``; the community's own
            id where None. Communities that are not named are left out.
        source: Where the results can be checked.
        date: When they were measured, ISO 8601; the hub takes the time of the commit where None.
        tally: Counts the communities read, kept and left out by reason.

    Returns:
        ``{dataset: {id, task_id}, value, date, source, notes}`` for each community, sorted by id.
        ``value`` is a fraction in [0, 1]; ``notes`` describes it, with its 95 % interval and its
        people. A number without an interval is left out.

    Raises:
        InvalidInput: If the data set's id is not ``owner/name``.
        NotEnoughData: If the card has no accuracy with an interval.

    >>> found = {"value": 0.62, "low": 0.58, "high": 0.66, "n": 900, "n_raters": 70}
    >>> card = {"accuracy": {"GBR": found}}
    >>> eval_results(card, "owner/benchmark")[0]["notes"]
    'pairwise accuracy for GBR on held-out pairs; 95 % interval 0.580 to 0.660; 900 pairs, 70
    raters'
    """
    if dataset_id.count("/") != 1 or not all(dataset_id.split("/")):
        raise InvalidInput(
            f"{dataset_id!r} is not owner/name",
            where="dataset_id",
            hint="name a data set of the hub",
        )
    tally = tally if tally is not None else Tally()
    entries = []
    for community, found in accuracy_of(card).items():
        tally.read += 1
        if task_ids is not None and community not in task_ids:
            tally.drop("no task named")
        elif found.low is None:
            tally.drop("no interval: too few people")
        else:
            task = community if task_ids is None else task_ids[community]
            entries.append(
                _entry({"id": dataset_id, "task_id": task}, community, found, source, date)
            )
            tally.kept += 1
    if not entries:
        why = "; ".join(f"{n} x {reason}" for reason, n in tally.dropped.items())
        raise NotEnoughData(
            "the card has no accuracy to publish", hint=why or "measure the model in a run first"
        )
    return entries


def write_eval_results(entries: Sequence[Mapping[str, Any]], folder: AnyPath, name: str) -> Path:
    """Write entries to ``folder/.eval_results/name.yaml``; the file appears whole or not at all.

    Args:
        entries: As `eval_results` returns them.
        folder: The model's folder, which exists.
        name: Name of the file, without slashes and suffix.

    Returns:
        The file.

    Raises:
        InvalidInput: If the name is not a file name.
        MissingExtra: If PyYAML is not installed.
    """
    folder = as_path(folder)
    if not name or name.startswith(".") or any(c in name for c in "/\\\0"):
        raise InvalidInput(
            f"{name!r} cannot name a file", where="name", hint="use a plain name without slashes"
        )
    text = yaml_of([dict(entry) for entry in entries])
    path = folder / _FOLDER / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
    return path


def _entry(
    dataset: Mapping[str, str],
    community: str,
    found: Estimate,
    source: ResultSource | None,
    date: str | None,
) -> dict[str, Any]:
    entry: dict[str, Any] = {"dataset": dict(dataset), "value": found.value}
    if date is not None:
        entry["date"] = date
    if source is not None:
        entry["source"] = source.as_dict()
    what = f"pairwise accuracy for {community} on held-out pairs"
    return entry | {
        "notes": f"{what}; 95 % interval {found.low:.3f} to {found.high:.3f}; "
        f"{people_behind(found)}"
    }
