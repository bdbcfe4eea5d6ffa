"""Open the respondent of settings: a local model, an endpoint, or a simulated respondent."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pluralign.core import (
    ChatModel,
    InvalidSettings,
    KnowledgeTest,
    Respondent,
    Sampling,
    Survey,
)
from pluralign.settings.knowledge import KnowledgeSettings
from pluralign.settings.survey import (
    AnyModelSettings,
    LocalModelSettings,
    SamplingSettings,
    SimulatedModelSettings,
)

if TYPE_CHECKING:
    from pluralign.respondents.local import LocalChatModel


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
        return _local_model(settings)
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
    opened: Respondent
    if settings.kind == "simulated":
        opened = _simulated(settings, survey, seed)
    elif settings.kind == "local" and method == "likelihood":
        from pluralign.respondents.local import LikelihoodRespondent

        opened = LikelihoodRespondent(_local_model(settings))
    else:
        opened = _writing(open_chat_model(settings, note), sampling, seed)
    return _called(opened, settings.called)


def open_knowledge_respondent(
    settings: KnowledgeSettings,
    test: KnowledgeTest,
    note: Callable[[str], None] | None = None,
) -> Respondent:
    """Open the respondent of a test of knowledge.

    Args:
        settings: Settings of the test and of its model.
        test: The people's answers, which a simulated respondent uses.
        note: As for `open_chat_model`.

    Raises:
        PluralignError: As for `open_chat_model`.
    """
    model = settings.model
    opened: Respondent
    if model.kind == "simulated":
        opened = _simulated_knowledge(model, test, settings.seed)
    elif model.kind == "local" and settings.method == "likelihood":
        from pluralign.respondents.local import OptionTextRespondent

        opened = OptionTextRespondent(_local_model(model))
    else:
        opened = _writing(open_chat_model(model, note), settings.sampling, settings.seed)
    return _called(opened, model.called)


def _local_model(settings: LocalModelSettings) -> "LocalChatModel":
    """The language model on this machine that settings name."""
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


def _writing(chat: ChatModel, sampling: SamplingSettings, seed: int) -> Respondent:
    """A language model as a respondent that writes its answers."""
    from pluralign.respondents.chat import ChatRespondent

    drawn = Sampling(sampling.temperature, sampling.top_p, sampling.max_new_tokens, seed)
    return ChatRespondent(chat, drawn)


def _called(opened: Respondent, name: str | None) -> Respondent:
    """A respondent under the name that settings give it."""
    if name is None:
        return opened
    from pluralign.respondents.called import CalledRespondent

    return CalledRespondent(opened, name)


def notes_of(respondent: Any) -> Sequence[str]:
    """Notes for the user on the loading of a respondent, such as a missing chat template."""
    respondent = getattr(respondent, "inner", respondent)
    inner = getattr(respondent, "chat", None) or getattr(respondent, "model", None) or respondent
    return tuple(getattr(inner, "notes", ()))


def _simulated_knowledge(
    settings: SimulatedModelSettings, test: KnowledgeTest, seed: int
) -> Respondent:
    from pluralign.simulation import SimulatedKnowledge

    if settings.flattening or settings.position_bias:
        raise InvalidSettings(
            "flattening and position_bias are of surveys, not of tests of knowledge",
            where="model",
            hint="leave them out",
        )
    return SimulatedKnowledge(
        test=test,
        default_culture=settings.default_culture or test.communities[0],
        knowledge=settings.knowledge,
        refusal_rate=settings.refusal_rate,
        seed=seed,
    )


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
