"""Routing: the community whose policy answers a prompt, by the prompt's words; or none of them."""

from pluralign.methods.routing.fitting import (
    ALWAYS,
    FEWEST_HELD_OUT,
    ChosenRouter,
    choose_router,
    fit_centroids,
    fit_logistic,
)
from pluralign.methods.routing.measures import reward_of_routes, wrong_route_costs
from pluralign.methods.routing.router import LinearRouter, Route, Router, RouterKind, numbered

__all__ = [
    "ALWAYS",
    "FEWEST_HELD_OUT",
    "ChosenRouter",
    "LinearRouter",
    "Route",
    "Router",
    "RouterKind",
    "choose_router",
    "fit_centroids",
    "fit_logistic",
    "numbered",
    "reward_of_routes",
    "wrong_route_costs",
]
