"""Serve a reward model on a Ray cluster, with replicas that Ray starts and balances.

On the head node: pip install 'pluralign[embed,serve]' 'ray[serve]', then
PLURALIGN_MODEL=/shared/runs/uk/models/seed-7/adaptive serve run ray_serve:app
"""

import os

from ray import serve

from pluralign.serving import ServeSettings
from pluralign.serving.app import create_app
from pluralign.serving.server import load


def build() -> object:
    """The application of a replica, its model loaded."""
    settings = ServeSettings(model=os.environ["PLURALIGN_MODEL"], host="127.0.0.1")
    return create_app(settings, load(settings))


@serve.deployment(num_replicas=2, ray_actor_options={"num_cpus": 1})
@serve.ingress(build)
class Rewards:
    """One replica: the endpoints of `pluralign serve`."""


app = Rewards.bind()
