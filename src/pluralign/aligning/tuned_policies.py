"""The fourth stage: an adapter for each policy."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluralign.aligning.earlier_work import made_for_these_settings
from pluralign.aligning.palette_shares import write_centroids
from pluralign.aligning.scoring import ScoredCandidates, rewards_of, rows_of_side, scored_candidates
from pluralign.aligning.selecting import PolicyName, lessons_of, policy_names
from pluralign.aligning.work import AlignWork
from pluralign.core import FloatArray, Sampling
from pluralign.huggingface.watch import Watch
from pluralign.methods.culturespa import check_tunable
from pluralign.methods.policies import OnlineReward, tune_online, tune_policy

if TYPE_CHECKING:
    from pluralign.respondents.local import LocalChatModel


def tune_policies(work: AlignWork) -> dict[str, Any]:
    """Train every policy; a stopped training is resumed, a finished one is kept."""
    from pluralign.respondents.local import LocalChatModel

    trained: dict[str, Any] = {}
    check_tunable(work.settings.model.name, None)
    for name, folder in policies(work):
        chat = work.open_chat()
        assert isinstance(chat, LocalChatModel)
        work.reporter.stage(f"tuning {name.label}")
        facts = made_for_these_settings(work, partial(_tuned, work, chat, name, folder))
        kept = ("rows", "rows_too_long", "answers without words", "steps", "seconds")
        trained[name.label] = {key: facts[key] for key in kept if key in facts}
    prompts = write_centroids(work)
    return {"trained": trained} | ({"prompts of each community": prompts} if prompts else {})


def policies(work: AlignWork) -> Iterator[tuple[PolicyName, Path]]:
    """Every policy that is tuned, and the folder of its adapter."""
    for name in policy_names(work):
        yield name, work.stage_folder("tune") / name.label


def _tuned(
    work: AlignWork, chat: "LocalChatModel", name: PolicyName, folder: Path
) -> dict[str, Any]:
    """Train one policy, or read the facts of a finished training."""
    watch = Watch(work.reporter.progress, work.reporter.note)
    config, seed = work.settings.tune, work.settings.seed
    match name.method:
        case "grpo" | "rloo" as method:
            how = work.settings.sample
            sampling = Sampling(how.temperature, how.top_p, how.max_new_tokens, seed)
            scored = scored_candidates(work)
            reward = _online_reward(work, scored, name)
            rows = rows_of_side(work, scored, "train")
            prompts = [work.prompts[scored.prompt_P[row]] for row in rows]
            talks = {prompt.id: prompt.conversation for prompt in prompts}
            return tune_online(chat, talks, reward, folder, method, config, sampling, watch)
        case method:
            lessons = lessons_of(work, name)
            return tune_policy(chat, lessons, folder, method, config, seed, watch)


def _online_reward(work: AlignWork, scored: ScoredCandidates, name: PolicyName) -> OnlineReward:
    """The reward that a policy follows, on the scales of the validation prompts."""
    followed = work.communities if name.community is None else (name.community,)
    columns = [work.communities.index(community) for community in followed]
    by_id = {prompt.id: prompt.prompt for prompt in work.prompts}

    def score(prompts: Sequence[str], answers: Sequence[str]) -> FloatArray:
        pairs = [(by_id[id_], answer.strip()) for id_, answer in zip(prompts, answers, strict=True)]
        return rewards_of(work, "model", pairs)[:, columns]

    own_scales = tuple(scored.scales[community] for community in followed)
    return OnlineReward(followed, score, own_scales, work.settings.select.aggregate)
