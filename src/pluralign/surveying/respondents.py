"""Open the respondent of settings: a local model, an endpoint, or a simulated respondent."""

from collections.abc import Callable, Sequence
from typing import Any

from pluralign.core import ChatModel, InvalidSettings, Respondent, Sampling, Survey
from pluralign.settings.survey import AnyModelSettings, SamplingSettings, SimulatedModelSettings


def open_chat_model(
    settings: AnyModelSettings, note: Callable[[str], None] | None = None
) -> ChatModel:
    """Open the language model that settings name.

    Args:
        settings: Settings of the model.
        note: Called with a note on each sampling field that a server refuses.

    Raises:
        InvalidSettings: If it is simulated: a simulated respondent does not write texts.
        MissingExtra: If an extra that it needs is not installed.
        InvalidInput: If there is no such model.
    """
    if settings.kind == "local":
        from pluralign.respondents.local import load_chat_model

        return load_chat_model(
            settings.name,
            revision=settings.revision,
            adapter=settings.adapter,
            device=settings.device,
            precision=settings.precision,
            attention=settings.attention,
            batch_tokens=settings.batch_tokens,
            trust_remote_code=settings.trust_remote_code,
        )
    if settings.kind == "endpoint":
        from pluralign.respondents.endpoint import EndpointChatModel, EndpointSettings

        names = set(EndpointSettings.__dataclass_fields__) - {"model"}
        taken = {name: getattr(settings, name) for name in names}
        return EndpointChatModel(EndpointSettings(model=settings.name, **taken), note)
    raise InvalidSettings(
        "a simulated respondent does not write texts",
        where="model.kind",
        hint='use kind = "local" or "endpoint"',
    )


def open_respondent(
    settings: AnyModelSettings,
    method: str,
    sampling: SamplingSettings,
    seed: int,
    survey: Survey,
    note: Callable[[str], None] | None = None,
) -> Respondent:
    """Open the respondent of a survey.

    Args:
        settings: Settings of the model.
        method: ``generate`` or ``likelihood``.
        sampling: Sampling of the words with ``generate``.
        seed: Seed of the draws.
        survey: The people's answers, which a simulated respondent uses.
        note: As for `open_chat_model`.

    Raises:
        PluralignError: As for `open_chat_model`.
    """
    if settings.kind == "simulated":
        opened = _simulated(settings, survey, seed)
    else:
        drawn = Sampling(sampling.temperature, sampling.top_p, sampling.max_new_tokens, seed)
        opened = _respondent_of(open_chat_model(settings, note), method, drawn)
    if settings.called is None:
        return opened
    from pluralign.respondents.called import CalledRespondent

    return CalledRespondent(opened, settings.called)


def _respondent_of(chat: Any, method: str, sampling: Sampling) -> Respondent:
    """A language model as a respondent that writes, or gives the probability of each option."""
    if method == "likelihood":
        from pluralign.respondents.local import LikelihoodRespondent

        return LikelihoodRespondent(chat)
    from pluralign.respondents.chat import ChatRespondent

    return ChatRespondent(chat, sampling)


def notes_of(respondent: Any) -> Sequence[str]:
    """Notes for the user on the loading of a respondent, such as a missing chat template."""
    respondent = getattr(respondent, "inner", respondent)
    inner = getattr(respondent, "chat", None) or getattr(respondent, "model", None) or respondent
    return tuple(getattr(inner, "notes", ()))


def _simulated(settings: SimulatedModelSettings, survey: Survey, seed: int) -> Respondent:
    from pluralign.simulation import SimulatedRespondent

    return SimulatedRespondent(
        truth=survey,
        default_culture=settings.default_culture or survey.communities[0],
        knowledge=settings.knowledge,
        flattening=settings.flattening,
        position_bias=settings.position_bias,
        refusal_rate=settings.refusal_rate,
        seed=seed,
    )
