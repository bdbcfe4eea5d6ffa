"""Test prompts that a reward model knows from training, or that are in other languages."""

import json
from types import SimpleNamespace

import pytest

from pluralign.aligning.prompt_checks import check_prompts
from pluralign.core import PolicyPrompt
from pluralign.experiments import run_experiment

ENGLISH = [f"What should I say to my neighbour about plan number {k}, please?" for k in range(40)]
GERMAN = [f"Was soll ich meinem Nachbarn zu Plan Nummer {k} bitte sagen?" for k in range(40)]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Folder of a reward model in the run that trained it on English prompts."""
    folder = tmp_path_factory.mktemp("trained")
    rows = [
        {"prompt": ENGLISH[k % 30], "chosen": f"Tell them {k}.", "rejected": f"Say nothing {k}.",
         "community": "GBR" if k % 2 else "MEX", "rater": f"r{k % 12}"}
        for k in range(120)
    ]  # fmt: skip
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    tables = {
        "methods": ["full"],
        "min_pairs": 20,
        "min_raters": 3,
        "pairs": {"source": "jsonl", "path": str(folder / "pairs.jsonl")},
        "trunk": {"encoder": "hash"},
    }
    run_experiment(tables, folder / "run")
    return folder / "run/models/seed-0/full"


def _checked(model, prompts):
    notes = []
    work = SimpleNamespace(
        settings=SimpleNamespace(reward=SimpleNamespace(model=str(model), judge=None)),
        prompts=[PolicyPrompt(str(k), text) for k, text in enumerate(prompts)],
        of_side=lambda side: range(len(prompts)),
        reporter=SimpleNamespace(note=notes.append),
    )
    return check_prompts(work)["model"], notes


def test_prompts_that_it_was_trained_on_are_counted(model):
    found, notes = _checked(model, ENGLISH)
    assert (found["seen"], found["test_prompts"]) == (30, 40)
    assert "30 of 40 test prompts are among the pairs" in notes[0]


def test_new_prompts_of_its_language_get_no_note(model):
    pytest.importorskip("py3langid")
    found, notes = _checked(model, ENGLISH[30:])
    assert found["seen"] == 0
    assert notes == []


def test_prompts_in_another_language_are_noted(model):
    pytest.importorskip("py3langid")
    found, notes = _checked(model, GERMAN)
    assert found["other_languages"] > 0.9
    assert "languages of hardly any of its pairs (de" in notes[0]


def test_changed_pairs_and_a_model_outside_its_run_cannot_be_checked(model, tmp_path):
    for where in (tmp_path / "alone", "http://127.0.0.1:9"):
        found, notes = _checked(where, ENGLISH)
        assert found["seen"] is None
        assert "cannot be checked: it is not in the folder of the run" in notes[0]
    pairs = model.parents[3] / "pairs.jsonl"
    whole = pairs.read_text()
    pairs.write_text(whole.replace("Tell them", "Please tell them"))
    assert "have changed since" in _checked(model, ENGLISH)[1][0]
    pairs.write_text(whole)
