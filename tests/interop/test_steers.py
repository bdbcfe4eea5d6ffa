import subprocess
import sys

import pytest

from pluralign.core import Steer, UnknownCommunity
from pluralign.interop.steers import steer_among


@pytest.mark.parametrize(
    ("label", "steer"),
    [("MEX", Steer.to("MEX")), ("Mexico", Steer.to("MEX")), ("our people", Steer.to("our people")), ("~world", None)],
)
def test_ids_and_names_are_understood(label: str, steer: Steer | None) -> None:
    assert steer_among(["MEX", "our people"], label) == steer


def test_the_world_is_a_community_where_the_model_has_it() -> None:
    assert steer_among(["MEX", "~world"], "~world", 0.5) == Steer.to("~world", 0.5)


def test_what_the_model_knows_is_told() -> None:
    with pytest.raises(UnknownCommunity) as caught:
        steer_among(["MEX"], "GBR", where="here")
    assert (caught.value.where, caught.value.hint) == ("here", "it knows MEX, ~world")


def test_importing_interop_imports_nothing_heavy() -> None:
    heavy = ("torch", "transformers", "trl", "huggingface_hub", "datasets", "yaml")
    script = f"import sys, pluralign.interop; print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
