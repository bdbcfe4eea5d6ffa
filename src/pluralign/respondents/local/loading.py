"""Load a causal language model of Hugging Face: a folder or a hub name, maybe with an adapter."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pluralign.core import InvalidInput, InvalidSettings, MissingExtra, parse_json, text_digest
from pluralign.huggingface.devices import default_device, has_bfloat16
from pluralign.huggingface.model_folders import files_digest
from pluralign.huggingface.quieting import quiet
from pluralign.huggingface.safety import refuse_code, refuse_damaged_weights, refuse_pickles
from pluralign.huggingface.trusting import remember, require_trust

_ADAPTER = "adapter_config.json"
_OWN_CODE = (
    "read that code; if you trust it, set model.trust_remote_code = true; if Transformers has the "
    "model's class, delete auto_map from its config.json instead"
)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that is ready to continue texts.

    Attributes:
        model: A causal model, in ``eval`` mode.
        tokenizer: Its tokenizer, with a pad token.
        name: Its name in results.
        fingerprint: A digest that changes whenever the model's words could change.
        notes: Notes for the user.
    """

    model: Any
    tokenizer: Any
    name: str
    fingerprint: str
    notes: tuple[str, ...]


def load(
    name: str,
    *,
    revision: str | None = None,
    adapter: Path | None = None,
    device: str | None = None,
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    attention: str | None = None,
    trust_remote_code: bool = False,
) -> LoadedModel:
    """Load a model and its tokenizer; for the folder of an adapter, load the model that it names.

    Raises:
        MissingExtra: If torch or transformers is not installed.
        InvalidInput: If there is no such model, or the hub cannot be reached, or it would run code.
        InvalidSettings: If an adapter names a model that the user has not named.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtra.named("train", error.name or "transformers") from error
    if (Path(name) / _ADAPTER).is_file():
        name, adapter = _base_of(Path(name)), Path(name)
    else:
        remember(name, trust_remote_code)
    _look_for(name, revision)
    for folder in (Path(name), adapter):
        if folder is not None and folder.is_dir():
            refuse_unsafe(folder, trust_remote_code)
    where = device or default_device()
    half = precision == "bfloat16" or (precision == "auto" and has_bfloat16(where))
    chosen: dict[str, Any] = {"dtype": torch.bfloat16 if half else torch.float32}
    if attention:
        chosen["attn_implementation"] = attention
    options = {"revision": revision, "trust_remote_code": trust_remote_code}
    model, tokenizer = _opened(name, options, chosen)
    called, prints = _identified(name, getattr(model.config, "_commit_hash", revision))
    if adapter is not None:
        model = _with_adapter(model, adapter, name)
        called, prints = f"{called}+{adapter.name}", [*prints, files_digest(adapter)]
    notes = _prepared(tokenizer, called)
    model.to(where).eval()
    prints += ["bfloat16" if half else "float32", str(attention)]
    return LoadedModel(model, tokenizer, called, text_digest(" ".join(prints)), notes)


def _identified(name: str, commit: str | None) -> tuple[str, list[str]]:
    """The name of a model in results, and the digest of its files or its name with its commit."""
    if Path(name).is_dir():
        return Path(name).name, [files_digest(Path(name))]
    return name, [f"{name}@{commit}"]


def refuse_unsafe(folder: Path, trust_remote_code: bool) -> None:
    """Refuse a folder whose files would run code, or are damaged."""
    refuse_pickles(folder)
    if not trust_remote_code:
        refuse_code(folder, _OWN_CODE)
    refuse_damaged_weights(folder)


def _opened(name: str, options: dict[str, Any], chosen: dict[str, Any]) -> tuple[Any, Any]:
    """The model and its tokenizer.

    Args:
        name: Folder or hub name.
        options: Of both: which files, and whether their code may run.
        chosen: Of the model alone: number format and attention.
    """
    try:
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as error:
        raise MissingExtra.named("train", error.name or "transformers") from error
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(name, **options)
            model = AutoModelForCausalLM.from_pretrained(
                name, use_safetensors=True, **options, **chosen
            )
    except (OSError, ValueError) as error:
        raise _not_loaded(name, error) from error
    return model, tokenizer


def _prepared(tokenizer: Any, called: str) -> tuple[str, ...]:
    """Give a tokenizer a pad token, and return notes for the user."""
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    if tokenizer.chat_template:
        return ()
    plain = "turns are written as plain text (User: ... Assistant:)"
    return (f"{called} has no chat template: {plain}",)


def _look_for(name: str, revision: str | None) -> None:
    """Check at once that the model exists, since Transformers tries the hub for a minute."""
    from huggingface_hub import HfApi, try_to_load_from_cache

    if Path(name).is_dir():
        if not (Path(name) / "config.json").is_file():
            raise _not_loaded(name, "the folder has no config.json")
        return
    try:
        if not isinstance(try_to_load_from_cache(name, "config.json", revision=revision), str):
            HfApi().model_info(name, revision=revision, timeout=20)
    except Exception as error:  # of whichever HTTP library this version of huggingface_hub uses
        raise _not_loaded(name, error) from error


def _not_loaded(name: str, why: object) -> InvalidInput:
    first = str(why).strip().partition("\n")[0] or type(why).__name__
    hint = "name a folder with config.json and safetensors, or a model on a hub that can be reached"
    return InvalidInput(f"no language model can be loaded: {first}", where=name, hint=hint)


def _base_of(folder: Path) -> str:
    try:
        base = parse_json((folder / _ADAPTER).read_bytes()).get("base_model_name_or_path")
    except (ValueError, AttributeError) as error:
        raise InvalidInput(
            f"not the settings of an adapter: {error}", where=str(folder / _ADAPTER)
        ) from error
    if not base:
        raise InvalidInput("the adapter does not name its model", where=str(folder / _ADAPTER))
    try:
        require_trust(str(base), str(folder / _ADAPTER))
    except InvalidSettings as error:
        both = f"model.name = {str(base)!r}, model.adapter = {str(folder)!r}"
        hint = f"if you trust it, name both: {both}"
        raise InvalidSettings(error.what, where=error.where, hint=hint) from None
    return str(base)


def _with_adapter(model: Any, adapter: Path, name: str) -> Any:
    if not (adapter / _ADAPTER).is_file():
        raise InvalidInput(
            "the folder has no adapter", where=str(adapter), hint=f"name a folder with {_ADAPTER}"
        )
    try:
        from peft import PeftModel
    except ImportError as error:
        raise MissingExtra.named("train", "peft") from error
    try:
        with quiet():
            return PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
    except (RuntimeError, ValueError, KeyError) as error:  # sizes or names of layers differ
        first = str(error).strip().partition("\n")[0]
        raise InvalidInput(
            f"the adapter does not fit the model {name}: {first}",
            where=str(adapter),
            hint=f"name the model that the adapter was trained on; {_ADAPTER} has its name",
        ) from error
