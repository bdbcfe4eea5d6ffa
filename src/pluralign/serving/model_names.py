"""Model names of compatible endpoints.

``name`` is the reference, ``name@MEX`` one community, ``name@MEX=0.7,GBR=0.3`` a blend.
"""

from pluralign.core import Steer, read_steer
from pluralign.serving.plans import check_labels
from pluralign.serving.problems import Refused
from pluralign.serving.service import Service


def steer_named(service: Service, model: str | None, path: str | None = None) -> Steer | None:
    """The steer in a model's name, or in a path such as ``/steered/MEX/predict``.

    Args:
        service: The model.
        model: The model's name from the client; None or empty for this server's model.
        path: The steer in the path.

    Raises:
        Refused: If the name is another model's.
        UnknownCommunity: If the model lacks the community.
        InvalidInput: If a share is not a number, or shares do not sum to 1.
    """
    name, sign, words = (model or service.name).partition("@")
    if name != service.name:
        raise Refused(
            404,
            f"there is no model {name!r:.100} here",
            f"use {service.name!r}, or {service.name}@COMMUNITY",
        )
    if sign and path is not None:
        raise Refused(422, "path and model name both name a community", "use one of them")
    if not sign:
        if path is None:
            return None
        words = path
    check_labels(words.split(","))
    return read_steer(service.planner.communities, words.split(","), where="model")
