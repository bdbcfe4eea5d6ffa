"""Sources of pairs and of answers, behind `PairSource` and `SurveySource`, and their splits."""

from pluralign.sources.ab_tables import AbPairs
from pluralign.sources.answer_names import AnswerNames
from pluralign.sources.arena import ArenaPairs
from pluralign.sources.argilla import ArgillaPairs
from pluralign.sources.blend import BlendPairs
from pluralign.sources.collected import CollectedPairs
from pluralign.sources.community_alignment import CommunityAlignment
from pluralign.sources.conversation_texts import read_requests
from pluralign.sources.converting import Converted, convert_pairs
from pluralign.sources.coval import CoValPairs
from pluralign.sources.cultures import read_neighbours, read_similarity
from pluralign.sources.given_rows import RowPairs, pairs_from
from pluralign.sources.global_opinions import GlobalOpinions
from pluralign.sources.knowledge_blend import BlendKnowledge
from pluralign.sources.knowledge_choices import MultipleChoice
from pluralign.sources.knowledge_click import ClickKnowledge
from pluralign.sources.knowledge_indicquest import IndicQuestKnowledge
from pluralign.sources.knowledge_kobbq import KobbqKnowledge
from pluralign.sources.knowledge_reading import (
    KnowledgeSource,
    PlacedQuestion,
    read_knowledge,
)
from pluralign.sources.knowledge_written import WrittenKnowledge
from pluralign.sources.label_studio import LabelStudioPairs
from pluralign.sources.ledger import (
    Account,
    Ledger,
    default_ledger,
    read_ledger,
    withdraw_choices,
)
from pluralign.sources.non_answers import is_non_answer
from pluralign.sources.opinion_qa import OpinionQa
from pluralign.sources.pair_loading import Loaded, load_pairs
from pluralign.sources.pairs_files import JsonlPairs
from pluralign.sources.polis import PolisVotes
from pluralign.sources.potato import PotatoPairs
from pluralign.sources.prism import PrismPairs
from pluralign.sources.private import PrivatePairs, settings_of, unwrapped, write_reports
from pluralign.sources.prompt_files import read_prompts
from pluralign.sources.recorded_answers import read_answers
from pluralign.sources.report import SourceReport, report_on
from pluralign.sources.row_files import RowPolicy, read_rows
from pluralign.sources.shares import ShareTable
from pluralign.sources.splits import (
    Split,
    SplitKind,
    restrict_test,
    split_by,
    split_by_hash,
    split_by_source,
    split_prism,
)
from pluralign.sources.stems import question_stem, shared_stems
from pluralign.sources.survey_pairs import counted_pairs
from pluralign.sources.text_files import read_texts
from pluralign.sources.votes import VotePairs
from pluralign.sources.wvs import WvsMicrodata

__all__ = [
    "AbPairs",
    "Account",
    "AnswerNames",
    "ArenaPairs",
    "ArgillaPairs",
    "BlendKnowledge",
    "BlendPairs",
    "ClickKnowledge",
    "CoValPairs",
    "CollectedPairs",
    "CommunityAlignment",
    "Converted",
    "GlobalOpinions",
    "IndicQuestKnowledge",
    "JsonlPairs",
    "KnowledgeSource",
    "KobbqKnowledge",
    "LabelStudioPairs",
    "Ledger",
    "Loaded",
    "MultipleChoice",
    "OpinionQa",
    "PlacedQuestion",
    "PolisVotes",
    "PotatoPairs",
    "PrismPairs",
    "PrivatePairs",
    "RowPairs",
    "RowPolicy",
    "ShareTable",
    "SourceReport",
    "Split",
    "SplitKind",
    "VotePairs",
    "WrittenKnowledge",
    "WvsMicrodata",
    "convert_pairs",
    "counted_pairs",
    "default_ledger",
    "is_non_answer",
    "load_pairs",
    "pairs_from",
    "question_stem",
    "read_answers",
    "read_knowledge",
    "read_ledger",
    "read_neighbours",
    "read_prompts",
    "read_requests",
    "read_rows",
    "read_similarity",
    "read_texts",
    "report_on",
    "restrict_test",
    "settings_of",
    "shared_stems",
    "split_by",
    "split_by_hash",
    "split_by_source",
    "split_prism",
    "unwrapped",
    "withdraw_choices",
    "write_reports",
]
