"""Language models on this machine: they write answers, or give the probability of each option."""

from pluralign.respondents.local.adapted import AdaptedModel
from pluralign.respondents.local.chat import LocalChatModel, load_chat_model
from pluralign.respondents.local.decoding import Mixture, mixture_log_probs
from pluralign.respondents.local.likelihood import LikelihoodRespondent
from pluralign.respondents.local.writing import Written, write, write_pieces

__all__ = [
    "AdaptedModel",
    "LikelihoodRespondent",
    "LocalChatModel",
    "Mixture",
    "Written",
    "load_chat_model",
    "mixture_log_probs",
    "write",
    "write_pieces",
]
