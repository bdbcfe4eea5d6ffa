"""Language models on this machine: they write answers, or give the probability of each option."""

from pluralign.respondents.local.adapted import AdaptedModel, AdapterMixture
from pluralign.respondents.local.chat import LocalChatModel, load_chat_model
from pluralign.respondents.local.decoding import mixture_log_probs
from pluralign.respondents.local.likelihood import LikelihoodRespondent
from pluralign.respondents.local.option_likelihood import OptionTextRespondent
from pluralign.respondents.local.writing import WrittenAnswer, write, write_pieces

__all__ = [
    "AdaptedModel",
    "AdapterMixture",
    "LikelihoodRespondent",
    "LocalChatModel",
    "OptionTextRespondent",
    "WrittenAnswer",
    "load_chat_model",
    "mixture_log_probs",
    "write",
    "write_pieces",
]
