"""Find phrases to avoid in docstrings, comments, messages and pages.

Run: ``python docs/build/plain_english.py [PATH ...]``. Without a path it reads all of ``READ``;
the list of phrases is ``docs/build/phrases.toml``.
"""

import ast
import io
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
READ = ("src/pluralign", "docs", "README.md", "CHANGELOG.md")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase to avoid, and its replacement."""

    avoid: re.Pattern[str]
    instead: str


@dataclass(frozen=True, slots=True)
class Rules:
    """The phrases, and the files that quote others."""

    phrases: tuple[Phrase, ...]
    quoted: tuple[str, ...]


class Prose(NamedTuple):
    """A paragraph with the line on which it begins."""

    line: int
    text: str


def read_rules(path: Path = ROOT / "docs/build/phrases.toml") -> Rules:
    """The rules of a file."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    phrases = tuple(Phrase(re.compile(p["avoid"]), p["instead"]) for p in raw["phrase"])
    return Rules(phrases, tuple(raw["quoted"]))


def prose_of_python(source: str, strings: bool = True) -> Iterator[Prose]:
    """Docstrings, comments and, where asked for, other strings of two words and more."""
    tree = ast.parse(source)
    docstrings = {id(constant): constant for constant in documentation(tree)}
    for constant in docstrings.values():
        yield from paragraphs(without_doctests(str(constant.value)), constant.lineno)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Prose(token.start[0], token.string.lstrip("# "))
    if strings:
        for line, text in literals(tree, docstrings.keys()):
            yield from paragraphs(text, line)


def documentation(tree: ast.AST) -> Iterator[ast.Constant]:
    """Strings that are statements: they document a module, class, function or attribute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def literals(tree: ast.AST, docstrings: Iterable[int]) -> Iterator[tuple[int, str]]:
    """Strings of two words or more and f-strings, with their lines; ``{}`` for their values."""
    seen = set(docstrings)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [p.value if isinstance(p, ast.Constant) else "{}" for p in node.values]
            seen.update(id(p) for p in node.values)
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words = node.value.split()
            if len(words) > 1 and id(node) not in seen:
                yield node.lineno, node.value


def prose_of_markdown(text: str) -> Iterator[Prose]:
    """Paragraphs of a page without its code, quotations and comments."""
    bare = re.sub(
        r"^(```|~~~).*?^\1|<!--.*?-->|^(>>>|>|\.\.\. ).*?$", _blank, text, flags=re.M | re.S
    )
    yield from paragraphs(bare, 1)


def paragraphs(text: str, first_line: int) -> Iterator[Prose]:
    """Blocks between empty lines, each joined to one line, and each row of a table or a list."""
    block: list[str] = []
    for number, line in enumerate([*text.split("\n"), ""], first_line):
        begins = re.match(r"\s*([-*#|]|\d+\.|[\w*]+: )", line)
        if block and (begins or not line.strip()):
            yield Prose(number - len(block), " ".join(block))
            block = []
        if line.strip():
            block.append(line.strip().lstrip("#*-| "))


def without_doctests(text: str) -> str:
    """A docstring without its examples and what they print."""
    return re.sub(r"^[ \t]*>>>.*?(?=^[ \t]*$|\Z)", _blank, text, flags=re.M | re.S)


def _blank(found: re.Match[str]) -> str:
    """Line breaks alone, so that the lines that follow keep their numbers."""
    return "\n" * found[0].count("\n")


def faults_of(prose: Iterable[Prose], phrases: Sequence[Phrase]) -> Iterator[tuple[int, str]]:
    """Lines and words that a phrase of the list matches, outside of code and quotes."""
    for line, text in prose:
        bare = re.sub(r"``.*?``|`[^`]*`|\"[^\"]*\"|“[^”]*”|\]\([^)]*\)|https?://\S+", "`", text)
        for phrase in phrases:
            for found in phrase.avoid.finditer(bare):
                yield line, f'"{found[0]}" -> {phrase.instead}'


def faults_in(paths: Iterable[Path], rules: Rules) -> list[str]:
    """One line for each phrase found in the files, with its place."""
    faults = []
    for path in paths:
        name = path.relative_to(ROOT).as_posix()
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".py":
            prose = prose_of_python(text, strings=not _within(name, rules.quoted))
        else:
            prose = prose_of_markdown(text)
        faults += [f"{name}:{line}: {fault}" for line, fault in faults_of(prose, rules.phrases)]
    return sorted(set(faults))


def files_to_read() -> list[Path]:
    """Every file of prose of the repository."""
    return [file for name in READ for file in files_under(ROOT / name)]


def files_under(path: Path) -> list[Path]:
    """The Python files and pages of a folder, or the file itself."""
    if path.is_file():
        return [path]
    return sorted([*path.rglob("*.py"), *path.rglob("*.md")])


def _within(name: str, paths: Iterable[str]) -> bool:
    return any(name == path or name.startswith(f"{path}/") for path in paths)


def main(arguments: Sequence[str]) -> int:
    """Print the faults of the paths named, or of every file of prose."""
    rules = read_rules()
    named = [file for argument in arguments for file in files_under(Path(argument).resolve())]
    faults = faults_in(named if arguments else files_to_read(), rules)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
