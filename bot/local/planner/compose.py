"""Composes a script: its main, and every definition of the script library that it needs, copied as it is written."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

MODULES = ("cells", "table", "files", "rows", "groups", "answers", "pictures", "look", "slow")
FOLDER = Path(__file__).parent / "script_library"


class Definition(NamedTuple):
    """A top-level definition or import of the script library: its source, the names it uses, and whether it is an import."""

    source: str
    uses: frozenset[str]
    imported: bool


def script(about: str, settings: Mapping[str, object], main: Sequence[str]) -> str:
    """Return a program that stands alone: `about` is its docstring, `settings` its constants, `main` the lines of its main."""
    body = "\n".join(main)
    used, start = set(needed(body).values()), "    main()\n"
    if "Question" in needed(body):
        used |= set(needed("sys").values())
        start = (
            "    try:\n        main()\n    except Question as question:\n"
            '        sys.exit(f"QUESTION: {question}")  # what only the user can tell\n'
        )
    definitions = [definition for definition in dict.fromkeys(known().values()) if definition in used]
    imports = sorted({p.source for p in used if p.imported}, key=lambda line: (line.startswith("from"), line))
    head = '"""' + about.replace("\\", "/").replace('"', "'") + '\n"""\n\nfrom __future__ import annotations\n'
    constants = "\n".join(f"{name} = {value!r}" for name, value in settings.items())
    code = "\n\n".join(p.source for p in definitions if not p.imported)
    written = "def main() -> None:\n" + "\n".join("    " + line for line in body.splitlines())
    guard = f'\nif __name__ == "__main__":\n{start}'
    return "\n".join([head, "\n".join(imports), f"\n{constants}\n", code, f"\n{written}\n", guard])


def needed(*starts: str) -> dict[str, Definition]:
    """Return, by name, every definition that code needs, directly or through another."""
    everything = known()
    names = {node.id for start in starts for node in ast.walk(ast.parse(start)) if isinstance(node, ast.Name)}
    open_names, definitions = list(names), dict[str, Definition]()
    while open_names:
        name = open_names.pop()
        if name in everything and name not in definitions:
            definitions[name] = everything[name]
            open_names += everything[name].uses
    return definitions


@cache
def known() -> dict[str, Definition]:
    """Return, by name, every definition of the script library, in its order."""
    definitions: dict[str, Definition] = {"sys": Definition("import sys", frozenset(), imported=True)}
    for module in MODULES:
        text = (FOLDER / f"{module}.py").read_text(encoding="utf-8")
        lines = text.splitlines()
        for node in ast.parse(text).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                _imports(node, definitions)
            elif names := _defined(node):
                source = "\n".join(lines[_first_line(node, lines) - 1 : node.end_lineno])
                source = re.sub(r"  # (?:type: ignore|noqa)[^\n]*", "", source)  # what only the project's linters read
                gap = "\n" if isinstance(node, ast.FunctionDef | ast.ClassDef) else ""
                uses = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} - names
                definition = Definition(gap + source, frozenset(uses), imported=False)
                definitions |= dict.fromkeys(names, definition)
    return definitions


def _imports(node: ast.Import | ast.ImportFrom, definitions: dict[str, Definition]) -> None:
    module = node.module if isinstance(node, ast.ImportFrom) else ""
    if module and module.startswith(("bot.", "__future__")):
        return  # the script holds these itself
    for alias in node.names:
        line = ast.unparse(ast.ImportFrom(module, [alias], 0) if module else ast.Import([alias]))
        definitions[alias.asname or alias.name.split(".")[0]] = Definition(line, frozenset(), imported=True)


def _defined(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _first_line(node: ast.stmt, lines: list[str]) -> int:
    """Return the number of a definition's first line: that of the comment above it, else of its decorators."""
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
    first = min([node.lineno, *(d.lineno for d in decorators)])
    while first > 1 and lines[first - 2].startswith("#"):
        first -= 1
    return first
