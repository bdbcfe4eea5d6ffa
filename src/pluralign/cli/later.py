"""Commands whose modules are imported when they are used, so that the first help comes fast."""

import gc
from functools import cached_property
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class CommandGroup(TyperGroup):
    """A group that reads options of its own only in a line that has some.

    Typer imports pydantic to read the options of a group, even if a line begins with a command.
    """

    _names_a_command = False

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Read a line; if it begins with a command, all options are the command's."""
        self._names_a_command = bool(args) and args[0] in self.commands
        rest = super().parse_args(ctx, args)
        if self._names_a_command:
            own = [option for option in self.params if option.expose_value]
            ctx.params |= {option.name: option.get_default(ctx) for option in own}
        return rest

    def get_params(self, ctx: Any) -> Any:
        """The options of the group, as far as the line may have some."""
        return [] if self._names_a_command else super().get_params(ctx)


class Later(TyperCommand):
    """A command of which only the name and the first sentence are known until it is used.

    Args:
        name: Name of the command.
        home: Module in `pluralign.cli` and the function or the group in it, ``module:name``.
        summary: The first sentence of its help text.
    """

    def __init__(self, name: str, home: str, summary: str) -> None:
        super().__init__(name, help=summary)
        self._home = home

    @cached_property
    def loaded(self) -> Any:
        """The command itself."""
        module, _, name = self._home.partition(":")
        found = getattr(import_module(f"pluralign.cli.{module}"), name)
        together = typer.Typer(rich_markup_mode="markdown", add_completion=False)
        if isinstance(found, typer.Typer):
            together.add_typer(found, name=self.name)
        else:
            together.command(self.name)(found)
            together.callback()(_nothing)  # a group also of one command
        group: Any = typer.main.get_command(together)
        return group.commands[self.name]

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read a line by the command itself."""
        found = self.loaded.make_context(*args, **kwargs)
        gc.enable()  # see `pluralign.cli.main.main`
        return found


def _nothing() -> None:
    """Without an effect."""
