"""Reads generated tables as rows and as frames, by both of their ways, and prints where they differ; runs with pandas.

Usage: agreeing.py FOLDER, where FOLDER may be written to.
"""

import random
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

from tables import rows
from tables.frames import read_frame
from tables.sources import Source

CELLS = {
    "numbers": ["1", "2.5", ".097", "-3", "1e-3", "7.25"], "commas": ["1,5", "1.234,56", "-2,25", "3"], "money": ["$1,200.50", "-$3", "($4.20)"],
    "percent": ["12%", "3.5 %"], "days": ["2024-01-02", "1999-12-31"], "points": ["31.12.2024", "1.2.2024"], "slashes": ["12/31/2024", "01/02/2024"],
    "times": ["2024-01-01T10:00:00Z", "2024-01-01T12:30:00+02:00", "2024-01-01 09:00"], "codes": ["01234", "90210"], "truth": ["yes", "no"],
    "words": ["North", " New York ", "a;b", "x,y", 'say "hi"', "line\nbreak", "Ünïcode"], "years": ["2001", "2002"], "months": ["Jan 2024", "May 2023"],
}  # fmt: skip
ODD = ["", "NA", "n/a", "–", "#N/A"]


def generated(random: random.Random) -> str:
    """A table of some columns, each of one form, with cells that are missing and a few that cannot be read."""
    forms = random.sample(sorted(CELLS), random.randint(2, 6))
    separator = random.choice(",;\t|")
    lines = [separator.join(forms)]
    for _ in range(random.randint(20, 60)):
        cells = [random.choice(ODD if random.random() < 0.1 else CELLS[form]) for form in forms]
        cells = ["oops" if random.random() < 0.02 else cell for cell in cells]
        lines.append(separator.join('"' + cell.replace('"', '""') + '"' for cell in cells))
    return random.choice(["\n", "\r\n"]).join(lines) + "\n"


def plain(value: Any) -> Any:
    """A value as rows and frames have it alike."""
    if value is None or value != value:
        return None
    value = value.to_pydatetime() if hasattr(value, "to_pydatetime") else value
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def main(folder: Path) -> None:
    """Compare 150 tables."""
    for seed in range(150):
        path = folder / "t.csv"
        path.write_text(generated(random.Random(seed)), encoding="utf-8", newline="")
        expected = rows(path)
        for small in (1 << 30, 0):
            frame = read_frame(Source(path), None, small)
            values = {name: [plain(v) for v in frame[name].tolist()] for name in frame.columns}
            other = {name: [plain(row[name]) for row in expected] for name in expected[0]}
            for name in other.keys() | values.keys():
                if values.get(name) != other.get(name):
                    pairs = zip(values.get(name, []), other.get(name, []), strict=False)
                    print(seed, small, name, next((pair for pair in pairs if pair[0] != pair[1]), "length"))
            if frame.attrs["unreadable"] != expected.unreadable:
                print(seed, small, frame.attrs["unreadable"], expected.unreadable)
    print("compared")


main(Path(sys.argv[1]))
