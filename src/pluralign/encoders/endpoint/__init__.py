"""Servers of embeddings as one encoder: texts are shared among them."""

from pluralign.encoders.endpoint.encoder import EndpointEncoder, expect_kept, opened_endpoint
from pluralign.encoders.endpoint.endpoint_settings import EmbeddingServers
from pluralign.encoders.endpoint.errors import EndpointFailed, OtherModel, TextRefused
from pluralign.encoders.endpoint.probing import is_same_model

__all__ = [
    "EmbeddingServers",
    "EndpointEncoder",
    "EndpointFailed",
    "OtherModel",
    "TextRefused",
    "expect_kept",
    "is_same_model",
    "opened_endpoint",
]
