"""Encoders: texts to vectors. Importing this loads no model and no torch."""

from pluralign.encoders.cache import CachedEncoder, Progress
from pluralign.encoders.cache_folders import CacheInfo, cache_size, clear_cache
from pluralign.encoders.endpoint import EmbeddingServers, EndpointEncoder, opened_endpoint
from pluralign.encoders.forgetting import forget_texts
from pluralign.encoders.hashing import HashEncoder
from pluralign.encoders.languages import language_of, language_warning, languages_of
from pluralign.encoders.named import encoder_named
from pluralign.encoders.packaged import minilm, minilm_onnx, packaged_folder
from pluralign.encoders.recent import RecentVectors
from pluralign.encoders.sentence_encoder import SentenceEncoder
from pluralign.encoders.static import StaticEncoder
from pluralign.encoders.vectors import unit_rows
from pluralign.huggingface.model_folders import cache_folder

__all__ = [
    "CacheInfo",
    "CachedEncoder",
    "EmbeddingServers",
    "EndpointEncoder",
    "HashEncoder",
    "Progress",
    "RecentVectors",
    "SentenceEncoder",
    "StaticEncoder",
    "cache_folder",
    "cache_size",
    "clear_cache",
    "encoder_named",
    "forget_texts",
    "language_of",
    "language_warning",
    "languages_of",
    "minilm",
    "minilm_onnx",
    "opened_endpoint",
    "packaged_folder",
    "unit_rows",
]
