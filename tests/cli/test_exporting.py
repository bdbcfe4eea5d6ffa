"""``pluralign export`` and ``pluralign rewardbench`` on heads over a tiny transformer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Call = Callable[..., Any]
REPLIES = [{"prompt": "What matters?", "response": text} for text in ("My family.", "What I earn.")]


@pytest.fixture
def model(tmp_path: Path, config: Path, call: Call, tiny_encoder: Path) -> Path:
    """A model whose communities are heads on a frozen transformer."""
    text = config.read_text(encoding="utf-8").replace(
        'encoder = "hash"', f'kind = "transformer"\nmodel = "{tiny_encoder}"\ncommunity = "head"'
    )
    config.write_text(text.replace("[trunk]", "[trunk]\nmax_length = 64"), encoding="utf-8")
    found = call("run", config, "--out", tmp_path / "run", "--set", 'methods=["scpo"]', "--json")
    assert found.exit_code == 0, found.output
    return tmp_path / "run/models/seed-3/scpo"


@pytest.mark.slow
def test_an_export_gives_the_scores_of_the_score_command(
    model: Path, tmp_path: Path, call: Call
) -> None:
    transformers = pytest.importorskip("transformers")
    (tmp_path / "replies.jsonl").write_text("".join(json.dumps(row) + "\n" for row in REPLIES))
    scored = call(
        "score",
        model,
        tmp_path / "replies.jsonl",
        "-c",
        "~hill",
        "--out",
        tmp_path / "scores.jsonl",
    )
    assert scored.exit_code == 0, scored.output
    ours = [
        json.loads(line)["rewards"]["~hill"]
        for line in (tmp_path / "scores.jsonl").read_text().splitlines()
    ]
    done = call("export", model, "-c", "~hill", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "written to" in done.stdout
    loaded = transformers.AutoModelForSequenceClassification.from_pretrained(
        tmp_path / "out"
    ).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    inputs = [tokenizer(row["prompt"], row["response"], return_tensors="pt") for row in REPLIES]
    np.testing.assert_allclose([float(loaded(**i).logits[0, 0]) for i in inputs], ours, atol=1e-4)
    readme = (tmp_path / "out/README.md").read_text()
    assert readme.startswith("---\n") and "~hill" in readme and "raters" in readme


@pytest.mark.slow
def test_a_blend_names_its_shares_and_mistakes_are_explained(
    model: Path, tmp_path: Path, call: Call
) -> None:
    blend = call(
        "export", model, "-c", "~hill=0.6", "-c", "~world=0.4", "--out", tmp_path / "blend"
    )
    assert blend.exit_code == 0 and "0.6" in blend.stdout
    for words, said in (
        (["-c", "~hil"], "did you mean ~hill"),
        (["-c", "~hill", "-c", "~world"], "has no share"),
        (["-c", "~hill=x"], "must be a number"),
        (["-c", "~hill=0.5"], "sum of 0.5"),
        (["-c", "~hill", "--as", "adapter"], "a head alone is no adapter"),
    ):
        wrong = call("export", model, *words, "--out", tmp_path / "wrong")
        assert wrong.exit_code == 2 and said in wrong.stderr, wrong.output
    again = call("export", model, "-c", "~hill", "--out", tmp_path / "blend")
    assert again.exit_code == 2 and "not empty" in again.stderr
    assert not (tmp_path / "wrong").exists()


def test_a_model_on_a_sentence_encoder_leaves_with_the_scores_of_the_score_command(
    config: Path, tmp_path: Path, call: Call, tiny_encoder: Path
) -> None:
    library = pytest.importorskip("sentence_transformers")
    config.write_text(
        config.read_text(encoding="utf-8").replace('"hash"', f'"{tiny_encoder}"'), encoding="utf-8"
    )
    found = call("run", config, "--out", tmp_path / "run", "--set", 'methods=["scpo"]', "--json")
    assert found.exit_code == 0, found.output
    model, file = tmp_path / "run/models/seed-3/scpo", tmp_path / "replies.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in REPLIES))
    scored = call("score", model, file, "-c", "~hill", "--out", tmp_path / "scores.jsonl")
    assert scored.exit_code == 0, scored.output
    rows = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    done = call("export", model, "-c", "~hill", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "encoder with the head of Hill written to" in done.stdout
    assert f"hf upload OWNER/NAME {tmp_path / 'out'} --private" in done.stdout
    loaded = library.SentenceTransformer(str(tmp_path / "out"), device="cpu")
    query_N_D = loaded.encode_query([row["prompt"] for row in REPLIES])
    response_N_D = loaded.encode_document([row["response"] for row in REPLIES])
    rewards = loaded.similarity_pairwise(query_N_D, response_N_D).numpy()
    np.testing.assert_allclose(rewards, [row["rewards"]["~hill"] for row in rows], atol=1e-5)
    every = call("export", model, "--all-communities", "--out", tmp_path / "all")
    assert every.exit_code == 0, every.output
    assert "heads of" in every.stdout and "communities and of the reference" in every.stdout


def test_an_encoder_of_our_own_cannot_be_exported(
    trained: Path, tmp_path: Path, call: Call
) -> None:
    found = call("export", trained / "models/seed-3/scpo", "-c", "~hill", "--out", tmp_path / "out")
    assert found.exit_code == 2
    assert "no other tool computes" in found.stderr and "minilm" in found.stderr


def test_rewardbench_files_come_with_an_interval_on_screen(
    trained: Path, tmp_path: Path, call: Call
) -> None:
    model = trained / "models/seed-3/scpo"
    found = call(
        "rewardbench",
        model,
        trained.parent / "pairs.jsonl",
        "-c",
        "~hill",
        "--out",
        tmp_path / "rb",
    )
    assert found.exit_code == 0, found.output
    assert "accuracy" in found.stdout and "raters" in found.stdout and "[" in found.stdout
    (summary,) = (tmp_path / "rb").glob("*.json")
    assert json.loads(summary.read_text())["num_prompts"] > 0
