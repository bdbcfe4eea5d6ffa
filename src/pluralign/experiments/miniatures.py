"""Miniatures of models: the same architecture, a few random weights, and a suitable tokenizer."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from pluralign.core import InvalidInput, InvalidSettings, MissingExtra
from pluralign.models.trunks import model_source
from pluralign.settings.experiment import TransformerTrunkSettings

_WIDTH, _HEADS, _LAYERS = 32, 2, 2
_SIZES = {
    **dict.fromkeys(("hidden_size", "pooler_hidden_size", "embedding_size"), _WIDTH),
    **dict.fromkeys(("intermediate_size", "moe_intermediate_size", "n_inner"), 48),
    **{"num_attention_heads": _HEADS, "head_dim": _WIDTH // _HEADS, "num_hidden_layers": _LAYERS},
    **dict.fromkeys(("num_experts", "num_local_experts"), 4),
}
_DESCRIBED = files("pluralign.experiments").joinpath("rehearsal_models")
_VOCABULARY = 1200


@dataclass(frozen=True, slots=True)
class _Original:
    """The sources of a miniature.

    Attributes:
        config: The configuration of the real model.
        folder: Folder of its own tokenizer; None where a tiny one is made.
        described: As in ``rehearsal_models/``; empty where the model itself is on this machine.
        origin: Where the configuration came from.
    """

    config: Any
    folder: Path | None
    described: dict[str, Any]
    origin: str


def write_miniature(settings: TransformerTrunkSettings, texts: Sequence[str], folder: Path) -> str:
    """Write a model of a real one's architecture: random weights, a width of 32, two layers.

    The configuration comes from the model's folder, from the local copy of the hub, or from those
    of known models in this package; for another model, of a BERT or a Llama. Nothing is fetched.

    Args:
        settings: Names the model.
        texts: Texts for a tiny tokenizer, where the model's own is not on this machine.
        folder: Where to; made if absent.

    Returns:
        Where the configuration and the tokenizer came from, in words.

    Raises:
        MissingExtra: If transformers is not installed.
        InvalidInput: If the model's own folder cannot be read.
        InvalidSettings: If the model needs code of its own.
    """
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingExtra.named("train", str(error.name)) from error
    from pluralign.huggingface.quieting import quiet

    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        original = _original(settings)
        tokenizer = _tokenizer(original, texts)
        config = _shrunk(original.config, tokenizer)
        known = getattr(transformers, (config.architectures or [""])[0], None)
        try:
            model = (
                known(config) if known is not None else transformers.AutoModel.from_config(config)
            )
        except (ValueError, RuntimeError, AttributeError, TypeError) as error:
            raise InvalidInput(
                f"no miniature of this model can be built: {error}", where=str(settings.model)
            ) from error
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return original.origin + ("" if original.folder else ", with a tiny tokenizer")


def _original(settings: TransformerTrunkSettings) -> _Original:
    from pluralign.rewards.transformer.backbones import model_folder, read_config

    source = model_source(settings)
    folder = (
        model_folder(source.name)
        if Path(source.name).is_dir()
        else _on_this_machine(source.name, source.revision)
    )
    if folder is None:
        return _described(source.name, settings.text)
    config = read_config(folder, source)
    if getattr(config, "auto_map", None):
        raise InvalidSettings(
            "a model with code of its own cannot be rehearsed", where="trunk.model"
        )
    return _Original(config, folder, {}, "the configuration and tokenizer on this machine")


def _on_this_machine(name: str, revision: str | None) -> Path | None:
    """The hub's local copy of a model, if its configuration and tokenizer are in it."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, revision=revision, local_files_only=True))
    except (OSError, ValueError):
        return None
    wanted = (folder / "config.json", folder / "tokenizer_config.json")
    return folder if all(path.is_file() for path in wanted) else None


def _described(name: str, text: str) -> _Original:
    """A configuration in this package: of this model, or of one that replaces it."""
    from transformers import AutoConfig

    path = _DESCRIBED.joinpath(f"{name.replace('/', '--')}.json")
    if not path.is_file():
        path = _DESCRIBED.joinpath("decoder.json" if text in {"chat", "plain"} else "encoder.json")
    described = json.loads(path.read_text(encoding="utf-8"))
    values = dict(described["config"])
    return _Original(
        AutoConfig.for_model(values.pop("model_type"), **values),
        None,
        described,
        described["about"],
    )


def _shrunk(config: Any, tokenizer: Any) -> Any:
    """The same configuration, far smaller."""
    text = config.get_text_config()
    shared_heads = getattr(text, "num_key_value_heads", None) not in {
        None,
        text.num_attention_heads,
    }
    for name, size in _SIZES.items():
        if getattr(text, name, None) is not None:
            setattr(text, name, size)
    if getattr(text, "num_key_value_heads", None) is not None:
        text.num_key_value_heads = 1 if shared_heads else _HEADS
    if getattr(text, "layer_types", None):
        text.layer_types = list(text.layer_types)[:_LAYERS]
    text.vocab_size = len(tokenizer)
    for token in ("pad_token_id", "bos_token_id", "eos_token_id"):
        setattr(text, token, getattr(tokenizer, token))
        setattr(config, token, getattr(tokenizer, token))
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    return config


def _tokenizer(original: _Original, texts: Sequence[str]) -> Any:
    from transformers import AutoTokenizer

    if original.folder is None:
        template = original.described.get("chat_template")
        return _tiny_tokenizer(original.described["tokenizer"] == "encoder", template, texts)
    try:
        return AutoTokenizer.from_pretrained(original.folder)
    except (ValueError, OSError, KeyError) as error:
        raise InvalidInput(
            f"the model's tokenizer cannot be read: {error}", where=str(original.folder)
        ) from error


def _tiny_tokenizer(encoder: bool, chat_template: str | None, texts: Sequence[str]) -> Any:
    """A byte-level tokenizer learned from texts, with special tokens of an encoder or a decoder."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    named = (
        {
            "pad_token": "[PAD]",
            "cls_token": "[CLS]",
            "sep_token": "[SEP]",
            "unk_token": "[UNK]",
            "mask_token": "[MASK]",
        }
        if encoder
        else {
            "bos_token": "<|begin_of_text|>",
            "eos_token": "<|end_of_text|>",
            "pad_token": "<pad>",
        }
    )
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    specials = list(named.values())
    inner.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=_VOCABULARY,
            initial_alphabet=alphabet,
            special_tokens=specials,
            show_progress=False,
        ),
    )
    first, *rest = ("[CLS]", "[SEP]") if encoder else ("<|begin_of_text|>",)
    inner.post_processor = processors.TemplateProcessing(
        single=" ".join([first, "$A", *rest]),
        pair=" ".join([first, "$A", *rest, "$B:1", *(f"{token}:1" for token in rest)]),
        special_tokens=[(token, specials.index(token)) for token in (first, *rest)],
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        model_input_names=["input_ids", *(["token_type_ids"] if encoder else []), "attention_mask"],
        **named,
    )
    tokenizer.chat_template = chat_template
    return tokenizer
