"""Settings of the examples that are kept."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Part = Annotated[float, Field(ge=0, le=1)]


class KeepConfig(BaseModel):
    """Which of the written examples are kept."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    grounded: Part = 0.3
    """Least share of the different words of an example, question and right answer, that its passage
    has."""
    near: Part = 0.6
    """Least share of common sequences of three words (Jaccard) at which two texts are near copies:
    of test items, of the task's examples, and of earlier ones."""
