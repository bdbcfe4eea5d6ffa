"""Tables of settings, and tables whose keys depend on their ``kind``: pydantic's unions."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    model_serializer,
)

WRONG_KIND = "wrong_kind"
"""Type of the error where a table has a kind that does not exist."""


class SettingsTable(BaseModel):
    """A table of settings: unknown keys are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class SettingsVariant(SettingsTable):
    """One kind of a table; all kinds of it are the subclasses of one subclass of this.

    Records and fingerprints of runs contain the keys of every kind, each with its default, as they
    did when one class had all the keys. So later versions resume the runs of earlier ones.
    """

    @classmethod
    def family(cls) -> dict[str, "type[SettingsVariant]"]:
        """Kind -> class, for all kinds of the same table."""
        table = next(c for c in cls.__mro__ if SettingsVariant in c.__bases__)
        found: dict[str, type[SettingsVariant]] = {}
        kinds: Sequence[type[SettingsVariant]] = table.__subclasses__()
        for kind in kinds:
            found[kind.model_fields["kind"].default] = kind
        return found

    @classmethod
    def own_keys(cls, recorded: Mapping[str, Any]) -> dict[str, Any]:
        """A table as a record contains it, with the keys of its own kind alone."""
        own = cls.family().get(recorded.get("kind", cls.model_fields["kind"].default), cls)
        return {key: value for key, value in recorded.items() if key in own.model_fields}

    @model_serializer(mode="wrap")
    def _with_the_keys_of_every_kind(
        self, handler: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for kind in self.family().values():
            for name, field in kind.model_fields.items():
                default = field.get_default(call_default_factory=True, validated_data={})
                values.setdefault(name, None if field.is_required() else default)
        left_out = info.exclude or ()
        return {k: v for k, v in (values | handler(self)).items() if k not in left_out}


def by_kind(*kinds: str) -> Discriminator:
    """The discriminator between the kinds of a table; a table without ``kind`` has the first kind.

    Args:
        kinds: The kinds of the table.
    """

    def kind_of(value: Any) -> str | None:
        found = value.get("kind", kinds[0]) if isinstance(value, Mapping) else None
        found = getattr(value, "kind", found)
        return found if isinstance(found, str) else None

    return Discriminator(
        kind_of,
        custom_error_type=WRONG_KIND,
        custom_error_message=f"must be {' or '.join(repr(kind) for kind in kinds)}",
    )
