"""Load any Hugging Face model as a reward model: one scalar head, a pad token, nothing guessed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pluralign.core import InvalidInput, MissingExtra, read_json_object
from pluralign.huggingface.devices import default_device, has_bfloat16
from pluralign.huggingface.model_folders import READ, files_digest
from pluralign.huggingface.quieting import quiet
from pluralign.huggingface.safety import refuse_code, refuse_damaged_weights, refuse_pickles
from pluralign.rewards.transformer.heads import chosen_label, keep_label, scalar_head, zero

Precision = Literal["auto", "float32", "bfloat16"]
_SEQUENCE = ("ForSequenceClassification", "RewardModel")


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Which model, and how it is loaded.

    Attributes:
        name: A folder, or ``owner/name`` on the Hugging Face hub.
        revision: Branch, tag or commit on the hub.
        label: Which of several outputs is the reward, by name or number; None where there is one.
        precision: Number format of the weights: ``auto`` is bfloat16 on a GPU that has it, else
            float32.
        attention: Attention implementation (``sdpa``, ``flash_attention_2``, ...); None leaves it
            to Transformers. With flash attention, padding is left out of the attention.
        device: ``cpu``, ``cuda``, ...; None takes a GPU where there is one.
        trust_remote_code: Whether code that comes with the model may run.
        random_weights: Build the model from its configuration with random weights: for checking a
            recipe.
    """

    name: str
    revision: str | None = None
    label: str | None = None
    precision: Precision = "auto"
    attention: str | None = None
    device: str | None = None
    trust_remote_code: bool = False
    random_weights: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """A model with one scalar head, and its tokenizer.

    Attributes:
        model: A sequence-classification model with one output, in ``eval`` mode.
        tokenizer: Its tokenizer, with a pad token.
        source: Where it came from.
        fingerprint: Changes whenever any score would change.
        has_head: Whether its head was trained; else it is new and zero.
        notes: Notes for the reader, such as a pad token that was set.
    """

    model: Any
    tokenizer: Any
    source: ModelSource
    fingerprint: str
    has_head: bool
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Backbone({self.source.name}: {type(self.model).__name__})"


def load_backbone(source: ModelSource) -> Backbone:
    """Load a model and its tokenizer.

    A sequence-classification model keeps its head; any other (a causal model, an encoder) gets a
    new one, which is zero until it is trained.

    Raises:
        MissingExtra: If transformers is not installed.
        InvalidInput: If there is no such model, or the hub cannot be reached; the missing files are
            named.
        InvalidSettings: If it has several outputs and none is chosen, or needs code of its own.
        DamagedFile: If its weights are truncated.
    """
    _need_transformers()
    folder = model_folder(source.name, source.revision)
    refuse_pickles(folder)
    config = read_config(folder, source)
    refuse_damaged_weights(folder)
    trained = has_reward_head(folder)
    row = chosen_label(config, source.label, str(folder)) if trained else None
    with quiet():
        model = _built(folder, config, source, None if row is None else config.num_labels)
        tokenizer = _tokenizer(folder, source)
    if row is not None:
        keep_label(model, row)
    if not trained:
        zero(scalar_head(model)[2])
    notes = _set_pad_token(model, tokenizer)
    model.config.problem_type = "regression"
    model.config.name_or_path = source.name  # a folder of the hub's cache means nothing elsewhere
    head = "scalar" if row is None else str(row)
    number_format = str(model.dtype).replace("torch.", "")
    digest = f"{files_digest(folder)[:24]}-{head}-{number_format}"
    kind = "random" if source.random_weights else "model"
    return Backbone(
        model=model.eval(),
        tokenizer=tokenizer,
        source=source,
        fingerprint=f"{kind}-{digest}",
        has_head=trained,
        notes=notes,
    )


def model_folder(name: str, revision: str | None = None) -> Path:
    """The folder of a model: as given, or the hub's copy, fetched where it is not there yet.

    Raises:
        InvalidInput: If it is neither, or the hub cannot be reached.
    """
    folder = Path(name)
    if (folder / "config.json").is_file():
        return folder
    if (folder / "adapter_config.json").is_file():
        base = read_json_object(folder / "adapter_config.json").get("base_model_name_or_path")
        raise InvalidInput(
            "this is an adapter, not a model", where=name, hint=f"name its model, {base}"
        )
    if folder.is_dir():
        missing = [
            f
            for f in ("config.json", "tokenizer.json", "model.safetensors")
            if not (folder / f).is_file()
        ]
        raise InvalidInput(f"no model in this folder: {', '.join(missing)} missing", where=name)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(READ)))
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"cannot get the model {name!r}: config.json, tokenizer.json and the weights are not "
            "in the local cache, "
            f"and the hub did not give them ({str(error).splitlines()[0]})",
            hint="check the name and the connection, or give a folder with these files",
        ) from error


def read_config(folder: Path, source: ModelSource) -> Any:
    """The configuration of a model.

    Raises:
        InvalidSettings: If the model needs code of its own and that is not allowed.
        InvalidInput: If Transformers does not know the kind of model.
    """
    from transformers import AutoConfig

    if not source.trust_remote_code:
        refuse_code(folder, "read that code; if you trust it, set trunk.trust_remote_code = true")
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=source.trust_remote_code)
    except (ValueError, KeyError, OSError) as error:
        raise InvalidInput(
            f"Transformers cannot read this model: {error}", where=str(folder)
        ) from error


def has_reward_head(folder: Path) -> bool:
    """Whether a model in a folder was saved with a classification head."""
    names = read_json_object(folder / "config.json").get("architectures") or []
    return any(name.endswith(_SEQUENCE) for name in names)


def device_of(source: ModelSource) -> str:
    """Where the model runs; under a launcher of several processes, this process's own GPU."""
    return source.device or default_device()


def dtype_of(source: ModelSource) -> Any:
    """Number format of the weights."""
    import torch

    wide = source.precision == "float32"
    if source.precision == "auto":
        wide = not has_bfloat16(device_of(source))
    return torch.float32 if wide else torch.bfloat16


def _need_transformers() -> None:
    from importlib.util import find_spec

    for module in ("torch", "transformers"):
        if find_spec(module) is None:
            raise MissingExtra.named("train", module)


def _built(folder: Path, config: Any, source: ModelSource, labels: int | None) -> Any:
    import torch
    from transformers import AutoModelForSequenceClassification

    config.num_labels = labels or 1
    more: dict[str, Any] = {"trust_remote_code": source.trust_remote_code}
    if not source.random_weights:
        more["use_safetensors"] = True
    if source.attention is not None:
        more["attn_implementation"] = source.attention
    try:
        with torch.random.fork_rng(
            devices=[]
        ):  # layers that the checkpoint lacks are drawn alike every time
            torch.manual_seed(0)
            if source.random_weights:
                model = AutoModelForSequenceClassification.from_config(
                    config, dtype=dtype_of(source), **more
                )
            else:
                model = AutoModelForSequenceClassification.from_pretrained(
                    folder, config=config, dtype=dtype_of(source), **more
                )
    except (ValueError, OSError, ImportError) as error:
        raise InvalidInput(
            f"Transformers cannot load this model: {error}", where=source.name
        ) from error
    return model.to(device_of(source))


def _tokenizer(folder: Path, source: ModelSource) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=source.trust_remote_code)
    except (ValueError, OSError, KeyError) as error:
        raise InvalidInput(
            f"the model's tokenizer cannot be read: {error}", where=str(folder)
        ) from error


def _set_pad_token(model: Any, tokenizer: Any) -> tuple[str, ...]:
    """Make tokenizer and model agree on a pad token; a note where one had to be set."""
    said: tuple[str, ...] = ()
    if tokenizer.pad_token is None:
        token = tokenizer.eos_token or tokenizer.unk_token
        if token is None:
            raise InvalidInput(
                "the tokenizer has no pad, end or unknown token", hint="add a pad token to it"
            )
        tokenizer.pad_token = token
        said = (f"the tokenizer has no pad token: {token!r} is used, and saved with the model",)
    model.config.get_text_config().pad_token_id = tokenizer.pad_token_id
    model.config.pad_token_id = tokenizer.pad_token_id
    tokenizer.padding_side = "right"
    return said
