"""A small model that writes a planted society's replies, and reward models of its people."""

import json

import pytest

SMALL_STEPS = 250


@pytest.fixture(scope="session")
def writer(tmp_path_factory):
    """Folder of a small model that writes replies."""
    pytest.importorskip("transformers")
    from pluralign.aligning.planted import PlantedWriterSettings, build_planted_writer

    folder = tmp_path_factory.mktemp("writer") / "writer"
    settings = PlantedWriterSettings(replies=3000, steps=SMALL_STEPS)
    build_planted_writer(folder, settings)
    return folder


@pytest.fixture(scope="session")
def rewards(tmp_path_factory):
    """Folders of two reward models, each of half of the people of two communities."""
    import pluralign
    from pluralign.simulation import SocietySource

    pairs = [p for p in SocietySource().pairs() if p.community in ("~hill", "~coast")]
    people = sorted({pair.rater for pair in pairs})
    folder = tmp_path_factory.mktemp("rewards")
    for name, own in (("model", set(people[::2])), ("judge", set(people[1::2]))):
        half = [pair for pair in pairs if pair.rater in own]
        pluralign.save_model(pluralign.fit(half, method="full", encoder="hash"), folder / name)
    return folder


@pytest.fixture(scope="session")
def prompts(tmp_path_factory):
    """File of the society's prompts."""
    from pluralign.aligning.planted import planted_prompts

    path = tmp_path_factory.mktemp("prompts") / "prompts.jsonl"
    path.write_text("".join(json.dumps({"prompt": p}) + "\n" for p in planted_prompts(240)))
    return path


@pytest.fixture
def tables(writer, rewards, prompts):
    """Settings of a small run."""
    return {
        "model": {"name": str(writer), "device": "cpu"},
        "reward": {"model": str(rewards / "model"), "judge": str(rewards / "judge")},
        "prompts": {"path": str(prompts), "validation": 0.2, "test": 0.4},
        "sample": {"n": 8, "max_new_tokens": 16},
    }
