"""Routers find planted communities, and abstain where the words do not show one."""

import json

import numpy as np
import pytest

from pluralign.core import NotEnoughData, rng_for
from pluralign.methods.routing import (
    ALWAYS,
    LinearRouter,
    choose_router,
    fit_centroids,
    fit_logistic,
    numbered,
    reward_of_routes,
)

pytest.importorskip("sklearn.linear_model")
COMMUNITIES = ("MEX", "GBR", "IND")
START = len(COMMUNITIES)
PENALTIES = (10.0, 1.0, 0.1, 0.01)


def planted(n, apart, name):
    """Embeddings of prompts of three communities, whose means are ``apart``; and the communities.

    A community's own policy is worth 1 to it, those of the others -1, the start model 0.
    """
    rng = rng_for(0, name)
    own_N = rng.integers(len(COMMUNITIES), size=n)
    embedding_N_D = apart * np.eye(8)[own_N] + 0.3 * rng.normal(size=(n, 8))
    embedding_N_D /= np.linalg.norm(embedding_N_D, axis=1, keepdims=True)
    reward_N_C1 = np.where(np.arange(START) == own_N[:, None], 1.0, -1.0)
    reward_N_C1 = np.hstack([reward_N_C1, np.zeros((n, 1))]) + 0.2 * rng.normal(size=(n, START + 1))
    return embedding_N_D, own_N, reward_N_C1


def fitted(kind, embedding_N_D, own_N):
    if kind == "centroid":
        return [fit_centroids(embedding_N_D, own_N, COMMUNITIES)]
    return [fit_logistic(embedding_N_D, own_N, COMMUNITIES, penalty) for penalty in PENALTIES]


def chosen_and_tested(kind, apart):
    """The router that is chosen; on other prompts its regret, that of the start, its routes."""
    routers = fitted(kind, *planted(300, apart, "train")[:2])
    held, _, reward_V_C1 = planted(100, apart, "validation")
    found = choose_router(routers, held, reward_V_C1)
    embedding_P_D, own_P, reward_P_C1 = planted(400, apart, "test")
    column_P = found.router.columns(embedding_P_D)
    oracle_P = reward_of_routes(own_P, reward_P_C1)
    regret = float((oracle_P - reward_of_routes(column_P, reward_P_C1)).mean())
    return found, regret, float((oracle_P - reward_P_C1[:, START]).mean()), column_P, own_P


@pytest.mark.parametrize("kind", ["centroid", "logistic"])
def test_separable_communities_are_found_and_hardly_anything_is_regretted(kind):
    _, regret, of_start, column_P, own_P = chosen_and_tested(kind, apart=2.0)
    assert (column_P == own_P).mean() > 0.97
    assert regret < 0.05 < of_start


@pytest.mark.parametrize("kind", ["centroid", "logistic"])
def test_where_words_show_no_community_the_router_abstains_and_regrets_no_more_than_the_start(kind):
    _, regret, of_start, column_P, _ = chosen_and_tested(kind, apart=0.0)
    assert (column_P == START).mean() > 0.95
    assert regret <= of_start + 0.02


@pytest.mark.parametrize("kind", ["centroid", "logistic"])
def test_between_the_two_the_router_abstains_on_some_prompts_and_beats_the_start(kind):
    _, regret, of_start, column_P, own_P = chosen_and_tested(kind, apart=0.6)
    abstained_P = column_P == START
    assert 0.02 < abstained_P.mean() < 0.7
    assert regret < of_start
    assert (column_P == own_P)[~abstained_P].mean() > 0.8


def test_policies_that_are_worth_less_than_the_start_model_are_never_picked():
    embedding_N_D, own_N, reward_N_C1 = planted(200, 2.0, "bad policies")
    reward_N_C1[:, :START] -= 3
    found = choose_router(fitted("logistic", embedding_N_D, own_N), embedding_N_D, reward_N_C1)
    assert found.router.threshold == ALWAYS
    assert (found.router.columns(embedding_N_D) == START).all()
    route = found.router.route(embedding_N_D[0])
    assert route.community is None
    assert "no policy was clearly better than the start model" in route.reason
    assert found.router.route(embedding_N_D[0], declared="GBR").community == "GBR"


@pytest.mark.parametrize("kind", ["centroid", "logistic"])
def test_prompts_of_other_communities_are_a_class_of_their_own_for_which_it_abstains(kind):
    embedding_N_D, own_N, _ = planted(300, 2.0, "four")
    rng = rng_for(1, "others")
    other_M_D = 2 * np.eye(8)[np.full(60, 5)] + 0.3 * rng.normal(size=(60, 8))
    other_M_D /= np.linalg.norm(other_M_D, axis=1, keepdims=True)
    labels = [COMMUNITIES[k] for k in own_N] + ["KOR"] * 60
    label_N = numbered(labels, COMMUNITIES)
    router = fitted(kind, np.vstack([embedding_N_D, other_M_D]), label_N)[-1]
    assert (router.columns(other_M_D[:30]) == START).all()
    assert "no community that has a policy" in router.route(other_M_D[0]).reason
    shares = router.route(embedding_N_D[0]).shares
    assert 0 < 1 - sum(shares.values()) < 0.5


def test_a_declared_community_without_a_policy_is_answered_by_the_start_model_with_the_reason():
    embedding_N_D, own_N, _ = planted(60, 2.0, "declared")
    route = fit_centroids(embedding_N_D, own_N, COMMUNITIES).route(embedding_N_D[0], "KOR")
    assert route.community is None
    assert route.reason == "no policy for KOR: there are policies for MEX, GBR, IND"


@pytest.mark.parametrize("classes", [2, 3])
def test_the_shares_are_those_of_scikit_learn_also_of_two_communities(classes):
    from sklearn.linear_model import LogisticRegression

    embedding_N_D, own_N, _ = planted(200, 0.8, "shares")
    kept_N = own_N < classes
    embedding_N_D, own_N = embedding_N_D[kept_N], own_N[kept_N]
    router = fit_logistic(embedding_N_D, own_N, COMMUNITIES[:classes], 0.5)
    theirs = LogisticRegression(C=2.0, class_weight="balanced", max_iter=1000)
    share_N_C = theirs.fit(embedding_N_D, own_N).predict_proba(embedding_N_D)
    assert router.shares(embedding_N_D)[:, :classes] == pytest.approx(share_N_C, abs=1e-9)
    assert router.shares(embedding_N_D)[:, classes] == pytest.approx(0)


def test_one_community_leaves_nothing_to_route_and_a_community_without_prompts_is_named():
    embedding_N_D = np.eye(4)
    with pytest.raises(NotEnoughData, match="at least two communities, got MEX") as caught:
        fit_centroids(embedding_N_D, np.zeros(4, dtype=int), ("MEX",))
    assert "name@MEX" in caught.value.hint
    with pytest.raises(NotEnoughData, match="no training prompt declares the community GBR"):
        fit_logistic(embedding_N_D, np.zeros(4, dtype=int), ("MEX", "GBR"), 1.0)
    router = fit_centroids(embedding_N_D, np.array([0, 0, 1, 1]), ("MEX", "GBR"))
    with pytest.raises(NotEnoughData, match="at least 5 held-out prompts"):
        choose_router([router], embedding_N_D, np.zeros((4, 3)))


def test_a_router_that_is_written_and_read_routes_alike_and_a_damaged_one_is_refused():
    embedding_N_D, own_N, _ = planted(60, 0.6, "written")
    router = fit_logistic(embedding_N_D, own_N, COMMUNITIES, 0.1)
    text = json.dumps(router.as_json())
    again = LinearRouter.from_json(json.loads(text))
    assert (again.shares(embedding_N_D) == router.shares(embedding_N_D)).all()
    for change in ({"threshold": 1.5}, {"bias": [0.0]}, {"kind": "oracle"}):
        with pytest.raises(ValueError, match=r"threshold|shape|kind"):
            LinearRouter.from_json(json.loads(text) | change)
