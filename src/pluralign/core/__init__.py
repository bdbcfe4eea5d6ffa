"""The domain: frozen types, pure functions and ports. All other packages build on it."""

from typing import Any

from pluralign.core.answer_reading import read_answer, read_published
from pluralign.core.answer_rows import answer_from_row, answer_row
from pluralign.core.arrays import BoolArray, FloatArray, IntArray
from pluralign.core.articles import with_article
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
from pluralign.core.candidates import CandidateAnswer, PolicyPrompt
from pluralign.core.cells import cell_id, cell_number, is_missing, is_missing_text, stripped, tidy
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
from pluralign.core.consent import CONSENT_COLUMNS, consent_problem, consents
from pluralign.core.digests import file_digest, names_digest, text_digest
from pluralign.core.display import html_table, shortened, text_table, with_interval
from pluralign.core.documents import Passage
from pluralign.core.earlier_names import earlier_name, moved_name
from pluralign.core.errors import (
    DamagedFile,
    InvalidInput,
    InvalidQuestion,
    InvalidSettings,
    MissingExtra,
    NotEnoughData,
    OtherWork,
    PluralignError,
    UnknownCommunity,
)
from pluralign.core.estimates import Estimate
from pluralign.core.files import clear_parts, cut_torn_line, is_part, whole_file
from pluralign.core.knowledge import AcceptedAnswer, KnowledgeQuestion, KnowledgeTest
from pluralign.core.knowledge_answers import (
    ANSWER_FORMS,
    AnswerForm,
    KnowledgeAnswer,
    knowledge_answer_from_row,
    knowledge_answer_row,
    option_labels,
)
from pluralign.core.manifest import (
    MANIFEST,
    Manifest,
    Written,
    check_written,
    describe_faults,
    folder_faults,
    is_sealed,
    is_sound,
    list_folder,
    list_written,
    sealed,
)
from pluralign.core.pairs import (
    AnyRequest,
    Message,
    PreferencePair,
    Prompt,
    RewardRequest,
    as_requests,
    prompt_text,
    requests_of,
    short_id,
)
from pluralign.core.parsing import parse_json, parse_toml, read_json, read_json_object
from pluralign.core.paths import AnyPath, as_path
from pluralign.core.ports import (
    ChatModel,
    DocumentSearch,
    Encoder,
    PairSource,
    Respondent,
    RewardModel,
    SteerableRewardModel,
    SurveySource,
)
from pluralign.core.printable import count_of, direction, isolated, listed, printable
from pluralign.core.private_choices import (
    PairKeys,
    as_reported,
    both_responses,
    corrected_credit,
    flip_probability,
    person_digest,
)
from pluralign.core.progress import Reporter, Silent
from pluralign.core.random import keyed_number, rng_for
from pluralign.core.secrets import masked, secrets_of, without_secrets
from pluralign.core.steering import (
    NO_STEER,
    REFERENCE,
    AnySteer,
    Steer,
    as_steer,
    blend_of,
    known_community,
    read_steer,
    steer_to,
)
from pluralign.core.surveys import AnswerDistribution, Survey, SurveyQuestion, pairs_from_survey
from pluralign.core.tallies import Tally
from pluralign.core.thought_marks import end_of_thought_marks
from pluralign.core.thoughts import SplitThought, begins_with_thought, split_thought

__all__ = [
    "ANSWER_FORMS",
    "CONSENT_COLUMNS",
    "MANIFEST",
    "NO_STEER",
    "REFERENCE",
    "WORLD",
    "AcceptedAnswer",
    "Answer",
    "AnswerDistribution",
    "AnswerForm",
    "AnyPath",
    "AnyRequest",
    "AnySteer",
    "Ask",
    "BoolArray",
    "CandidateAnswer",
    "ChatModel",
    "Community",
    "Conversation",
    "DamagedFile",
    "DocumentSearch",
    "Encoder",
    "Estimate",
    "FloatArray",
    "IntArray",
    "InvalidInput",
    "InvalidQuestion",
    "InvalidSettings",
    "KnowledgeAnswer",
    "KnowledgeQuestion",
    "KnowledgeTest",
    "Manifest",
    "Message",
    "MissingExtra",
    "NotEnoughData",
    "OtherWork",
    "PairKeys",
    "PairSource",
    "Passage",
    "PluralignError",
    "PolicyPrompt",
    "PreferencePair",
    "Prompt",
    "RecordedAnswer",
    "Refusal",
    "Reply",
    "Reporter",
    "Respondent",
    "RewardModel",
    "RewardRequest",
    "Sampling",
    "Silent",
    "SplitThought",
    "Steer",
    "SteerableRewardModel",
    "Survey",
    "SurveyQuestion",
    "SurveySource",
    "Tally",
    "UnknownCommunity",
    "Written",
    "answer_from_row",
    "answer_row",
    "as_path",
    "as_reported",
    "as_requests",
    "as_steer",
    "begins_with_thought",
    "blend_of",
    "both_responses",
    "cell_id",
    "cell_number",
    "check_written",
    "clear_parts",
    "community",
    "community_hint",
    "community_name",
    "consent_problem",
    "consents",
    "corrected_credit",
    "count_of",
    "cut_torn_line",
    "describe_faults",
    "direction",
    "earlier_name",
    "end_of_thought_marks",
    "file_digest",
    "flip_probability",
    "folder_faults",
    "html_table",
    "is_missing",
    "is_missing_text",
    "is_part",
    "is_sealed",
    "is_sound",
    "isolated",
    "keyed_number",
    "knowledge_answer_from_row",
    "knowledge_answer_row",
    "known_community",
    "list_folder",
    "list_written",
    "listed",
    "masked",
    "moved_name",
    "names_digest",
    "near_communities",
    "option_labels",
    "pairs_from_survey",
    "parse_json",
    "parse_toml",
    "person_digest",
    "printable",
    "prompt_text",
    "read_answer",
    "read_json",
    "read_json_object",
    "read_published",
    "read_steer",
    "record_answer",
    "reference_name",
    "render_question",
    "requests_of",
    "resolve_community",
    "rng_for",
    "sample_note",
    "sealed",
    "secrets_of",
    "short_id",
    "shortened",
    "split_thought",
    "steer_to",
    "stripped",
    "text_digest",
    "text_table",
    "tidy",
    "whole_file",
    "with_article",
    "with_interval",
    "without_secrets",
]


def __getattr__(name: str) -> Any:
    return earlier_name(__name__, name, {"told_faults": describe_faults})
