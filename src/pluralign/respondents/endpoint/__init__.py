"""A language model behind an OpenAI-compatible server: many requests at once, retried, limited, counted."""

from pluralign.respondents.endpoint.endpoint_settings import EndpointError, EndpointSettings, Usage
from pluralign.respondents.endpoint.model import EndpointChatModel

__all__ = ["EndpointChatModel", "EndpointError", "EndpointSettings", "Usage"]
