"""Values that a program printed into a cell as Python text; nothing is ever evaluated as code."""

import ast

from pluralign.core import parse_json
from pluralign.sources.fields import BadRow

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

    What numpy prints around plain values is looked through: ``np.float64(0.5)`` is 0.5,
    ``array([0.5])`` is [0.5].

    Args:
        text: A cell.
        column: Its column, for messages.
        brackets: Opening and closing bracket, as in "{}".

    Raises:
        BadRow: If it is not a literal.

    >>> literal("defaultdict(<class 'list'>, {'Mexico': [np.float64(0.5), 0.5]})", "selections", "{}")
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
        what = (
            error.msg
            if isinstance(error, SyntaxError)
            else "it holds more than texts, numbers, lists and mappings"
        )
        raise BadRow(
            f"{column} is not a Python literal: {what}", reason=f"{column} is not a literal"
        ) from error


class _Unwrapped(ast.NodeTransformer):
    """Replaces numpy's wrappers by what they wrap; every other call is refused."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = node.func
        owner = name.value if isinstance(name, ast.Attribute) else None
        known = owner is None or (isinstance(owner, ast.Name) and owner.id in _MODULES)
        called = (
            name.attr
            if isinstance(name, ast.Attribute)
            else name.id
            if isinstance(name, ast.Name)
            else None
        )
        if not known or called not in _WRAPPERS or not node.args:
            raise BadRow(
                f"it calls {ast.unparse(node.func)[:40]!r}",
                reason="a call",
                hint="write plain numbers, texts and lists",
            )
        return (
            self.generic_visit(node.args[0])
            if not isinstance(node.args[0], ast.Call)
            else self.visit(node.args[0])
        )
