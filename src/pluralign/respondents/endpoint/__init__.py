"""A language model behind an OpenAI-compatible server: many requests at once, retried, limited, counted."""

from pluralign.respondents.endpoint.model import EndpointChatModel
from pluralign.respondents.endpoint.settings import EndpointError, EndpointSettings, Usage

__all__ = ["EndpointChatModel", "EndpointError", "EndpointSettings", "Usage"]
