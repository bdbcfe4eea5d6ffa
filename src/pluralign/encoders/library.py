"""Models that sentence-transformers itself runs."""

from pathlib import Path
from typing import TYPE_CHECKING

from pluralign.core import DamagedFile, FloatArray, InvalidInput, count_of
from pluralign.huggingface.quieting import quiet

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


# Errors of the library, and of the libraries it uses, for files of a wrong form.
_FAULTS = (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ImportError)


class LibraryModel:
    """Runs a model of sentence-transformers under a fast tokenizer, batch by batch.

    Args:
        model: The model; it puts no prompt before the texts (see `is_plain`).
    """

    def __init__(self, model: "SentenceTransformer") -> None:
        self._model = model.eval()

    @property
    def longest(self) -> int | None:
        """How many tokens of a text are read; None where there is no limit."""
        longest: int | None = self._model.max_seq_length
        return longest

    @property
    def device_type(self) -> str:
        """Kind of the device that it runs on, such as ``cpu``."""
        kind: str = self._model.device.type
        return kind

    def tokens(self, texts: list[str]) -> tuple[dict[str, list[list[int]]], list[bool]]:
        """Features of each text, cut where it is too long, and whether it was."""
        encoded = self._model.tokenizer(
            texts, truncation=self.longest is not None, max_length=self.longest
        )
        return dict(encoded), [bool(encoding.overflowing) for encoding in encoded.encodings]

    def vectors(self, batch: dict[str, list[list[int]]]) -> FloatArray:
        """Vectors of a batch that `tokens` made, shape (B, D), float32."""
        import torch

        padded = self._model.tokenizer.pad(batch, return_tensors="pt").to(self._model.device)
        with torch.inference_mode():
            embedding: FloatArray = (
                self._model(dict(padded))["sentence_embedding"].float().cpu().numpy()
            )
        return embedding


def load_model(folder: Path, device: str | None) -> "SentenceTransformer":
    """Load a model from safetensors, without code from elsewhere.

    Args:
        folder: Where it lies.
        device: ``"cpu"``, ``"cuda"``, ...; None leaves the choice to the library.

    Returns:
        The model.

    Raises:
        InvalidInput: If sentence-transformers cannot load it.
        DamagedFile: If its weights lack a tensor.
    """
    from sentence_transformers import SentenceTransformer

    try:
        with quiet():
            model = SentenceTransformer(
                str(folder),
                device=device,
                trust_remote_code=False,
                local_files_only=True,
                model_kwargs={"use_safetensors": True},
            )
            missing = _missing_tensors(model, folder)
    except _FAULTS as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InvalidInput(
            f"sentence-transformers cannot load this model: {why}",
            where=str(folder),
            hint="fetch or install the model again, or name another one",
        ) from error
    if missing:
        raise DamagedFile(
            f"the weights lack {count_of(len(missing), 'tensor')}, such as {missing[0]}",
            where=str(folder),
            hint="fetch or install the model again",
        )
    return model


def _missing_tensors(model: "SentenceTransformer", folder: Path) -> list[str]:
    """Names of tensors that the weights lack; transformers would draw them at random.

    The model is loaded once more without its weights, since only then does transformers list them.
    """
    network = getattr(model[0], "auto_model", None)
    if network is None or not (folder / "config.json").is_file():
        return []
    _, report = type(network).from_pretrained(
        folder,
        device_map="meta",
        output_loading_info=True,
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
    )
    # Sentence vectors are made from the last hidden states; many models come without a pooler.
    return sorted(name for name in report["missing_keys"] if not name.startswith("pooler."))


def is_plain(model: "SentenceTransformer") -> bool:
    """Whether it is a transformer under a fast tokenizer, without a prompt or shortened vectors."""
    fast = bool(getattr(model.tokenizer, "is_fast", False))
    return fast and model.default_prompt_name is None and model.truncate_dim is None
