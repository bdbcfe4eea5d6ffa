"""The domain: frozen types, pure functions and ports. Everything else stands on it."""

from pluralign.core.answer_rows import answer_from_row, answer_row
from pluralign.core.answers import read_answer, read_published
from pluralign.core.arrays import BoolArray, FloatArray, IntArray
from pluralign.core.asking import (
    Answer,
    Ask,
    Conversation,
    RecordedAnswer,
    Refusal,
    Reply,
    Sampling,
    record_answer,
    render_question,
)
from pluralign.core.cells import cell_id, cell_number, is_missing, is_missing_text, tidy
from pluralign.core.communities import (
    WORLD,
    Community,
    community,
    community_hint,
    community_name,
    near_communities,
    reference_name,
    resolve_community,
    sample_note,
)
from pluralign.core.consent import consent_problem, consents
from pluralign.core.errors import (
    DamagedFile,
    InvalidInput,
    InvalidSettings,
    MissingExtra,
    NotEnoughData,
    PluralignError,
    UnknownCommunity,
)
from pluralign.core.estimates import Estimate
from pluralign.core.files import whole_file
from pluralign.core.pairs import Message, PreferencePair, Prompt, RewardRequest, prompt_text, requests_of, short_id
from pluralign.core.ports import (
    ChatModel,
    Encoder,
    PairSource,
    Respondent,
    RewardModel,
    SteerableRewardModel,
    SurveySource,
)
from pluralign.core.printable import printable
from pluralign.core.random import rng_for
from pluralign.core.secrets import masked, secrets_of, without_secrets
from pluralign.core.steering import Steer, blend_of, known_community, read_steer, steer_to
from pluralign.core.surveys import AnswerDistribution, Survey, SurveyQuestion, pairs_from_survey
from pluralign.core.tallies import Tally
from pluralign.core.thoughts import SplitThought, split_thought

__all__ = [
    "WORLD",
    "Answer",
    "AnswerDistribution",
    "Ask",
    "BoolArray",
    "ChatModel",
    "Community",
    "Conversation",
    "DamagedFile",
    "Encoder",
    "Estimate",
    "FloatArray",
    "IntArray",
    "InvalidInput",
    "InvalidSettings",
    "Message",
    "MissingExtra",
    "NotEnoughData",
    "PairSource",
    "PluralignError",
    "PreferencePair",
    "Prompt",
    "RecordedAnswer",
    "Refusal",
    "Reply",
    "Respondent",
    "RewardModel",
    "RewardRequest",
    "Sampling",
    "SplitThought",
    "Steer",
    "SteerableRewardModel",
    "Survey",
    "SurveyQuestion",
    "SurveySource",
    "Tally",
    "UnknownCommunity",
    "answer_from_row",
    "answer_row",
    "blend_of",
    "cell_id",
    "cell_number",
    "community",
    "community_hint",
    "community_name",
    "consent_problem",
    "consents",
    "is_missing",
    "is_missing_text",
    "known_community",
    "masked",
    "near_communities",
    "pairs_from_survey",
    "printable",
    "prompt_text",
    "read_answer",
    "read_published",
    "read_steer",
    "record_answer",
    "reference_name",
    "render_question",
    "requests_of",
    "resolve_community",
    "rng_for",
    "sample_note",
    "secrets_of",
    "short_id",
    "split_thought",
    "steer_to",
    "tidy",
    "whole_file",
    "without_secrets",
]
