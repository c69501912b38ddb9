"""Asks the planner the questions of planner.tsv in real threads, and compares its answers with what duckdb says of the same tables.

`python -m tests.bench planner [TABLE]`, in an environment with the dependency group `bench`. A question is right when its figures
are those of the SQL beside it, refused when the answer names what was not understood or asks back, and wrong otherwise. `any`
marks a question that may also be refused. It fails when one answer is wrong, or when fewer than 85 % of the others are right.
"""

import asyncio
import csv
import gzip
import importlib
import json
import re
import sys
import tempfile
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

from bot.local.planner.endpoint import serve_planner
from bot.sandbox.runtime import RuntimeBuild
from tests.e2e.slack import Slack, at_work
from tests.sandbox.test_fidelity import KEPT

QUESTIONS = Path(__file__).with_name("planner.tsv")
PLACES = {"vega_datasets": "_data", "plotly": "package_data/datasets", "statsmodels": "datasets/*"}
# Tables that are written anew in other forms: the table that they are made of.
MADE = {
    "weather.xlsx": "seattle-weather.csv", "cars.jsonl": "cars.json", "stocks.parquet": "stocks.csv", "airports.tsv": "airports.csv",
    "umsatz.csv": "tips.csv.gz", "tips.txt": "tips.csv.gz", "barley.psv": "barley.json", "medals.csv.zip": "medals.csv.gz",
    "money.csv": "tips.csv.gz", "iowa.json.gz": "iowa-electricity.csv", "columns.json": "stocks.csv",
}  # fmt: skip
REFUSED = re.compile(
    r"I do not understand|I understand only|can be two things|be ranked by|no ratios|What do you want|Which (?:column|dates) do you mean|Shall “|stands? in |By what\?|is text"
    r"|Did you mean|of which year|has no dates|I cannot tell|A share needs|one of them|There is nothing to draw|is true or false"
    r"|einfache|demandes simples|peticiones"
)


def main(arguments: list[str]) -> int:
    """Ask all questions, or those about one table, and print what came of them."""
    with QUESTIONS.open(encoding="utf-8") as file:
        questions = [row for row in csv.reader(file, delimiter="\t", quotechar=None, quoting=csv.QUOTE_NONE) if row]
    if named := [word for word in arguments if not word.startswith("-")]:
        questions = [row for row in questions if row[0] in named]
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_ask_all(questions, Path(folder)))


async def _ask_all(questions: list[list[str]], folder: Path) -> int:
    files = tables(folder)
    build = RuntimeBuild(KEPT)
    await build.build(print)
    (folder / "data").mkdir()
    for kept in KEPT.glob("runtime-*"):
        if kept.is_dir():
            (folder / "data" / kept.name).symlink_to(kept)
    counts: dict[str, Counter[str]] = {}
    wrong: list[str] = []
    began = time.monotonic()
    async with serve_planner() as url, at_work(folder, url, "chat") as slack:
        gate = asyncio.Semaphore(6)

        async def one(name: str, asked: str) -> str:
            async with gate:
                return await _ask(slack, files[name], name, asked.split("|"))

        answers = await asyncio.gather(*(one(name, asked) for name, asked, _ in questions))
    for (name, asked, expected), said in zip(questions, answers, strict=True):
        try:
            verdict = judge(said, expected, files[MADE.get(name, name)])
        except Exception as error:  # noqa: BLE001  a question of ours that duckdb does not take
            print(f"{name}: {asked}: {error}")
            verdict = "broken"
        counts.setdefault(name, Counter())[verdict] += 1
        counts[name]["may be refused"] += verdict == "refused" and not expected.startswith("select")
        if verdict == "wrong":
            wrong.append(f"{name}: {asked}\n  expected {expected}\n  said {said[:500]}")
        elif "-v" in sys.argv and verdict == "refused" and expected.startswith("select"):
            print(f"refused {name}: {asked}: {said[:200]}")
    for name, found in counts.items():
        print(f"{name:24} {found['right']:4} right {found['refused']:4} refused {found['wrong']:4} wrong")
    total = sum(counts.values(), Counter())
    needed = total.total() - total["may be refused"] * 2
    print(
        f"{len(questions)} questions on {len(counts)} tables in {time.monotonic() - began:.0f} s: {total['right']} right,", end=" "
    )
    print(
        f"{total['refused']} refused ({total['may be refused']} of them as they should), {total['wrong']} wrong", *wrong, sep="\n"
    )
    return int(bool(wrong) or total["right"] < 0.85 * needed)


async def _ask(slack: Slack, path: Path, name: str, asked: list[str]) -> str:
    """Return the last answer of a thread in which the questions are asked, with the names of its pictures."""
    thread = await slack.say(f"<@U0BOT> {asked[0]}", files={name: await asyncio.to_thread(path.read_bytes)})
    answers = await slack.answers(thread)
    for number, more in enumerate(asked[1:], 2):
        await slack.say(f"<@U0BOT> {more}", thread=thread)
        answers = await slack.answers(thread, number)
    last = answers[-1]
    return "\n".join(str(b.get("text", "")) for b in last["blocks"] if b["type"] == "markdown") or str(last["text"])


def judge(said: str, expected: str, path: Path) -> str:
    """Return right, refused or wrong."""
    if REFUSED.search(said):
        return "refused"
    if expected == "refuse":
        return "wrong"
    truth = query(expected.removeprefix("any "), path)
    head, _, rest = said.partition("\n")
    if not truth:
        return "right" if "No row fits" in said else "wrong"
    if len(truth[0]) == 1 and len(truth) == 1 and not isinstance(truth[0][0], str):
        figures = numbers(re.sub(r"\([^()]*\)\.?", "", re.sub(r"“[^”]*”", "", head)).partition(": ")[2] or head)
        return "right" if any(close(figure, truth[0][0]) for figure in figures) else "wrong"
    if len(truth[0]) == 1:
        return "right" if all(str(row[0]) in said for row in truth) else "wrong"
    shown = {" ".join(line.split()[:-1]): numbers(line.split()[-1]) for line in rest.splitlines() if len(line.split()) > 1}
    more = re.search(r"… and ([\d,]+) more", said)
    known = {plain(row[0]): row[1] for row in truth if row[1] is not None}
    pairs = [(known[plain(name)], value) for name, value in shown.items() if plain(name) in known and value]
    complete = len(pairs) + (int(more[1].replace(",", "")) if more else 0) >= len(known)
    return "right" if complete and all(close(value[-1], figure) for figure, value in pairs) else "wrong"


def numbers(text: str) -> list[float]:
    return [float(found.replace(",", "")) for found in re.findall(r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?", text)]


def close(shown: float, truth: Any) -> bool:
    """Whether a figure that is shown, rounded to five digits or two places, is the true one."""
    return abs(shown - float(truth)) <= max(0.0051, abs(float(truth)) * 1e-5)


def plain(value: object) -> str:
    text = str(value)
    return text.removesuffix(".0")


def query(sql: str, path: Path) -> list[tuple[Any, ...]]:
    """Return what duckdb says of a table as its package ships it."""
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        if ".json" in path.name:
            source = f"read_json_auto('{path}')"
        else:
            plain_csv = Path(folder) / "t.csv"
            data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            plain_csv.write_bytes(data)
            source = f"read_csv_auto('{plain_csv}', nullstr=['', 'NA', 'nan'], sample_size=-1)"
        connection = duckdb.connect()
        connection.execute(f"create table t as select * from {source}")
        kinds = {name: kind for name, kind, *_ in connection.execute("describe t").fetchall()}
        if path.name.startswith("stocks.csv") and kinds.get("date") == "VARCHAR":
            connection.execute("alter table t alter date type date using strptime(date, '%b %d %Y')")
        return list(connection.execute(sql).fetchall())


def tables(folder: Path) -> dict[str, Path]:
    """Return the tables of the packages by name, and those that are made of them in other forms."""
    found: dict[str, Path] = {}
    for package, place in PLACES.items():
        root = Path(str(importlib.import_module(package).__file__)).parent
        for path in sorted(root.glob(f"{place}/*")):
            if path.suffix in {".csv", ".json", ".gz"}:
                found["stocks2.csv.gz" if path.name == "stocks.csv.gz" else path.name] = path
    for name, origin in MADE.items():
        make(folder / name, found[origin])
        found[name] = folder / name
    return found


def make(path: Path, origin: Path) -> None:
    """Write a table in another form, as people send it."""
    import pandas as pd

    frame = pd.read_json(origin) if origin.suffix == ".json" else pd.read_csv(origin, keep_default_na=False, na_values=[""])
    match path.name:
        case "weather.xlsx":
            total = pd.DataFrame([["Total", frame["precipitation"].sum(), None, None, None, None]], columns=frame.columns)
            with pd.ExcelWriter(path) as book:
                pd.concat([frame, total]).to_excel(book, sheet_name="Days", index=False, startrow=3)
                book.sheets["Days"]["A1"] = "Weather of the station"
                pd.DataFrame({"unit": ["mm", "°C"]}).to_excel(book, sheet_name="Units", index=False)
        case "cars.jsonl":
            path.write_text("\n".join(json.dumps(row) for row in json.loads(origin.read_text())))
        case "stocks.parquet":
            frame.assign(date=pd.to_datetime(frame["date"], format="%b %d %Y")).to_parquet(path)
        case "airports.tsv":
            frame.to_csv(path, sep="\t", index=False)
        case "umsatz.csv":
            frame.to_csv(path, sep=";", decimal=",", index=False, encoding="cp1252")
        case "tips.txt":
            frame.to_csv(path, sep="\t", index=False, encoding="utf-16")
        case "barley.psv":
            frame.to_csv(path, sep="|", index=False)
        case "medals.csv.zip":
            with zipfile.ZipFile(path, "w") as pack:
                pack.writestr("medals.csv", gzip.decompress(origin.read_bytes()))
        case "money.csv":
            frame["total_bill"] = [f"${value:,.2f}" for value in frame["total_bill"]]
            frame["tip"] = [f"{value:.2f}".removeprefix("0") for value in frame["tip"]]
            frame.to_csv(path, index=False)
        case "iowa.json.gz":
            path.write_bytes(gzip.compress(frame.to_json(orient="records").encode()))
        case "columns.json":
            frame.to_json(path, orient="columns")
