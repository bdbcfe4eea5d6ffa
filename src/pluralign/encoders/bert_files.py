"""Which sentence encoders are an ordinary BERT, as their files say; whatever is unusual is left to its library."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pluralign.core import DamagedFile, parse_json

_TRANSFORMER = "sentence_bert_config.json"
_SPECIAL = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
_NO_OTHERS: dict[str, Any] = {"additional_special_tokens": [], "extra_special_tokens": []}
# What the files of an ordinary model say, or leave out.
_USUAL: dict[str, dict[str, Any]] = {
    "config.json": {
        "architectures": ["BertModel"],
        "hidden_act": "gelu",
        "position_embedding_type": "absolute",
        "is_decoder": False,
        "add_cross_attention": False,
        "torch_dtype": "float32",
        "dtype": "float32",
        "quantization_config": None,
    },
    "config_sentence_transformers.json": {
        "model_type": "SentenceTransformer",
        "default_prompt_name": None,
        "truncate_dim": None,
        "requirements": None,
    },
    _TRANSFORMER: {
        "do_lower_case": False,
        "transformer_task": "feature-extraction",
        "modality_config": {
            "text": {"method": "forward", "method_output_name": "last_hidden_state"}
        },
        "module_output_name": "token_embeddings",
    },
    "tokenizer_config.json": {
        **_SPECIAL,
        **_NO_OTHERS,
        "split_special_tokens": False,
        "truncation_side": "right",
        "padding_side": "right",
    },
    "special_tokens_map.json": {**_SPECIAL, **_NO_OTHERS},
}
_UNUSUAL = (
    "adapter_config.json",
    "added_tokens.json",
    "processor_config.json",
    "sentence_*_config.json",
)
_KINDS = ["Transformer", "Pooling", "Normalize"]
_NORMALIZE = {"module_input_name": "sentence_embedding", "module_output_name": "sentence_embedding"}
_SPECIAL_TOKEN = {
    "special": True,
    "single_word": False,
    "lstrip": False,
    "rstrip": False,
    "normalized": False,
}
_PIECES = {
    "type": "WordPiece",
    "unk_token": "[UNK]",
    "continuing_subword_prefix": "##",
    "max_input_chars_per_word": 100,
}
_AROUND = [
    {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
    {"Sequence": {"id": "A", "type_id": 0}},
    {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
]

Pooling = Literal["mean", "cls"]
_POOLINGS: dict[str, Pooling] = {
    "mean": "mean",
    "cls": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
}


@dataclass(frozen=True, slots=True)
class BertFiles:
    """Where an ordinary BERT sentence encoder lies, and its sizes.

    Attributes:
        folder: With model.safetensors and tokenizer.json.
        hidden: Length of a hidden state, and of a vector.
        heads: Attention heads of a layer.
        inner: Width of the feed-forward part of a layer.
        layers: How many layers.
        words: Size of the vocabulary.
        positions: How many positions have an embedding.
        types: How many token types have an embedding.
        norm_eps: What keeps layer norms from dividing by zero.
        pooling: How hidden states become a vector: by their mean, or that of the first token.
        longest: How many tokens of a text are read.
    """

    folder: Path
    hidden: int
    heads: int
    inner: int
    layers: int
    words: int
    positions: int
    types: int
    norm_eps: float
    pooling: Pooling
    longest: int

    @property
    def weights(self) -> Path:
        """The file of the weights."""
        return self.folder / "model.safetensors"

    @property
    def tokenizer(self) -> Path:
        """The file of the tokenizer."""
        return self.folder / "tokenizer.json"


def bert_files(folder: Path) -> BertFiles | None:
    """Read whether a model is an ordinary BERT sentence encoder.

    That is a BERT with absolute positions, the exact GELU and weights in float32, the tokenizer that BERT came with,
    mean or CLS pooling, and no prompt.

    Args:
        folder: The folder of a sentence-transformers model.

    Returns:
        Where it lies, and its sizes; None for any other model, also where a file is missing or has another form.

    Raises:
        DamagedFile: If the weights cannot be read.
    """
    try:
        files = _sizes(folder) if _is_usual(folder) and _is_bert_tokenizer(folder) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return files if files is not None and _is_usually_stored(files.weights) else None


def _sizes(folder: Path) -> BertFiles | None:
    """What config.json and its neighbours say; None where that is unusual."""
    config = _json(folder / "config.json")
    hidden, positions = config["hidden_size"], config["max_position_embeddings"]
    longest = _json(folder / _TRANSFORMER).get("max_seq_length")
    if longest is None:
        longest = min(
            _json(folder / "tokenizer_config.json").get("model_max_length", positions), positions
        )
    pooling = _pooling(folder, hidden)
    if pooling is None or longest > positions or hidden % config["num_attention_heads"]:
        return None
    return BertFiles(
        folder=folder,
        hidden=hidden,
        heads=config["num_attention_heads"],
        inner=config["intermediate_size"],
        layers=config["num_hidden_layers"],
        words=config["vocab_size"],
        positions=positions,
        types=config["type_vocab_size"],
        norm_eps=config["layer_norm_eps"],
        pooling=pooling,
        longest=longest,
    )


def _is_usual(folder: Path) -> bool:
    """Whether it is a BERT, and no file says anything unusual."""
    others = {path.name for pattern in _UNUSUAL for path in folder.glob(pattern)} - {_TRANSFORMER}
    return (
        _json(folder / "config.json")["model_type"] == "bert"
        and (folder / "model.safetensors").is_file()
        and not others
        and _json(folder / _TRANSFORMER).keys() <= {"max_seq_length", *_USUAL[_TRANSFORMER]}
        and all(_says(_json(folder / name), usual) for name, usual in _USUAL.items())
    )


def _says(found: dict[str, Any], usual: dict[str, Any]) -> bool:
    """Whether settings are as usual where they say anything; a token may stand there with its details.

    >>> _says({"pad_token": {"content": "[PAD]", "lstrip": False}}, {"pad_token": "[PAD]", "cls_token": "[CLS]"})
    True
    """
    return all(_plain(found.get(key) or value) == value for key, value in usual.items())


def _plain(value: Any) -> Any:
    return value["content"] if isinstance(value, dict) and "content" in value else value


def _is_bert_tokenizer(folder: Path) -> bool:
    """Whether it is BERT's, and tokenizer_config.json, from which the library builds it anew, says the same."""
    tokenizer, config = _json(folder / "tokenizer.json"), _json(folder / "tokenizer_config.json")
    normalizer = {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": config.get("tokenize_chinese_chars", True),
        "strip_accents": config.get("strip_accents"),
        "lowercase": config.get("do_lower_case", True),
    }
    added = {
        str(token["id"]): {k: v for k, v in token.items() if k != "id"}
        for token in tokenizer["added_tokens"]
    }
    sides = {
        (tokenizer[name] or {}).get("direction", "Right") for name in ("truncation", "padding")
    }
    return (
        config["tokenizer_class"] in {"BertTokenizer", "BertTokenizerFast"}
        and tokenizer["normalizer"] == normalizer
        and tokenizer["pre_tokenizer"] == {"type": "BertPreTokenizer"}
        and tokenizer["post_processor"]["single"] == _AROUND
        and _says(tokenizer["model"], _PIECES)
        and {token["content"] for token in added.values()} == set(_SPECIAL.values())
        and all(token == {**token, **_SPECIAL_TOKEN} for token in added.values())
        and config.get("added_tokens_decoder", added) == added
        and sides == {"Right"}
    )


def _pooling(folder: Path, hidden: int) -> Pooling | None:
    """How hidden states are pooled; None where the modules are not a transformer, a pooling and at most a Normalize."""
    modules = _json(folder / "modules.json")
    kinds = [module["type"].rpartition(".")[2] for module in modules]
    ours = all(
        module["type"].startswith("sentence_transformers.") and not module.get("kwargs")
        for module in modules
    )
    if not ours or kinds not in (_KINDS[:2], _KINDS) or modules[0]["path"]:
        return None
    pooling, *normalize = (_json(folder / module["path"] / "config.json") for module in modules[1:])
    flags = [key for key, value in pooling.items() if key.startswith("pooling_mode_") and value]
    (mode,) = flags if "pooling_mode" not in pooling else [pooling["pooling_mode"]]
    length = pooling.get("embedding_dimension", pooling.get("word_embedding_dimension"))
    if length != hidden or not all(_says(settings, _NORMALIZE) for settings in normalize):
        return None
    return _POOLINGS.get(mode)


def _is_usually_stored(weights: Path) -> bool:
    """Whether all fractions are float32, under the names that they have in BERT today; places may be stored too."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="numpy") as file:
            types = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise DamagedFile(
            "the weights are truncated or altered",
            where=str(weights),
            hint="fetch or install the model again",
        ) from error
    return all(
        type_ in {"F32", "I64"}
        and not name.startswith("bert.")
        and not name.endswith((".gamma", ".beta"))
        for name, type_ in types.items()
    )


def _json(path: Path) -> Any:
    """What a file holds; nothing where there is none."""
    return parse_json(path.read_bytes()) if path.is_file() else {}
