"""From settings to what answers: a model on this machine, an endpoint, or a simulated respondent."""

from collections.abc import Callable, Sequence
from typing import Any

from pluralign.core import ChatModel, InvalidSettings, Respondent, Sampling, Survey
from pluralign.settings.survey import AnyModelSettings, SamplingSettings, SimulatedModelSettings


def open_chat_model(
    settings: AnyModelSettings, note: Callable[[str], None] | None = None
) -> ChatModel:
    """The language model that settings name.

    Args:
        settings: Which model.
        note: Hears of each sampling field that a server refuses, while it is asked.

    Raises:
        InvalidSettings: If it is simulated: a simulated respondent answers questions, and does not
            write.
        MissingExtra: If what it needs is not installed.
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

        taken = {
            name: getattr(settings, name)
            for name in EndpointSettings.__dataclass_fields__
            if name != "model"
        }
        return EndpointChatModel(EndpointSettings(model=settings.name, **taken), note)
    raise InvalidSettings(
        "a simulated respondent does not write",
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
    """What answers the survey.

    Args:
        settings: Which model.
        method: ``generate`` or ``likelihood``.
        sampling: How it draws its words, when it writes.
        seed: Seed of what is drawn.
        survey: The people's answers, which a simulated respondent knows more or less.
        note: As for `open_chat_model`.

    Raises:
        PluralignError: As `open_chat_model`.
    """
    if settings.kind == "simulated":
        opened = _simulated(settings, survey, seed)
    else:
        drawn = Sampling(sampling.temperature, sampling.top_p, sampling.max_new_tokens, seed)
        opened = _asked(open_chat_model(settings, note), method, drawn)
    if settings.called is None:
        return opened
    from pluralign.respondents.called import CalledRespondent

    return CalledRespondent(opened, settings.called)


def _asked(chat: Any, method: str, sampling: Sampling) -> Respondent:
    """A language model as a respondent: it writes, or tells how likely each option is."""
    if method == "likelihood":
        from pluralign.respondents.local import LikelihoodRespondent

        return LikelihoodRespondent(chat)
    from pluralign.respondents.chat import ChatRespondent

    return ChatRespondent(chat, sampling)


def notes_of(respondent: Any) -> Sequence[str]:
    """What the reader should know of how a respondent was loaded, such as that it has no chat template."""
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
