"""What is in a file that is no table."""

from __future__ import annotations

import ast
import gzip
import re
import zipfile
from collections import Counter
from pathlib import Path

KINDS = {b"\x89PNG": "a PNG image", b"\xff\xd8\xff": "a JPEG image", b"%PDF": "a PDF document", b"GIF8": "a GIF image"}


def look(file: str) -> None:
    """Print what a file is: its kind, its size, and the beginning of what is in it."""
    path = Path(file)
    size = path.stat().st_size
    with path.open("rb") as raw:
        start = raw.read(65_536)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
        print(f"{file} is a zip archive of {size} bytes with {len(entries)} entries.\n")
        for entry in entries[:40]:
            print(f"{entry.file_size:>12}  {entry.filename}")
        return
    packed = start[:2] == b"\x1f\x8b"
    if not packed and (b"\0" in start and start[:2] not in (b"\xff\xfe", b"\xfe\xff")):
        kind = next((kind for magic, kind in KINDS.items() if start.startswith(magic)), "a binary file")
        print(f"{file} is {kind} of {size} bytes; there is no text in it that I could read.")
        return
    encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    lines, words = 0, 0
    head: list[str] = []
    opened = gzip.open if packed else open
    with opened(path, "rt", encoding=encoding, errors="replace") as text:
        for line in text:
            lines += 1
            words += len(line.split())
            if len(head) < 2_000:
                head.append(line.rstrip("\n")[:200])
    print(f"{file} is {'a gzipped' if packed else 'a'} text file of {size} bytes: {lines} lines, {words} words.")
    if path.suffix == ".py":
        outline("\n".join(head))
    levels = Counter(
        m[0].upper() for line in head if (m := re.search(r"\b(?:ERROR|WARN|INFO|DEBUG|FATAL)", line, re.I))
    )
    if sum(levels.values()) > len(head) / 2:
        print(
            f"It looks like a log. In its first {len(head)} lines: {', '.join(f'{n} {level}' for level, n in levels.most_common())}."
        )
    print("\n" + "\n".join(head[:15]))
    if lines > 15:
        print(f"… and {lines - 15} more lines")


def outline(source: str) -> None:
    """Print what a Python program is made of."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        print(f"As Python it has an error in line {error.lineno}: {error.msg}.")
        return
    if about := ast.get_docstring(tree):
        print(f"It says of itself: {about.splitlines()[0]}")
    made = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    used = {a.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    used |= {n.module.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    print(f"It defines {', '.join(made[:20]) or 'no functions'} and imports {', '.join(sorted(used)) or 'nothing'}.")
