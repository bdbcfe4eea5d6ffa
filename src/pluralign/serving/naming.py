"""Model names of compatible endpoints.

``name`` is the reference, ``name@MEX`` one community, ``name@MEX=0.7,GBR=0.3`` a blend.
"""

from pluralign.core import Steer, read_steer
from pluralign.serving.planning import check_labels
from pluralign.serving.problems import Refused
from pluralign.serving.service import Service


def steer_named(service: Service, model: str | None, path: str | None = None) -> Steer | None:
    """The steer that a model's name asks for, or a path such as ``/steered/MEX/predict``.

    Args:
        service: The model.
        model: As the client sent it; None or empty: our model.
        path: The steer in the path.

    Raises:
        Refused: If it is another model's name.
        UnknownCommunity: If the model lacks the community.
        InvalidInput: If a share is no number, or shares do not sum to 1.
    """
    name, sign, words = (model or service.name).partition("@")
    if name != service.name:
        raise Refused(
            404,
            f"there is no model {name!r:.100} here",
            f"use {service.name!r}, or {service.name}@COMMUNITY",
        )
    if sign and path is not None:
        raise Refused(422, "path and model name both say whose taste counts", "use one of them")
    if not sign:
        if path is None:
            return None
        words = path
    check_labels(words.split(","))
    return read_steer(service.planner.communities, words.split(","), where="model")
