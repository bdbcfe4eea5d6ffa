import pytest

pytest.importorskip("torch")

import torch

from pluralign.huggingface.devices import default_device, has_bfloat16


def test_a_process_of_a_launcher_takes_its_own_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert default_device() == "cuda:0"
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert default_device() == default_device(apple=True) == "cuda:1"


def test_the_gpu_of_an_apple_machine_counts_only_where_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert (default_device(), default_device(apple=True)) == ("cpu", "mps")


def test_a_cpu_is_given_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert [has_bfloat16(device) for device in ("cpu", "mps", "cuda:1")] == [False, False, True]
