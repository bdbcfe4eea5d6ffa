"""Text files have the same bytes on every system: UTF-8, and lines that end in a line feed."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pluralign

SOURCE = Path(pluralign.__file__).parent
WRITING = ("w", "a", "x")


def opens_text_to_write(call: ast.Call) -> bool:
    """Whether a call is `path.write_text(...)` or `path.open("w", ...)`."""
    if not isinstance(call.func, ast.Attribute):
        return False
    if call.func.attr == "write_text":
        return True
    modes = [word.value for word in call.args if isinstance(word, ast.Constant)]
    return call.func.attr == "open" and any(mode in WRITING for mode in modes)


def calls(source: str) -> Iterator[ast.Call]:
    if "write_text" not in source and ".open(" not in source:
        return iter(())
    return (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))


def lets_the_system_choose(call: ast.Call) -> bool:
    given = {word.arg for word in call.keywords}
    encoded = "encoding" in given or len(call.args) > 1
    return opens_text_to_write(call) and not (encoded and "newline" in given)


def test_no_written_text_depends_on_the_system() -> None:
    found = [
        f"{path.relative_to(SOURCE).as_posix()}:{call.lineno}"
        for path in SOURCE.rglob("*.py")
        for call in calls(path.read_text(encoding="utf-8"))
        if lets_the_system_choose(call)
    ]
    assert found == [], 'add encoding="utf-8" and newline="\\n"'


def test_the_check_sees_both_ways_of_writing() -> None:
    named = "path.write_text(a, encoding='utf-8'); path.open('a', encoding='utf-8')"
    assert [lets_the_system_choose(call) for call in calls(named)] == [True, True]
    whole = "path.write_text(a, 'utf-8', newline='\\n'); path.open('rb'); work.open('wide')"
    assert not any(lets_the_system_choose(call) for call in calls(whole))
