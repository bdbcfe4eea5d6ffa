"""Pure numbers of routing: the reward of routes, and the cost of a wrong one."""

from collections.abc import Iterator

import numpy as np

from pluralign.core import FloatArray, IntArray


def reward_of_routes(column_P: IntArray, reward_P_C1: FloatArray) -> FloatArray:
    """The reward of the policy that each prompt is sent to, shape (P,).

    Args:
        column_P: Number of the policy of each prompt; C for the start model.
        reward_P_C1: Reward of every policy for each prompt, shape (P, C + 1).

    >>> reward_of_routes(np.array([1, 2]), np.array([[0.0, 0.5, 0.1], [0.4, 0.0, 0.2]])).tolist()
    [0.5, 0.2]
    """
    found_P: FloatArray = np.take_along_axis(reward_P_C1, column_P[:, None], axis=1)[:, 0]
    return found_P


def wrong_route_costs(
    own_P: IntArray, reward_P_C1: FloatArray
) -> Iterator[tuple[int, int, FloatArray]]:
    """The costs for a community if another policy, or the start model, answers its prompts.

    It is the community's row of the steer matrix of the policies: the reward of its own policy less
    that of the other one, for each of its prompts.

    Args:
        own_P: Number of the community of each prompt.
        reward_P_C1: Reward of every policy for each prompt, in the eyes of the prompt's own
            community, shape (P, C + 1).

    Yields:
        The number of the community, that of the wrong policy (C is the start model), and the cost
        for each prompt of the community.

    >>> reward_P_C1 = np.array([[1.0, 0.25, 0.5], [0.5, 0.0, 0.0]])
    >>> costs = wrong_route_costs(np.array([0, 0]), reward_P_C1)
    >>> [(own, other, cost_M.tolist()) for own, other, cost_M in costs]
    [(0, 1, [0.75, 0.5]), (0, 2, [0.5, 0.5])]
    """
    for own in np.unique(own_P).tolist():
        reward_M_C1 = reward_P_C1[own_P == own]
        for other in range(reward_M_C1.shape[1]):
            if other != own:
                yield own, other, reward_M_C1[:, own] - reward_M_C1[:, other]
