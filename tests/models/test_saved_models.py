import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from pluralign.core import (
    DamagedFile,
    FloatArray,
    InvalidInput,
    NotEnoughData,
    RewardRequest,
    Silent,
    Steer,
    Tally,
    UnknownCommunity,
)
from pluralign.encoders import HashEncoder
from pluralign.experiments import Outcome
from pluralign.models import open_model, score_file, steers_for
from pluralign.rewards import EmbeddingTrunk, Fading, LinearRewardModel, asked_directions

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def folder(go: Callable[..., Outcome], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "tiny"
    tables = {
        "seed": 3, "min_pairs": 1, "min_raters": 2, "methods": ["reference", "full"],
        "pairs": {"source": "society", "each": 40, "thin": 12, "world": 100},
        "reference": {"fit_on": ["~world"], "ridge": 1.0}, "trunk": {"encoder": "hash"},
        "fit": {"ridge": 1.0}, "intervals": {"draws": 100},
    }  # fmt: skip
    go(tables, out)
    return out / "models" / "seed-3"


@pytest.fixture
def model(folder: Path) -> LinearRewardModel:
    return open_model(folder / "full")


def scored(model: LinearRewardModel, path: Path, *labels: str, strength: float = 1.0) -> Rows:
    return list(score_file(model, path, steers_for(model, labels, strength), Tally()))


def test_a_pair_and_a_response_are_scored_as_the_model_does(
    model: LinearRewardModel, rows: Rows, tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    single = {"id": "one", "prompt": "Tea?", "response": "Yes"}
    pair, alone = scored(
        model, write_rows(tmp_path / "a.jsonl", [rows[0], single]), "~hill", "~coast"
    )
    for id_ in ("~hill", "~coast"):
        chosen, rejected, yes = model.score(
            [
                RewardRequest(rows[0]["prompt"], rows[0]["chosen"]),
                RewardRequest(rows[0]["prompt"], rows[0]["rejected"]),
                RewardRequest("Tea?", "Yes"),
            ],
            Steer.to(id_),
        )
        assert pair["rewards"][id_] == pytest.approx(chosen, abs=2e-6)
        assert pair["margins"][id_] == pytest.approx(chosen - rejected, abs=2e-6)
        assert alone["rewards"][id_] == pytest.approx(yes, abs=2e-6)
    assert (pair["line"], pair["id"], alone["line"], alone["id"]) == (1, rows[0]["id"], 2, "one")
    assert "margins" not in alone


def test_every_community_and_the_reference_by_default(model: LinearRewardModel) -> None:
    assert list(steers_for(model, [], 1.0)) == [*model.communities, "~world"]


def test_the_world_and_no_strength_are_the_reference(
    model: LinearRewardModel,
    folder: Path,
    rows: Rows,
    tmp_path: Path,
    write_rows: Callable[..., Path],
) -> None:
    path = write_rows(tmp_path / "a.jsonl", rows[:5])
    reference = [row["margins"]["~world"] for row in scored(open_model(folder / "reference"), path)]
    assert [row["margins"]["~world"] for row in scored(model, path, "~world")] == reference
    unsteered = [row["margins"]["~hill"] for row in scored(model, path, "~hill", strength=0.0)]
    assert unsteered == pytest.approx(reference, abs=2e-6)


def test_an_unknown_community_names_near_ones(model: LinearRewardModel) -> None:
    with pytest.raises(UnknownCommunity, match="not steered to '~hil'") as caught:
        steers_for(model, ["~hil"], 1.0)
    assert caught.value.hint == "did you mean ~hill?"
    with pytest.raises(UnknownCommunity) as caught:
        steers_for(model, ["MEX"], 1.0)
    assert "it knows ~coast, ~hill" in str(caught.value.hint)


def test_rows_are_read_as_they_are_asked_for(
    model: LinearRewardModel, rows: Rows, tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    path, tally = write_rows(tmp_path / "many.jsonl", rows[:10] * 500), Tally()
    found = score_file(model, path, steers_for(model, ["~hill"], 1.0), tally)
    next(found)
    assert tally.read < 2500
    assert sum(1 for _ in found) == 4999


def test_scoring_requests_together_changes_nothing(
    model: LinearRewardModel, rows: Rows, tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    together = scored(model, write_rows(tmp_path / "a.jsonl", rows[:20]), "~hill")
    for k in (0, 7, 19):
        (alone,) = scored(model, write_rows(tmp_path / "b.jsonl", [rows[k]]), "~hill")
        assert alone["rewards"]["~hill"] == pytest.approx(together[k]["rewards"]["~hill"], abs=2e-6)


def test_long_right_to_left_and_emoji_texts_are_scored(
    model: LinearRewardModel, tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    said = ["שלום " * 20_000, "👩‍👩‍👧😀" * 12_500, "\u202eمرحبا\u202c\x00\u2028", "."]
    path = write_rows(tmp_path / "a.jsonl", [{"prompt": text, "response": text} for text in said])
    values = [row["rewards"]["~hill"] for row in scored(model, path, "~hill")]
    assert len(values) == 4
    assert np.isfinite(values).all()


def test_the_answer_behind_a_thought_is_scored_and_a_thought_without_end_has_no_reward(
    model: LinearRewardModel, tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    thought = "<think>\n" + "Hm, what would they like? " * 100 + "\n</think>\n\n"
    said = ["My family.", f"{thought}My family.", f"{thought}Money.", "<think>It depends"]
    rows = [{"prompt": "What matters?", "response": response} for response in said]
    rows.append({"prompt": "What matters?", "chosen": said[1], "rejected": said[3]})
    path, tally = write_rows(tmp_path / "a.jsonl", rows), Tally()
    steers = steers_for(model, ["~hill"], 1.0)
    plain, same, other, none, pair = score_file(model, path, steers, tally)
    assert plain["rewards"] == same["rewards"] == pair["rewards"] != other["rewards"]
    assert none == {"line": 4, "id": None, "rewards": None, "no_answer": True}
    assert pair["margins"] is None
    assert list(tally.flagged.values()) == [3, 2]
    kept = list(score_file(model, path, steers, Tally(), thoughts="keep"))
    assert kept[1]["rewards"] != plain["rewards"]
    assert kept[3]["rewards"] is not None


def test_a_bad_row_is_named_or_counted(model: LinearRewardModel, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"prompt": "Tea?", "response": "Yes"}\n{broken\n'
        '{"prompt": "Tea?"}\n{"prompt": "?", "response": " "}\n'
    )
    steers = steers_for(model, ["~hill"], 1.0)
    with pytest.raises(InvalidInput) as caught:
        list(score_file(model, path, steers, Tally()))
    assert caught.value.where == f"{path}:2"
    tally = Tally()
    assert [row["line"] for row in score_file(model, path, steers, tally, skip_bad=True)] == [1]
    assert tally.dropped == {"not JSON": 1, "missing column response": 1, "empty response": 1}


def test_nothing_scored_is_an_error_with_its_reasons(
    model: LinearRewardModel, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"prompt": "?", "response": " "}\n')
    with pytest.raises(NotEnoughData, match="no row was scored") as caught:
        scored(model, path)
    assert caught.value.hint == "1 x empty response"


def test_a_truncated_model_is_refused(
    model: LinearRewardModel, folder: Path, tmp_path: Path
) -> None:
    import shutil

    copy = Path(shutil.copytree(folder / "full", tmp_path / "copy"))
    blob = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(blob[: len(blob) // 2])
    with pytest.raises(DamagedFile, match="truncated or altered"):
        open_model(copy)


def test_texts_that_the_encoder_does_not_read_are_reported(
    model: LinearRewardModel, tmp_path: Path
) -> None:
    class Heard(Silent):
        notes: ClassVar[list[str]] = []

        def note(self, text: str) -> None:
            self.notes.append(text)

    assert isinstance(model.trunk, EmbeddingTrunk)
    trunk = replace(model.trunk, encoder=HashEncoder(languages=("en",)))
    reads_english = replace(model, trunk=trunk)
    path = tmp_path / "replies.jsonl"
    row = {
        "prompt": "سؤال",
        "response": "أفضل أن أقضي المساء مع عائلتي في البيت بعد يوم طويل من العمل.",
    }
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n")
    assert list(
        score_file(
            reads_english, path, steers_for(reads_english, [], 1.0), Tally(), reporter=Heard()
        )
    )
    assert "another language" in Heard.notes[0]


def test_paths_may_be_text(
    folder: Path, rows: Rows, tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    model, path = open_model(str(folder / "full")), write_rows(tmp_path / "a.jsonl", rows[:3])
    steers = steers_for(model, ["~hill"], 1.0)
    assert list(score_file(model, str(path), steers, Tally())) == scored(model, path, "~hill")


def test_rows_on_which_steering_fades_have_its_strength_and_are_counted(
    model: LinearRewardModel, tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    tea = asked_directions(model.trunk.encoder.encode(["Tea or coffee?"]))  # type: ignore[attr-defined]
    asked = dict.fromkeys(model.communities, tea)
    fades = replace(model, fading=Fading(asked, tea, start=0.2, full=0.4))
    rows = [
        {"prompt": "Tea or coffee?", "response": "Tea."},
        {"prompt": "Jurisprudence, wherefore?", "chosen": "Law.", "rejected": "Why not?"},
    ]
    path, tally = write_rows(tmp_path / "rows.jsonl", rows), Tally()
    first, second = score_file(fades, path, steers_for(fades, ["~hill", "~world"], 1.0), tally)
    assert "strength" not in first
    assert second["strength"] == {"~hill": 0.0}
    assert second["margins"]["~hill"] == pytest.approx(second["margins"]["~world"], abs=1e-6)
    assert sum(tally.flagged.values()) == 1


def test_strengths_of_a_batch_are_computed_once(
    model: LinearRewardModel,
    tmp_path: Path,
    write_rows: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls, compute = [], Fading.strengths

    def counted(fading: Fading, prompt_N_d: FloatArray, communities: Sequence[str]) -> FloatArray:
        calls.append(len(prompt_N_d))
        return compute(fading, prompt_N_d, communities)

    monkeypatch.setattr(Fading, "strengths", counted)
    nothing = np.zeros((1, 256), dtype=np.float32)
    fades = replace(model, fading=Fading({}, nothing, start=0.2, full=0.4))
    rows = [{"prompt": "Tea?", "response": said} for said in ("Yes", "No")]
    path = write_rows(tmp_path / "a.jsonl", rows)
    assert [row["strength"] for row in scored(fades, path, "~hill", "~coast")] == [
        {"~hill": 0.0, "~coast": 0.0}
    ] * 2
    assert calls == [1]


def test_strengths_are_those_of_the_prompt_that_is_scored(
    model: LinearRewardModel, tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    """Without the thoughts of earlier turns; a response without an answer has none."""
    heard = "user: Tea or coffee?\nassistant: Tea.\nuser: Why?"
    tea = asked_directions(model.trunk.encoder.encode([heard]))  # type: ignore[attr-defined]
    asked = dict.fromkeys(model.communities, tea)
    fades = replace(model, fading=Fading(asked, tea, start=0.2, full=0.4999))
    turns = [
        {"role": "user", "content": "Tea or coffee?"},
        {"role": "assistant", "content": "<think>Jurisprudence, wherefore?</think>Tea."},
        {"role": "user", "content": "Why?"},
    ]
    rows = [{"prompt": turns, "response": text} for text in ("It is warm.", "<think>Hm")]
    path = write_rows(tmp_path / "rows.jsonl", rows)
    steers = steers_for(fades, ["~hill"], 1.0)
    first, second = score_file(fades, path, steers, Tally())
    assert "strength" not in first and "strength" not in second
    expected = float(model.score([(heard, "It is warm.")], "~hill")[0])
    assert first["rewards"]["~hill"] == pytest.approx(expected, abs=1e-6)
