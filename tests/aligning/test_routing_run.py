"""A run fits routers on prompts of planted communities, and measures what a wrong route costs."""

import json

import pytest

from pluralign.aligning import load_router, read_align_stage, run_align
from pluralign.core import InvalidSettings
from pluralign.runs.folder import read_rows
from pluralign.simulation.bank import PROMPTS

pytest.importorskip("trl")
TOPICS = {"~hill": ("work", "family", "health"), "~coast": ("money", "home", "learning")}


def prompts_of(topics):
    """Two questions of one community in one prompt: its words tell the community."""
    own = [prompt for topic in topics for prompt in PROMPTS[topic]]
    return [f"{one} {other}" for one in own for other in own if one != other][:60]


@pytest.fixture(scope="module")
def done(tmp_path_factory, writer, rewards):
    folder = tmp_path_factory.mktemp("routing")
    rows = [
        {"prompt": prompt, "community": community}
        for community, topics in TOPICS.items()
        for prompt in prompts_of(topics)
    ]
    rows += [{"prompt": "Tea?"}, {"prompt": "Coffee?", "community": "KOR"}]
    path = folder / "prompts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    tables = {
        "methods": ["best-of-n", "raft"],
        "model": {"name": str(writer), "device": "cpu"},
        "reward": {"model": str(rewards / "model"), "judge": str(rewards / "judge")},
        "prompts": {"path": str(path), "validation": 0.2, "test": 0.3},
        "sample": {"n": 8, "max_new_tokens": 16},
        "tune": {"epochs": 2, "batch": 16, "accumulation": 1, "learning_rate": 2e-3},
        "evaluate": {"n": 2},
        "route": {"encoder": "hash"},
    }
    return run_align(tables, folder / "run"), folder / "run", tables


def value(rows, **wanted):
    (found,) = [row for row in rows if wanted.items() <= row.items()]
    return found


def regrets(done, method):
    """The regret of the kept router, of the declared community and of the start model."""
    rows = [row for row in done[0].results if row["method"] == method]
    kept = read_align_stage(done[1], "route")["routers"][method]["kept"]
    about = {"community": None, "metric": "regret"}
    return [value(rows, steer=r, **about)["value"] for r in (kept, "declared", "start")]


@pytest.mark.slow
def test_the_router_of_separable_prompts_regrets_little_and_the_start_model_much(done):
    kept, declared, start = regrets(done, "best-of-n")
    assert declared == 0
    assert kept < 0.25 * start
    summary = read_align_stage(done[1], "route")
    about = {"method": "best-of-n", "metric": "routing_accuracy", "community": None}
    kind = summary["routers"]["best-of-n"]["kept"]
    accuracy = value(done[0].results, steer=kind, **about)
    assert accuracy["low"] > 0.6
    assert accuracy["n"] == summary["prompts that declare a community"]["test"]


@pytest.mark.slow
def test_the_router_of_weak_policies_regrets_no_more_than_the_start_model(done):
    kept, declared, start = regrets(done, "raft")
    assert declared == 0
    assert kept <= max(start, 0.05)


@pytest.mark.slow
def test_a_wrong_route_costs_the_community_whose_prompt_it_is(done):
    rows = [row for row in done[0].results if row["method"] == "best-of-n"]
    for home, other in (("~hill", "~coast"), ("~coast", "~hill")):
        about = {"metric": "cost_of_wrong_route", "community": home}
        assert value(rows, steer=other, **about)["low"] > 0
        to_start = value(rows, steer="start", **about)["value"]
        gain = value(rows, metric="routed_gain", steer="declared", community=home)["value"]
        assert to_start == pytest.approx(gain)
    assert {row["metric"] for row in rows} >= {"judged_cost_of_wrong_route", "judged_regret"}


@pytest.mark.slow
def test_prompts_without_a_community_and_of_others_are_counted(done):
    summary = read_align_stage(done[1], "route")
    assert (summary["prompts that declare none"], summary["prompts of other communities"]) == (1, 1)
    assert summary["communities without training prompts"] is None


@pytest.mark.slow
def test_the_router_of_a_run_is_opened_again_and_routes_by_words_or_by_what_is_declared(done):
    assert load_router(done[1]).method == "raft"
    router = load_router(done[1], "best-of-n")
    assert router.communities == ("~coast", "~hill")
    assert router.route_prompt(prompts_of(TOPICS["~hill"])[0]).community == "~hill"
    assert router.route_prompt("Anything at all.", declared="~coast").community == "~coast"
    with pytest.raises(InvalidSettings, match="there are routers of best-of-n, raft"):
        load_router(done[1], "dpo")


@pytest.mark.slow
def test_a_repeated_run_has_the_same_routers_and_results(done):
    outcome, out, tables = done
    before = (out / "route/router.json").read_bytes()
    again = run_align(tables, out)
    assert (out / "route/router.json").read_bytes() == before
    assert again.results == outcome.results
    assert read_rows(out / "results.jsonl") == outcome.results


@pytest.mark.slow
def test_without_kinds_there_is_no_router_and_the_summary_has_the_reason(done):
    _, out, tables = done
    run_align(tables | {"route": {"kinds": []}}, out, until="route")
    assert load_router(out) is None
    assert read_align_stage(out, "route")["no router"] == "route.kinds is empty"
