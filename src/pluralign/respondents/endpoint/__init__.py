"""A language model behind an OpenAI-compatible server, with retries, limits and counts."""

from pluralign.respondents.endpoint.endpoint_settings import EndpointError, EndpointSettings, Usage
from pluralign.respondents.endpoint.model import EndpointChatModel

__all__ = ["EndpointChatModel", "EndpointError", "EndpointSettings", "Usage"]
