"""Griffe counts as public only the names that packages list in ``__all__``.

By itself Griffe counts every module without an underscore as public. Here a module is only the file
in which a name is written, and packages decide which names a user may build on
(docs/reference/index.md).
"""

from typing import Any

import griffe


class PublicNames(griffe.Extension):
    """Marks a module as public only where it leads to public names."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Griffe calls this when it has read all files of a package."""
        mark(pkg)


def mark(module: griffe.Module) -> bool:
    """Mark a module and all modules in it; a package is public if names in it are."""
    public_parts = [mark(part) for part in module.modules.values() if not part.is_alias]
    for name in map(str, module.exports or ()):
        part = module.members.get(name)
        if isinstance(part, griffe.Module) and name in part.members:
            # An exported function with the name of its file: Griffe keeps the file under the name.
            part.public, part.exports = True, [name]
    module.public = bool(module.exports) or any(public_parts)
    return module.public
