"""Language models on this machine: they write answers, or give the probability of each option."""

from pluralign.respondents.local.chat import LocalChatModel, load_chat_model
from pluralign.respondents.local.likelihood import LikelihoodRespondent

__all__ = ["LikelihoodRespondent", "LocalChatModel", "load_chat_model"]
