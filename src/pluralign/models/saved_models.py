"""Saved models: opened, saved, and used to score files in bounded memory."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from pluralign.core import (
    WORLD,
    AnyPath,
    FloatArray,
    InvalidInput,
    NotEnoughData,
    Reporter,
    RewardRequest,
    Silent,
    Steer,
    SteerableRewardModel,
    Tally,
    as_path,
    known_community,
    rng_for,
)
from pluralign.encoders import language_warning
from pluralign.models.trunks import Around, OpenTrunk, reopen
from pluralign.rewards import (
    LinearRewardModel,
    Scorable,
    Thoughts,
    heads_made,
    load_card,
    load_reward_model,
    save_reward_model,
    scorable,
    unanswered,
    with_prior_heads,
)
from pluralign.scaling import SpreadRewardModel
from pluralign.sources import RowPolicy, read_requests

if TYPE_CHECKING:
    from pluralign.rewards.transformer.model import TransformerRewardModel

    SavedModel = LinearRewardModel | TransformerRewardModel

ROWS_AT_ONCE = 2048
"""Rows of a file that are scored together."""
LEFT_OUT = "a thought before the answer is left out"
FADED = "steered more weakly: the prompt is unlike those that the community was asked"
NO_ANSWER = "no answer: empty, or a thought that never ends"


def open_model(
    folder: AnyPath,
    cache: AnyPath | None = None,
    around: Around | None = None,
    trust_encoder: str | None = None,
    workers: Executor | None = None,
) -> "SavedModel":
    """Load a saved model together with the trunk that its card names.

    Args:
        folder: The folder of the model.
        cache: Folder of vectors and rewards; the default one where None.
        around: Wraps the trunk's encoder, in place of the cache on disk.
        trust_encoder: An encoder that may be opened although only the card names it. It is not
            needed for packaged encoders, nor for those that settings of this account have named.
        workers: Encode the texts that are not in the cache; None: this process does.

    Returns:
        A `pluralign.rewards.LinearRewardModel`, or a `TransformerRewardModel` where communities
        are trained parts.

    Raises:
        InvalidInput: If the folder has no model, or its trunk cannot be opened.
        InvalidSettings: If the card names an encoder that nobody on this account has named.
        DamagedFile: If a file is truncated or altered.
    """
    return open_with_trunk(folder, cache, around, trust_encoder, workers)[0]


def open_spread_model(
    folder: AnyPath, workers: Executor | None, trust_encoder: str | None = None
) -> SteerableRewardModel:
    """Open a saved model whose texts are encoded, or requests scored, by workers.

    A linear model stays here, and workers encode; trained parts of a transformer score on workers.

    Args:
        folder: The folder of the model; workers must find it under the same path.
        workers: The workers; None: this process does the work.
        trust_encoder: As for `open_model`.
    """
    model = open_model(folder, trust_encoder=trust_encoder, workers=workers)
    if workers is None or isinstance(model, LinearRewardModel):
        return model
    # This account trusts the model, since it is open; accounts of workers may not know it.
    make = partial(open_model, as_path(folder).absolute(), None, None, model.backbone.source.name)
    return SpreadRewardModel(make, workers, model.communities)


def open_reward_model(
    where: str, token: str | None = None, workers: Executor | None = None
) -> SteerableRewardModel:
    """Open a saved model, or the model of a server.

    Args:
        where: Folder of a saved model, or URL of a server of ``pluralign serve``.
        token: The server's token. Default: the environment variable ``PLURALIGN_TOKEN``.
        workers: Do the work of a saved model, see `open_spread_model`; a server does its own.

    Raises:
        InvalidInput: If the folder has no model, or its trunk cannot be opened.
        RewardServerFailed: If the server cannot be reached.
    """
    if not where.startswith(("http://", "https://")):
        return open_spread_model(where, workers)
    from pluralign.rewards.remote import RemoteRewardModel

    return RemoteRewardModel.at(where, token or os.environ.get("PLURALIGN_TOKEN"))


def open_with_trunk(
    folder: AnyPath,
    cache: AnyPath | None = None,
    around: Around | None = None,
    trust_encoder: str | None = None,
    workers: Executor | None = None,
) -> tuple["SavedModel", OpenTrunk]:
    """As `open_model`, and the trunk that the model sits on."""
    folder, cache = as_path(folder), as_path(cache)
    card = load_card(folder)
    described = card["trunk"]
    assert isinstance(described, dict)
    opened = reopen(described, folder, cache, around, trust_encoder, workers)
    if "parts" not in card:
        model = load_reward_model(folder, opened.trunk)
        return model, replace(opened, trunk=model.trunk)
    from pluralign.rewards.transformer.saving import load_parts

    assert opened.backbone is not None
    return load_parts(folder, opened.backbone), opened


def save_model(model: SteerableRewardModel, folder: AnyPath) -> None:
    """Save a model of `pluralign.fit`, for `open_model`, the server and every command.

    Args:
        model: A model with linear heads.
        folder: Where to; made if absent, a model already there is replaced.

    Raises:
        InvalidInput: If the model does not know how its trunk can be opened again.
    """
    if not isinstance(model, LinearRewardModel) or not model.described:
        raise InvalidInput(
            f"this {type(model).__name__} does not know how its trunk can be opened again",
            hint="save models of pluralign.fit; others with pluralign.rewards.save_reward_model",
        )
    save_reward_model(model, as_path(folder), model.described)


def rewards_under(
    model: SteerableRewardModel, requests: Sequence[RewardRequest], steers: Mapping[str, Steer]
) -> tuple[FloatArray, FloatArray]:
    """Rewards under several steers in logits, and how strongly each steers, shapes (N, S).

    A linear model reads a request once. The strength of other models is 1.
    """
    if isinstance(model, LinearRewardModel):
        return model.rewards_and_strengths(requests, list(steers.values()))
    rewards = np.stack([model.score(requests, steer) for steer in steers.values()], axis=1)
    return rewards, np.ones_like(rewards)


def with_unseen(model: SteerableRewardModel, labels: Sequence[str]) -> SteerableRewardModel:
    """The model with a head for each label of a community that nobody trained on.

    Raises:
        UnknownCommunity: If the model has no prior for such communities.
    """
    if isinstance(model, LinearRewardModel):
        return with_prior_heads(model, labels, where="--community")
    return model


def steers_for(
    model: SteerableRewardModel, labels: Sequence[str], strength: float
) -> dict[str, Steer]:
    """A steer for each label; every community, and ``~world``, where none is named.

    Raises:
        UnknownCommunity: If the model has no such community; near ones are named.
    """
    ids = [known_community(label, model.communities, where="--community") for label in labels]
    return {id_: Steer.to(id_, strength) for id_ in ids or [*model.communities, WORLD.id]}


def score_file(
    model: SteerableRewardModel,
    path: AnyPath,
    steers: dict[str, Steer],
    tally: Tally,
    skip_bad: bool = False,
    reporter: Reporter | None = None,
    thoughts: Thoughts = "strip",
    rows_at_once: int = ROWS_AT_ONCE,
) -> Iterator[dict[str, Any]]:
    """Score the rows of a file, a batch at a time.

    Args:
        model: The model.
        path: JSON Lines, JSON, CSV or Parquet; rows have ``prompt`` and ``response``, or
            ``chosen`` and ``rejected``.
        steers: Community -> its steer.
        tally: Counts rows.
        skip_bad: Drop and count rows that cannot be read.
        reporter: Is notified of the progress, and warned of texts in a language that the encoder
            does not read.
        thoughts: Whether thoughts before an answer are left out (``strip``) or scored with it
            (``keep``).
        rows_at_once: Rows that are in memory; more of them keep more workers busy.

    Yields:
        For each row its ``id`` and ``line`` and ``rewards`` (community -> reward in logits); for a
        pair also ``margins`` (chosen minus rejected), ``rewards`` being those of the chosen
        response. ``~world`` is the reference, unless the model has such a community. A response
        without an answer (empty, or a thought that never ends) has the rewards None, and
        ``no_answer`` true. Such responses, and thoughts that are left out, are counted as flagged.
        Where heads of some communities were not trained, ``heads`` has how they were made:
        ``prior`` (from no choice of theirs) or ``adapted`` (from a few). Where steering is weaker,
        because the prompt is unlike those that a community was asked, ``strength`` has its strength
        there, in [0, 1]; such rows are counted as flagged.

    Raises:
        InvalidInput: If a row has neither a response nor a pair.
        NotEnoughData: If no row was scored; the reasons are named.
    """
    path = as_path(path)
    rows = read_requests(path, RowPolicy(tally, skip_bad))
    reporter = reporter or Silent()
    reporter.stage(f"scoring {path.name}")
    told = _how_made(model, steers)
    first = True
    while batch := list(islice(rows, rows_at_once)):
        read_N = [scorable(request, thoughts) for _, _, found in batch for request in found]
        requests = [one.request for one in read_N if one.request is not None]
        _count(read_N, tally)
        if first:
            _warn_of_languages(requests, model, reporter)
            first = False
        scored = iter(zip(*rewards_under(model, requests, steers), strict=True) if requests else ())
        answers = iter([None if one.request is None else next(scored) for one in read_N])
        for number, id_, found in batch:
            own = list(islice(answers, len(found)))
            faded = _faded(steers, own)
            if faded:
                tally.flag(FADED)
            row = _row(steers, [None if one is None else one[0] for one in own])
            yield {"line": number, "id": id_} | row | faded | told
        reporter.progress(tally.kept, 0)
    if not tally.kept:
        why = "; ".join(f"{n} x {reason}" for reason, n in tally.dropped.most_common(5))
        raise NotEnoughData("no row was scored", where=str(path), hint=why)


def _how_made(model: SteerableRewardModel, steers: Mapping[str, Steer]) -> dict[str, Any]:
    """How the heads of communities were made that were not trained, for every row."""
    made = heads_made(getattr(model, "about", {}))
    own = {id_: how for id_, how in made.items() if id_ in steers}
    return {"heads": own} if own else {}


def _faded(
    steers: Mapping[str, Steer], scored: Sequence[tuple[FloatArray, FloatArray] | None]
) -> dict[str, dict[str, float]]:
    """The strengths of steering that are below 1, by community; none without an answer.

    Args:
        steers: Community -> its steer, S of them.
        scored: Rewards and strengths of the responses of a row, shape (S,) each; they answer one
            prompt. None for a response without an answer.
    """
    if scored[0] is None or None in scored[1:]:
        return {}
    strength_S = scored[0][1].round(3)
    weaker = {id_: float(s) for id_, s in zip(steers, strength_S, strict=True) if s < 1}
    return {"strength": weaker} if weaker else {}


def _warn_of_languages(
    requests: Sequence[RewardRequest], model: SteerableRewardModel, reporter: Reporter
) -> None:
    encoder = getattr(getattr(model, "trunk", None), "encoder", None)
    if encoder is None:
        return
    responses = [request.response for request in requests]
    if warning := language_warning(responses, encoder, rng_for(0, "languages")):
        reporter.note(warning)


def _count(read_N: Sequence[Scorable], tally: Tally) -> None:
    if left_out := sum(one.thought and one.request is not None for one in read_N):
        tally.flag(LEFT_OUT, left_out)
    if missing := len(unanswered(read_N)):
        tally.flag(NO_ANSWER, missing)


def _row(steers: dict[str, Steer], rewards: Sequence[FloatArray | None]) -> dict[str, Any]:
    """Rewards of a response, or of a pair; None of one without an answer."""
    first, last = rewards[0], rewards[-1]
    row: dict[str, Any] = {"rewards": None if first is None else _named(steers, first)}
    if len(rewards) == 2:
        row["margins"] = None if first is None or last is None else _named(steers, first - last)
    return row if all(reward is not None for reward in rewards) else row | {"no_answer": True}


def _named(steers: dict[str, Steer], reward_C: Any) -> dict[str, float]:
    return {id_: round(float(r), 6) for id_, r in zip(steers, reward_C, strict=True)}
