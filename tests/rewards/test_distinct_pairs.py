import numpy as np

from pluralign.core import rng_for
from pluralign.rewards import DenseFeatures, TableFeatures
from pluralign.rewards.distinct_pairs import DistinctPairs


def table(pairs: int) -> TableFeatures:
    rng = rng_for(0, "table")
    vector_T_d = rng.normal(size=(5, 4)).astype(np.float32)
    return TableFeatures(vector_T_d, rng.integers(5, size=(3, pairs)), scale=0.5)


def test_margins_and_slopes_are_those_of_all_pairs() -> None:
    features, rng = table(60), rng_for(1)
    found = DistinctPairs.of(features)
    assert len(found.feature_M_D) < 60
    theta_D_K, force_N_K = rng.normal(size=(8, 3)), rng.normal(size=(60, 3))
    dense_N_D = features.dense().astype(np.float64)
    np.testing.assert_allclose(found.margins(theta_D_K), dense_N_D @ theta_D_K, atol=1e-6)
    np.testing.assert_allclose(found.slope(force_N_K), dense_N_D.T @ force_N_K, atol=1e-5)


def test_round_coordinates_keep_margins_and_lengths_and_make_the_curvature_diagonal() -> None:
    rng = rng_for(2)
    features = DenseFeatures(rng.normal(size=(5, 8)))
    weight_N = rng.random(5)
    apart = DistinctPairs.of(features)
    rows, basis_D_P, curvature_P = apart.rounded(weight_N)
    assert basis_D_P.shape == (8, 5)
    np.testing.assert_allclose(basis_D_P.T @ basis_D_P, np.eye(5), atol=1e-10)
    b_P_1 = rng.normal(size=(5, 1))
    np.testing.assert_allclose(rows.margins(b_P_1), apart.margins(basis_D_P @ b_P_1))
    curved_P_P = 0.25 * (rows.feature_M_D * weight_N[:, None]).T @ rows.feature_M_D
    np.testing.assert_allclose(curved_P_P, np.diag(curvature_P), atol=1e-9)
