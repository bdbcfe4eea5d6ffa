"""all-MiniLM-L6-v2 on onnxruntime: faster than torch on a CPU, and without its start-up time."""

from pathlib import Path

import numpy as np
import onnxruntime

from pluralign.core import FloatArray, InvalidInput
from pluralign.encoders.cache_folders import onnx_folder
from pluralign.encoders.kept_models import is_whole, keep_model
from pluralign.encoders.minilm_graph import write_graph
from pluralign.encoders.minilm_tokens import MiniLmTokens
from pluralign.encoders.vectors import unit_rows

_FILE = "model.onnx"
_LARGEST = 1e-6
_CHECKED = [
    "A text.",
    "People should decide together how new technology is used, and by whom.",
    "¿Qué importa más: la familia o el trabajo? 家庭还是工作？",
    " ".join(["Every person counts, and no opinion is worth more than another."] * 12),
]


class MiniLmOnnx:
    """Runs all-MiniLM-L6-v2 with onnxruntime on a CPU, batch by batch, each on one thread.

    The network is written into the cache folder once for each version of onnxruntime. Its vectors
    are then compared with those of torch.

    Args:
        folder: Where the model lies; its files are the published ones.
        cache: Cache folder; None means the default one.
        longest: How many tokens of a text are read.

    Attributes:
        longest: As given.
        device_type: ``cpu``.

    Raises:
        InvalidInput: If the vectors differ from those of torch by more than 1e-6.
        MissingExtra: If the network must be written and onnx is not installed.
    """

    device_type = "cpu"

    def __init__(self, folder: Path, cache: Path | None, longest: int) -> None:
        self.longest: int | None = longest
        self._tokens = MiniLmTokens(folder, longest)
        version = onnxruntime.__version__
        kept = onnx_folder(cache, f"minilm-{version}")
        if is_whole(kept, _FILE):
            self._session = _session(kept / _FILE)
            return
        keep_model(kept, _FILE, {"onnxruntime": version}, lambda part: self._write(folder, part))
        self._session = _session(kept / _FILE)

    def tokens(self, texts: list[str]) -> tuple[dict[str, list[list[int]]], list[bool]]:
        """Features of each text, cut where it is too long, and whether it was."""
        return self._tokens.of(texts)

    def vectors(self, batch: dict[str, list[list[int]]]) -> FloatArray:
        """Vectors of a batch that `tokens` made, shape (B, D), float32."""
        return _vectors(self._session, batch["input_ids"])

    def _write(self, folder: Path, part: Path) -> None:
        """Write the network into a new folder, and compare its vectors with those of torch."""
        from pluralign.encoders.minilm_network import MiniLmNetwork

        part.mkdir()
        write_graph(folder, part / _FILE)
        assert self.longest is not None
        batch = self.tokens(_CHECKED)[0]
        wanted_N_D = unit_rows(MiniLmNetwork(folder, "cpu", self.longest).vectors(batch))
        found_N_D = unit_rows(_vectors(_session(part / _FILE), batch["input_ids"]))
        difference = float(np.abs(found_N_D - wanted_N_D).max())
        if not difference <= _LARGEST:
            raise InvalidInput(
                f"the vectors of onnxruntime {onnxruntime.__version__} differ from those of torch "
                f"on this machine by {difference:.1e}; the limit is {_LARGEST}",
                hint='use encoder = "minilm"',
            )


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # batches run side by side: the same bits on any machine
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _vectors(session: onnxruntime.InferenceSession, rows: list[list[int]]) -> FloatArray:
    token_B_T = np.zeros((len(rows), max(map(len, rows))), np.int64)
    read_B_T = np.zeros(token_B_T.shape, np.bool_)
    for i, ids in enumerate(rows):
        token_B_T[i, : len(ids)] = ids
        read_B_T[i, : len(ids)] = True
    embedding: FloatArray = session.run(None, {"token": token_B_T, "read": read_B_T})[0]
    return embedding
