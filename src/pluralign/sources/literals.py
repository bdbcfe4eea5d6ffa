"""Values that a program wrote into a cell as Python text; no text is ever evaluated as code."""

import ast

from pluralign.core import parse_json
from pluralign.sources.typed_cells import BadRow

_NUMBERS = {
    "float16",
    "float32",
    "float64",
    "float_",
    "double",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "bool_",
}
_WRAPPERS = {
    "array",
    "list",
    "tuple",
    "Decimal",
    "float",
    "int",
    "str_",
    "OrderedDict",
    "dict",
} | _NUMBERS
_MODULES = {"np", "numpy", "collections", "decimal"}


def literal(text: str, column: str, brackets: str) -> object:
    """The value of JSON, or of the Python literal between the outermost brackets of a text.

    Wrappers that numpy prints around plain values are removed: ``np.float64(0.5)`` is 0.5, and
    ``array([0.5])`` is [0.5].

    Args:
        text: A cell.
        column: Name of its column, for messages.
        brackets: Opening and closing bracket, as in "{}".

    Raises:
        BadRow: If it is not a literal.

    >>> cell = "defaultdict(<class 'list'>, {'Mexico': [np.float64(0.5), 0.5]})"
    >>> literal(cell, "selections", "{}")
    {'Mexico': [0.5, 0.5]}
    """
    try:
        return parse_json(text)
    except ValueError:
        pass
    start, end = text.find(brackets[0]), text.rfind(brackets[1])
    try:
        tree = ast.parse((text[start : end + 1] if start >= 0 else text).strip(), mode="eval")
        return ast.literal_eval(_Unwrapped().visit(tree))
    except BadRow as bad:
        raise BadRow(
            f"{column} is not a Python literal: {bad.what}",
            reason=f"{column} is not a literal",
            hint=bad.hint,
        ) from bad
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        other = "it must contain only texts, numbers, lists and mappings"
        what = error.msg if isinstance(error, SyntaxError) else other
        raise BadRow(
            f"{column} is not a Python literal: {what}", reason=f"{column} is not a literal"
        ) from error


class _Unwrapped(ast.NodeTransformer):
    """Replaces numpy's wrappers by the values in them; every other call is refused."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if not _is_wrapper(node.func) or not node.args:
            raise BadRow(
                f"it calls {ast.unparse(node.func)[:40]!r}",
                reason="a call",
                hint="write plain numbers, texts and lists",
            )
        wrapped = node.args[0]
        return self.visit(wrapped) if isinstance(wrapped, ast.Call) else self.generic_visit(wrapped)


def _is_wrapper(function: ast.expr) -> bool:
    """Whether a call is ``array(...)``, ``np.float64(...)`` or another known wrapper."""
    if isinstance(function, ast.Name):
        return function.id in _WRAPPERS
    if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Name):
        return False
    return function.value.id in _MODULES and function.attr in _WRAPPERS
