"""The Python examples of docs/interop.md run one after the other."""

import json
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from pluralign.core import rng_for
from pluralign.encoders import encoder_named
from pluralign.interop import write_export
from pluralign.rewards import EmbeddingTrunk, LinearRewardModel, annotate_card, save_reward_model

pytest.importorskip("trl")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "interop.md"
ROW = {
    "prompt": "What makes a good neighbour?",
    "chosen": "One who listens.",
    "rejected": "One with a car.",
}
ESTIMATE = {"value": 0.6, "low": 0.5, "high": 0.7, "n": 300, "n_raters": 20}


def saved(folder: Path, encoder: str = "hash") -> None:
    rng = rng_for(0, "heads")
    trunk = EmbeddingTrunk(encoder_named(encoder))
    deltas_C_D = rng.normal(size=(2, trunk.dimensions))
    model = LinearRewardModel(trunk, rng.normal(size=trunk.dimensions), ("GBR", "MEX"), deltas_C_D)
    save_reward_model(
        model, folder, {"kind": "embedding", "encoder": encoder, "interaction": trunk.interaction}
    )
    annotate_card(folder, {"accuracy": {"GBR": ESTIMATE, "MEX": ESTIMATE}})


@pytest.fixture
def world(
    tmp_path: Path, tiny: ModuleType, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A folder with what the examples name, and a hub that takes everything."""
    import huggingface_hub
    from transformers import LlamaForCausalLM

    monkeypatch.chdir(tmp_path)
    api = SimpleNamespace(create_repo=lambda name, **more: name, upload_folder=lambda **more: None)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda token: api)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "token")
    saved(tmp_path / "runs/mine/models/seed-0/adaptive")
    saved(tmp_path / "runs/mine/models/seed-0/lora")
    saved(tmp_path / "on-encoder", str(tiny_encoder))
    trusted = {"trust_encoder": str(tiny_encoder)}
    write_export(tmp_path / "on-encoder", tmp_path / "mine-mex", ["MEX"], **trusted)
    (tmp_path / "pairs.jsonl").write_text(json.dumps(ROW) + "\n", encoding="utf-8")
    (tmp_path / "exported/MEX").mkdir(parents=True)
    told = {"text": "chat", "max_length": 512, "overlong": "cut"}
    (tmp_path / "exported/MEX/pluralign.json").write_text(json.dumps(told), encoding="utf-8")
    LlamaForCausalLM(tiny.llama_config()).save_pretrained(tmp_path / "policy")
    tiny.tokenizer().save_pretrained(tmp_path / "policy")
    return tmp_path


@pytest.mark.slow
def test_the_examples_of_the_page_run(world: Path) -> None:
    code = "\n".join(
        re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    )
    small = (
        "max_steps=1, per_device_train_batch_size=8, max_completion_length=4, "
        "use_cpu=True, bf16=False, report_to=[], logging_steps=1"
    )
    for given, used in (
        ('"Qwen/Qwen3-0.6B"', '"policy"'),
        ("num_generations=8", f"num_generations=8, {small}"),
    ):
        assert given in code
        code = code.replace(given, used)
    found: dict[str, Any] = {}
    exec(code, found)
    assert found["found"].accuracy.n == 1
    assert any("rewards/pluralign/mean" in entry for entry in found["trainer"].state.log_history)
    assert [entry["dataset"]["task_id"] for entry in found["entries"]] == [
        "united_kingdom",
        "mexico",
    ]
    made = {path.relative_to(world).as_posix() for path in world.rglob("*") if path.is_file()}
    assert {
        "results/mine-MEX.json",
        "results/mine-MEX_outputs.jsonl",
        "exported/MEX/README.md",
    } <= made
    assert "runs/mine/models/seed-0/adaptive/.eval_results/mine.yaml" in made
