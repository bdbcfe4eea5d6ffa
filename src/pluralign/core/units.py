"""Units of settings, written beside their types."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit of a setting, as in ``Annotated[float, Unit("logits")]``.

    Attributes:
        name: What the number counts or measures, in the plural: pairs, people, tokens, seconds.
    """

    name: str

    def __get_pydantic_json_schema__(
        self, core_schema: Any, handler: Callable[[Any], dict[str, Any]]
    ) -> dict[str, Any]:
        """The schema of the type with its unit; pydantic calls this."""
        return handler(core_schema) | {"unit": self.name}
