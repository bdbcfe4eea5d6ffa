"""Heads of communities that nobody trained on: from few choices, or from none, under a prior."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pluralign.core import (
    WORLD,
    Community,
    InvalidInput,
    PreferencePair,
    UnknownCommunity,
    community,
    community_hint,
    near_communities,
    prompt_text,
    resolve_community,
)
from pluralign.rewards.fading import Fading
from pluralign.rewards.features import DenseFeatures
from pluralign.rewards.trunk import EncodedPairs, Trunk

if TYPE_CHECKING:
    from pluralign.rewards.linear import LinearRewardModel

Made = Literal["prior", "adapted"]
"""How a head was made that was not trained: from no choice, or from a few."""
_NO_PRIOR = (
    "it was saved without a prior for communities that nobody trained on; fit it again, by a "
    "method other than person-means"
)


def with_adapted_head(
    model: "LinearRewardModel",
    choices: Sequence[PreferencePair],
    label: str,
    overwrite: bool,
) -> "LinearRewardModel":
    """The model with a head for one more community; see `LinearRewardModel.adapt`."""
    id_ = adaptable_id(model.communities, label)
    if model.prior is None:
        raise InvalidInput("the model cannot be adapted", hint=_NO_PRIOR)
    if id_ in model.communities and id_ not in heads_made(model.about) and not overwrite:
        raise InvalidInput(
            f"the model has a head that was trained for {id_}",
            hint="name another community, or set overwrite to replace that head",
        )
    _check_choices(choices, id_)
    encoded = encode_choices(model.trunk, choices)
    delta = dict(zip(model.communities, model.delta_C_D, strict=True))
    delta[id_] = model.prior.head(encoded) - model.reference_D
    about = _facts(model.about, id_, choices)
    delta_C_D, fading = np.stack(list(delta.values())), fading_knowing(model.fading, encoded, id_)
    return replace(model, communities=tuple(delta), delta_C_D=delta_C_D, about=about, fading=fading)


def fading_knowing(fading: Fading | None, choices: EncodedPairs, id_: str) -> Fading | None:
    """Where steering fades, now that a community was asked the prompts of its choices alone."""
    if fading is None:
        return None
    prompts = choices.features.prompts() if len(choices) else None
    if prompts is not None:
        return fading.knowing(id_, prompts[0])
    others = {other: asked for other, asked in fading.asked.items() if other != id_}
    return replace(fading, asked=others)


def adaptable_id(communities: Sequence[str], label: str) -> str:
    """The id of a community that a head can be made for.

    Args:
        communities: Ids that the model can be steered to.
        label: An id or a name.

    Raises:
        UnknownCommunity: If it names none, or the world.
    """
    found = resolve_community(label)
    id_ = label if label in communities else None if found is None else found.id
    if id_ is None or id_ == WORLD.id:
        raise UnknownCommunity(
            f"{label!r:.200} is not a community that a head can be made for",
            hint=community_hint(label, list(communities))
            or "write an ISO code (KEN), a name (Kenya), KEN/nairobi, or ~name (~yoruba)",
        )
    return id_


def encode_choices(trunk: Trunk, choices: Sequence[PreferencePair]) -> EncodedPairs:
    """Choices with their features, in an order that does not depend on the given one."""
    if not choices:
        return EncodedPairs((), DenseFeatures(np.zeros((0, trunk.dimensions), np.float32)))
    return trunk.encode_pairs(sorted(choices, key=_content))


def heads_made(about: Mapping[str, Any]) -> dict[str, Made]:
    """Community -> how its head was made, of the communities whose heads were not trained.

    >>> heads_made({"adapted": {"KEN": {"choices": 5, "people": 2}}})
    {'KEN': 'adapted'}
    """
    adapted: Mapping[str, Mapping[str, Any]] = about.get("adapted") or {}
    return {id_: "adapted" if facts["choices"] else "prior" for id_, facts in adapted.items()}


def with_prior_heads(
    model: "LinearRewardModel", labels: Sequence[str], where: str | None = None
) -> "LinearRewardModel":
    """The model with the head of the prior for each label that the prior may answer for.

    Raises:
        UnknownCommunity: If the model has no prior.
    """
    for label in labels:
        id_ = unseen_id(label, model.communities, model.about)
        if id_ is not None and model.prior is None:
            raise lacks_prior(label, model.communities, where)
        if id_ is not None:
            model = model.adapt((), id_)
    return model


def lacks_prior(
    label: str, communities: Sequence[str], where: str | None = None
) -> UnknownCommunity:
    """The error for a community that nobody trained on, where the model has no prior."""
    return UnknownCommunity(
        f"this model is not steered to {label!r:.200}",
        where=where,
        hint=f"it knows {', '.join(dict.fromkeys([*communities, WORLD.id]))}; {_NO_PRIOR}",
    )


def unseen_id(label: str, communities: Sequence[str], about: Mapping[str, Any]) -> str | None:
    """The community that a label names, if nobody trained on it and a prior may answer for it.

    A label that may be meant for a community of the model (a spelling error, a part of it) is not
    answered by a prior, nor is a community that the reference was fitted on.

    Args:
        label: An id or a name.
        communities: Ids that the model can be steered to.
        about: The model's card, or its facts.

    >>> seen = ["MEX", "~hill"]
    >>> [unseen_id(label, seen, {}) for label in ("Kenya", "Mexcio", "MEX/oaxaca", "~hil")]
    ['KEN', None, None, None]
    """
    found = resolve_community(label)
    if found is None or label in communities:
        return None
    known = {*communities, *(about.get("reference_fitted_on") or ()), WORLD.id}
    if found.id in known or near_communities(label, list(communities)):
        return None
    return None if _parents(found).intersection(communities) else found.id


def _parents(of: Community) -> set[str]:
    """Ids of the communities that one is part of."""
    found: set[str] = set()
    while of.parent is not None:
        found.add(of.parent)
        of = community(of.parent)
    return found


def _check_choices(choices: Sequence[PreferencePair], id_: str) -> None:
    others = {pair.community for pair in choices} - {id_}
    if others:
        raise InvalidInput(
            f"some of the choices are of {', '.join(sorted(others)[:5])}, not of {id_}",
            hint="give the choices of the community alone",
        )


def _content(pair: PreferencePair) -> tuple[object, ...]:
    """All of a choice that its head depends on."""
    texts = (prompt_text(pair.prompt), pair.chosen, pair.rejected)
    return (*texts, pair.rater or "", pair.weight, pair.flip)


def _facts(
    about: Mapping[str, Any], id_: str, choices: Sequence[PreferencePair]
) -> dict[str, object]:
    """Facts about a model with those about an adapted head in place of any older ones."""
    facts, own = dict(about), {"choices": len(choices), "people": people_of(choices)}
    facts["adapted"] = {**(about.get("adapted") or {}), id_: own}
    # The accuracy of a head that is replaced.
    if id_ in (about.get("accuracy") or {}):
        facts["accuracy"] = {c: row for c, row in about["accuracy"].items() if c != id_}
    return facts


def people_of(choices: Sequence[PreferencePair]) -> int | None:
    """Number of people behind choices; None where one has no rater."""
    raters = {pair.rater for pair in choices}
    return None if None in raters else len(raters)
