"""Units of settings, written with their types."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit of a setting, as in ``Annotated[float, Unit("logits")]``.

    Attributes:
        name: The things that are counted, or the unit of measurement: pairs, tokens, seconds.
    """

    name: str

    def __get_pydantic_json_schema__(
        self, core_schema: Any, handler: Callable[[Any], dict[str, Any]]
    ) -> dict[str, Any]:
        """The schema of the type with its unit; pydantic calls this."""
        return handler(core_schema) | {"unit": self.name}
