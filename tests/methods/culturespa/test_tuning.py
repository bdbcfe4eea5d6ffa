import json
from pathlib import Path
from typing import Any

import pytest
from tests.respondents.conftest import build_chat_model

from pluralign.core import InvalidInput, Message, NotEnoughData, Sampling
from pluralign.methods.adapter_training import labelled
from pluralign.methods.culturespa import TuningConfig, TuningRow, check_tunable, tune
from pluralign.methods.culturespa import tuning as module

torch = pytest.importorskip("torch")
pytest.importorskip("trl")
from pluralign.respondents.local import LocalChatModel, load_chat_model  # noqa: E402

FAST = TuningConfig(learning_rate=5e-3, epochs=6, batch=4, accumulation=1, rank=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_chat_model(tmp_path_factory.mktemp("tuning") / "tiny")


@pytest.fixture
def chat(folder: Path) -> LocalChatModel:
    return load_chat_model(str(folder), device="cpu")


def row(culture: str, answer: str, question: str = "Is it good?") -> TuningRow:
    words = (
        Message("system", f"You are from {culture}."),
        Message("user", f"{question}\n1. Yes\n2. No"),
    )
    return TuningRow(words, answer, culture, question)


ROWS = [
    row(culture, answer, f"Is {k} good?")
    for k in range(8)
    for culture, answer in (("Hill", "2"), ("River", "1"))
]


def test_only_the_answer_and_what_ends_the_turn_are_learned(chat: LocalChatModel) -> None:
    learned, long = module._tokens(chat, ROWS[:1])
    row = labelled(*learned[0])
    ids, labels = row["input_ids"], row["labels"]
    prompt = chat.tokens(ROWS[0].conversation)
    assert ids[: len(prompt)] == prompt
    assert labels[: len(prompt)] == [-100] * len(prompt)
    assert chat.loaded.tokenizer.decode(labels[len(prompt) :]) == "2</s>"
    assert long == 0


def test_a_model_without_a_template_learns_the_plain_form(tmp_path: Path) -> None:
    plain = load_chat_model(str(build_chat_model(tmp_path / "plain", template=None)), device="cpu")
    learned, _ = module._tokens(plain, ROWS[:1])
    assert plain.loaded.tokenizer.decode(labelled(*learned[0])["input_ids"]).endswith(
        "Assistant: 2</s>"
    )


@pytest.mark.slow
def test_a_model_learns_its_rows_and_the_start_stays_as_it_was(
    chat: LocalChatModel, folder: Path, tmp_path: Path
) -> None:
    before = {name: value.clone() for name, value in chat.loaded.model.state_dict().items()}
    told = tune(
        chat, ROWS, tmp_path / "joint", FAST.model_copy(update={"epochs": 30}), "joint", seed=1
    )
    after = chat.loaded.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert (told["rows"], told["rows_by_community"]) == (16, {"Hill": 8, "River": 8})
    tuned = load_chat_model(str(folder), adapter=tmp_path / "joint", device="cpu")
    replies = tuned.complete([r.conversation for r in ROWS], Sampling(max_new_tokens=3))
    assert [r.text for r in replies] == [r.answer for r in ROWS]
    assert {p.name for p in (tmp_path / "joint").iterdir()} >= {
        "adapter_model.safetensors",
        "metrics.jsonl",
        "training.json",
    }


@pytest.mark.slow
def test_a_training_that_was_killed_goes_on_and_ends_as_if_it_had_not(
    chat: LocalChatModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tune(chat, ROWS, tmp_path / "whole", FAST, "joint")
    real = module.supervised_trainer

    def dying(*given: Any) -> Any:
        from transformers import TrainerCallback

        class Dies(TrainerCallback):  # type: ignore[misc]
            def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
                if state.global_step == 15:
                    raise KeyboardInterrupt

        trainer = real(*given)
        trainer.add_callback(Dies())
        return trainer

    monkeypatch.setattr(module, "supervised_trainer", dying)
    with pytest.raises(KeyboardInterrupt):
        tune(chat, ROWS, tmp_path / "part", FAST, "joint")
    assert not (tmp_path / "part").exists()
    monkeypatch.setattr(module, "supervised_trainer", real)
    part = tune(chat, ROWS, tmp_path / "part", FAST, "joint")
    assert part["steps"] == whole["steps"]
    assert (tmp_path / "part/adapter_model.safetensors").read_bytes() == (
        tmp_path / "whole/adapter_model.safetensors"
    ).read_bytes()
    steps = [
        json.loads(line)["step"]
        for line in (tmp_path / "part/metrics.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert steps == sorted(set(steps))


@pytest.mark.slow
def test_a_finished_training_is_kept_and_never_mistaken_for_another(
    chat: LocalChatModel, tmp_path: Path
) -> None:
    done = tune(chat, ROWS, tmp_path / "joint", FAST, "joint")
    assert tune(chat, ROWS, tmp_path / "joint", FAST, "joint") == done
    with pytest.raises(InvalidInput, match="another training"):
        tune(chat, ROWS[:-1], tmp_path / "joint", FAST, "joint")


def test_rows_longer_than_the_model_takes_are_counted_and_nothing_left_is_an_error(
    chat: LocalChatModel, tmp_path: Path
) -> None:
    long = row("Hill", "1", "word " * 2000)
    assert module._tokens(chat, [ROWS[0], long])[1] == 1
    with pytest.raises(NotEnoughData, match="nothing to learn"):
        tune(chat, [long], tmp_path / "joint", FAST, "joint")


def test_an_adapter_is_not_tuned_further(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}", encoding="utf-8")
    for name, adapter in ((str(tmp_path), None), ("model", tmp_path)):
        with pytest.raises(InvalidInput, match="merge"):
            check_tunable(name, adapter)


def test_the_published_batches_are_the_defaults() -> None:
    assert module.BATCHES == {"joint": (4, 32), "specific": (1, 8)}
    config = TuningConfig()
    assert (config.learning_rate, config.epochs, config.schedule, config.warmup) == (
        1e-4,
        1,
        "cosine",
        0.1,
    )
