"""The range of views: few answers in which every community finds its own, summed up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pluralign.aligning.drafting import Drafting
from pluralign.aligning.rewarding import rewards_for_all
from pluralign.core import Conversation, Sampling, rng_for
from pluralign.methods.policies import greedy_cover, in_top_share, names_unasked, summary_prompt

if TYPE_CHECKING:
    from pluralign.respondents.local import WrittenAnswer

CANDIDATES, VIEWS = "candidates", "views"
SUMMED_UP, LISTED = "views summed up", "views listed instead of summed up"


@dataclass(frozen=True, slots=True)
class ViewRange:
    """A range of views as one answer.

    Attributes:
        written: The answer.
        views: The answers that it presents.
        tokens: Tokens that were drawn for the candidates and the summary.
        steps: Name of a step -> its count.
    """

    written: "WrittenAnswer"
    views: Sequence[str]
    tokens: int
    steps: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ViewSettings:
    """How a range of views is made.

    Attributes:
        communities: The communities each of which is to find a view.
        candidates: Number of candidates by each community's adapter; without adapters, by the start
            model for each community.
        top: Share of the candidates that count as a community's best.
    """

    communities: Sequence[str]
    candidates: int
    top: float


def view_range(
    drafting: Drafting,
    conversation: Conversation,
    settings: ViewSettings,
    sampling: Sampling,
    stop: Sequence[str] = (),
) -> ViewRange:
    """Answer with the range of views, of which every community likes one best.

    The communities' adapters write candidates. Few of them are taken such that one of them is among
    each community's best by its reward. The start model sums them up, unless one is enough. If the
    summary is empty, does not fit the model, or names a community that the conversation does not
    name, the views are listed instead.

    Args:
        drafting: The models.
        conversation: The turns so far.
        settings: The communities, and the number of candidates.
        sampling: How words are drawn; its seed decides between equally good candidates.
        stop: Texts that end an answer.

    Raises:
        NotEnoughData: If all candidates are empty.
    """
    drawn = _candidates(drafting, conversation, settings, sampling, stop)
    reward_K_C = rewards_for_all(
        drafting.acceptance.model,
        settings.communities,
        [(conversation, one.text) for one in drawn],
        "reward.model",
    )
    top_K_C = in_top_share(reward_K_C, settings.top)
    taken = greedy_cover(top_K_C, rng_for(sampling.seed, "views", str(conversation)))
    views = [drawn[k] for k in taken]
    tokens = sum(one.tokens for one in drawn)
    steps = {CANDIDATES: len(drawn), VIEWS: len(views), SUMMED_UP: 0, LISTED: 0}
    texts = [one.text for one in views]
    if len(views) == 1:
        return ViewRange(views[0], texts, tokens, steps)
    (summary,) = drafting.start_answers([summary_prompt(conversation, texts)], sampling, stop)
    tokens += summary.tokens if summary else 0
    if summary and summary.text and not _names(summary.text, conversation, settings):
        return ViewRange(summary, texts, tokens, steps | {SUMMED_UP: 1})
    return ViewRange(_listed(views), texts, tokens, steps | {LISTED: 1})


def _candidates(
    drafting: Drafting,
    conversation: Conversation,
    settings: ViewSettings,
    sampling: Sampling,
    stop: Sequence[str],
) -> "list[WrittenAnswer]":
    from pluralign.respondents.local import AdapterMixture, write

    adapted = drafting.adapted
    own = [c for c in settings.communities if c in adapted.communities]
    names = [adapted.named(c) for c in own] or [adapted.named(None)]
    n = settings.candidates if own else settings.candidates * len(settings.communities)
    prompts = [drafting.chat.tokens(conversation)] * len(names)
    most = drafting.chat.batch_tokens
    keys = [f"{conversation} {name}" for name in names]
    written = write(
        adapted, prompts, [AdapterMixture((name,)) for name in names], sampling, n=n, stop=stop,
        batch_tokens=most, keys=keys,
    )  # fmt: skip
    return [one for of_name in written for one in of_name]


def _names(text: str, conversation: Conversation, settings: ViewSettings) -> bool:
    return names_unasked(text, conversation, settings.communities)


def _listed(views: "Sequence[WrittenAnswer]") -> "WrittenAnswer":
    from pluralign.respondents.local import WrittenAnswer

    is_cut = any(view.finish_reason == "length" for view in views)
    text = "\n\n".join(f"- {view.text}" for view in views)
    return WrittenAnswer(text, "length" if is_cut else "stop", 0)
