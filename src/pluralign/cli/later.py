"""Commands whose modules are imported when they are used, so that the first help comes fast."""

import copy
import gc
import inspect
from functools import cached_property
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.models import CommandInfo


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


class Deferred(TyperCommand):
    """A command of which only the name and the first sentence are known until it is used."""

    @cached_property
    def loaded(self) -> Any:
        """The command itself."""
        raise NotImplementedError

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read a line by the command itself."""
        found = self.loaded.make_context(*args, **kwargs)
        gc.enable()  # see `pluralign.cli.start.main`
        return found


class Later(Deferred):
    """A command or a group in a module that is imported when it is used.

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
        """The command itself; the commands of a group read their options when they are used."""
        module, _, name = self._home.partition(":")
        found = getattr(import_module(f"pluralign.cli.{module}"), name)
        if not isinstance(found, typer.Typer):
            return _built(CommandInfo(self.name, callback=found))
        bare = copy.copy(found)
        bare.registered_commands = []
        together = _alone()
        together.add_typer(bare, name=self.name)
        group = _commands(together)[str(self.name)]
        own = [OfGroup(info) for info in found.registered_commands]
        group.commands = {str(one.name): one for one in own} | group.commands
        return group


class OfGroup(Deferred):
    """A command of a group whose options are read when it is used.

    Args:
        info: The command as Typer has registered it.
    """

    def __init__(self, info: CommandInfo) -> None:
        assert info.callback is not None, "Typer registers functions"
        name = info.name or typer.main.get_command_name(info.callback.__name__)
        super().__init__(name, help=info.help or inspect.getdoc(info.callback), hidden=info.hidden)
        self._info = info

    @cached_property
    def loaded(self) -> Any:
        """The command itself."""
        return _built(self._info)


def _built(info: CommandInfo) -> Any:
    together = _alone()
    together.registered_commands.append(info)
    (command,) = _commands(together).values()
    return command


def _alone() -> typer.Typer:
    together = typer.Typer(rich_markup_mode="markdown", add_completion=False)
    together.callback()(_nothing)  # a group also of one command
    return together


def _commands(together: typer.Typer) -> dict[str, Any]:
    group: Any = typer.main.get_command(together)
    return dict(group.commands)


def _nothing() -> None:
    """Without an effect."""
