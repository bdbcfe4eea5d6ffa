"""Serve a reward model on a Ray cluster, with replicas that Ray starts and balances.

On all nodes: pip install 'pluralign[embed,serve]' 'ray[serve]', and PLURALIGN_MODEL (a folder) and
PLURALIGN_TOKENS in the environment of `ray start`. On the head node: serve run ray_serve:app
"""

import os

from ray import serve

from pluralign.serving import ServeSettings, read_tokens
from pluralign.serving.app import create_app
from pluralign.serving.server import load


def build() -> object:
    """The application of a replica, its model loaded."""
    model = os.environ["PLURALIGN_MODEL"]
    tokens = read_tokens(os.environ["PLURALIGN_TOKENS"], None)
    settings = ServeSettings(model=model, name="rewards", tokens=tokens)
    return create_app(settings, load(settings))


@serve.deployment(num_replicas=2, ray_actor_options={"num_cpus": 1})
@serve.ingress(build)
class Rewards:
    """One replica: the endpoints of `pluralign serve`."""


app = Rewards.bind()
