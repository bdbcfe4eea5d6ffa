"""The folder of a run of `pluralign align`, read for answering: settings, adapters, people."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pluralign.aligning.align_record import about_reward_model
from pluralign.aligning.selecting import PolicyName
from pluralign.core import AnyPath, InvalidInput, InvalidSettings, as_path
from pluralign.methods.policies import TunedMethod
from pluralign.metrics import RewardScale
from pluralign.models import open_reward_model
from pluralign.runs.finished import read_object
from pluralign.runs.folder import RECORD
from pluralign.runs.stages import SUMMARY
from pluralign.settings import AlignSettings
from pluralign.settings.align import PolicyMethod
from pluralign.settings.survey import LocalModelSettings
from pluralign.settings.validation import validated

SETTINGS = "settings.json"
_ADAPTER = "adapter_config.json"


def read_align_settings(run: AnyPath) -> AlignSettings:
    """The settings of a run that is finished, or has begun.

    Raises:
        InvalidInput: If the folder has no run of `pluralign align`.
    """
    folder = as_path(run)
    found = read_object(folder / SETTINGS)
    if found is None:
        found = (read_object(folder / RECORD) or {}).get("settings")
    if not isinstance(found, dict) or "reward" not in found:
        raise InvalidInput(
            "the folder has no run of `pluralign align`",
            where=str(folder),
            hint="name the folder that it wrote",
        )
    model = LocalModelSettings.own_keys(found.get("model") or {})
    return validated(AlignSettings, {**found, "model": model}, str(folder))


def policy_adapters(run: AnyPath, method: str | None = None) -> dict[str, Path]:
    """The adapters of a run, for all communities that it follows; see `adapters_of`.

    Raises:
        InvalidInput: If the folder has no run of `pluralign align`.
        InvalidSettings: If the run has no adapters of the method.
    """
    folder, settings = as_path(run), read_align_settings(run)
    recorded = (read_object(folder / RECORD) or {}).get("communities")
    wanted = recorded or settings.communities
    if not wanted:
        wanted = open_reward_model(settings.reward.model).communities
    return adapters_of(folder, settings, wanted, method)[1]


def adapters_of(
    run: Path, settings: AlignSettings, communities: Sequence[str], method: str | None = None
) -> tuple[PolicyMethod, dict[str, Path]]:
    """A method of a run, and its adapters.

    Args:
        run: The folder.
        settings: The settings of the run.
        communities: The communities that the run follows.
        method: The method. Default: the first that trained adapters.

    Returns:
        The method, and community -> folder of its adapter; ``best-of-n`` without any for a run
        that trained none.

    Raises:
        InvalidSettings: If the run has no adapters of the method.
    """
    found = {one: _adapters(run, one, communities) for one in settings.tuned}
    trained = {one: adapters for one, adapters in found.items() if adapters}
    wanted = next(iter(trained), "best-of-n") if method is None else method
    for one, adapters in trained.items():
        if one == wanted:
            return one, adapters
    if wanted == "best-of-n":
        return "best-of-n", {}
    raise InvalidSettings(
        f"the run has no adapters of {wanted!r:.40}",
        where=str(run),
        hint=f"it has those of {', '.join(trained) or 'no method: it trained nothing'}",
    )


def _adapters(run: Path, method: TunedMethod, communities: Sequence[str]) -> dict[str, Path]:
    folders = {c: run / "tune" / PolicyName(method, c).label for c in communities}
    return {c: folder for c, folder in folders.items() if (folder / _ADAPTER).is_file()}


def scales_of(run: Path) -> dict[str, RewardScale]:
    """Community -> the scale of its rewards of the start model's validation answers.

    Empty if the run has not scored its answers.
    """
    summary = read_object(run / "score" / SUMMARY) or {}
    return {
        community: RewardScale(scale["median"], scale["spread"])
        for community, scale in summary.get("scale", {}).items()
    }


def people_of(reward: str) -> Mapping[str, int]:
    """Community -> people behind a saved reward model; unknown ones are absent, as all of a URL."""
    counts = about_reward_model(reward)["people"]
    return {c: own["raters"] for c, own in counts.items() if own["raters"] is not None}
