"""The device of models, and its number formats."""

import os


def default_device(*, apple: bool = False) -> str:
    """The GPU if there is one, else the CPU.

    Args:
        apple: Whether the GPU of an Apple machine counts: trainings and language models run on the
            CPU there.

    Returns:
        Under a launcher of several processes, the GPU of this process: ``cuda:0``, ``cuda:1``, ...;
        else ``cuda:0``, ``mps`` or ``cpu``.
    """
    import torch

    if torch.cuda.is_available():
        return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    return "mps" if apple and torch.backends.mps.is_available() else "cpu"


def has_bfloat16(device: str) -> bool:
    """Whether a device computes fast in bfloat16, as recent GPUs do."""
    import torch

    return device.startswith("cuda") and bool(torch.cuda.is_bf16_supported())
