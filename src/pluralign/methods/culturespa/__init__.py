"""CultureSPA (arXiv 2410.12971): a language model learns from its own questions and answers."""

from pluralign.methods.culturespa.collecting import (
    AnswerPair,
    TuningRow,
    collect_shifted,
    pair_answers,
    shift_rates,
    take_fraction,
    tuning_rows,
)
from pluralign.methods.culturespa.config import (
    AnsweringConfig,
    CollectingConfig,
    GenerationConfig,
    TuningConfig,
)
from pluralign.methods.culturespa.culture_map import CultureMap, agreement_with_people, culture_map
from pluralign.methods.culturespa.filtering import GeneratedQuestion, filter_questions
from pluralign.methods.culturespa.generating import (
    generate_questions,
    generation_prompt,
    read_generated,
)
from pluralign.methods.culturespa.topics import topics_of
from pluralign.methods.culturespa.tuning import check_tunable, tune

__all__ = [
    "AnswerPair",
    "AnsweringConfig",
    "CollectingConfig",
    "CultureMap",
    "GeneratedQuestion",
    "GenerationConfig",
    "TuningConfig",
    "TuningRow",
    "agreement_with_people",
    "check_tunable",
    "collect_shifted",
    "culture_map",
    "filter_questions",
    "generate_questions",
    "generation_prompt",
    "pair_answers",
    "read_generated",
    "shift_rates",
    "take_fraction",
    "topics_of",
    "tune",
    "tuning_rows",
]
