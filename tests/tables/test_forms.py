"""Every form in which people write a table is read to the same values, and what was decided or left out is said."""

import bz2
import gzip
import lzma
import tomllib
import zipfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.tables import Column, Found, Profile, TableError, is_table, parsed, profile, rows, told
from bot.tables.cells import number
from bot.tables.command import main
from bot.tables.measures import adds

D = date
FORMS = tomllib.loads(Path(__file__).with_name("forms.toml").read_text())


def written(folder: Path, text: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        *(pytest.param(case["cells"], case["values"], id=case["id"]) for case in FORMS["cells"]),
        pytest.param(["#N/A", "–", "1", "n/a", "2"], [None, None, 1, None, 2], id="missing"),  # TOML has no null
    ],
)
def test_a_cell_is_read_as_its_column_writes_it(tmp_path: Path, cells: list[str], values: list[object]) -> None:
    found = rows(written(tmp_path, "name\tit\n" + "".join(f"x\t{cell}\n" for cell in cells)))

    assert [row["it"] for row in found] == values
    assert not found.unreadable


@pytest.mark.parametrize(
    ("text", "names", "count", "notes"),
    [pytest.param(c["text"], c["names"], c["count"], c["notes"], id=c["id"]) for c in FORMS["tables"]],
)
def test_a_table_is_found_in_what_is_around_it(tmp_path: Path, text: str, names: list[str], count: int, notes: list[str]) -> None:
    found = rows(written(tmp_path, text))

    assert list(found[0]) == names
    assert len(found) == count
    assert len(found.notes) == len(notes) or len(notes) > 1
    assert all(any(part in note for note in found.notes) for part in notes), found.notes


@pytest.mark.parametrize(
    ("text", "value", "note"),
    [
        ("k;n\na;1.234\nb;5.678\n", 1234, "“1.234” is read as 1234"),
        ("k;n;m\na;1.234;1.5\nb;5.678;2.5\n", 1.234, ""),
        ("k;n;m\na;1.234;1,5\nb;5.678;2,5\n", 1234, ""),
        ("k,n\na,1.234\nb,5.678\n", 1.234, ""),
        ("k,n\na,01/02/2024\n", D(2024, 1, 2), "read as month/day"),
        ("k;n\na;01/02/2024\n", D(2024, 2, 1), "read as day/month"),
        ("k,n,m\na,01/02/2024,31/12/2024\n", D(2024, 2, 1), ""),
        ("k,n\na,$3\nb,€4\n", 3, "$, €, and were not converted"),
    ],
)
def test_what_a_column_does_not_tell_is_taken_from_its_file_or_said(tmp_path: Path, text: str, value: object, note: str) -> None:
    found = rows(written(tmp_path, text))

    assert found[0]["n"] == value
    assert (note in found.notes[0]) if note else not found.notes


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_every_encoding_is_read_to_the_same(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, "Ort\tGröße\nMünchen\t1,5\nKöln\t2,5\n".encode(encoding), "t.txt")

    assert rows(path) == [{"Ort": "München", "Größe": 1.5}, {"Ort": "Köln", "Größe": 2.5}]


@pytest.mark.parametrize(
    "text",
    [
        '[{"a": 1, "b": {"c": "x"}}, {"a": 2, "b": {"c": "y"}}]', '{"data": [{"a": 1, "b.c": "x"}, {"a": 2, "b.c": "y"}]}',
        '{"a": [1, 2], "b.c": ["x", "y"]}', '{"a": {"0": 1, "1": 2}, "b.c": {"0": "x", "1": "y"}}',
        '{"columns": ["a", "b.c"], "data": [[1, "x"], [2, "y"]]}', '{"a": 1, "b": {"c": "x"}}\n{"a": 2, "b": {"c": "y"}}\n',
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"a": 1, "b.c": "x"}}, '
        '{"type": "Feature", "properties": {"a": 2, "b.c": "y"}}]}',
    ],
)  # fmt: skip
def test_every_shape_of_json_is_read_to_the_same(tmp_path: Path, text: str) -> None:
    assert rows(written(tmp_path, text, "t.json")) == [{"a": 1, "b.c": "x"}, {"a": 2, "b.c": "y"}]


def test_broken_lines_of_json_are_counted(tmp_path: Path) -> None:
    found = rows(written(tmp_path, '{"a": 1}\n{"a": 2, \n{"a": 3}\n', "t.jsonl"))

    assert [row["a"] for row in found] == [1, 3]
    assert found.notes == ["1 line is not JSON, and left out"]


def test_packed_tables_are_read(tmp_path: Path) -> None:
    text = b"a,b\n1,2\n3,4\n"
    for name, packed in (("gz", gzip.compress(text)), ("bz2", bz2.compress(text)), ("xz", lzma.compress(text))):
        assert len(rows(written(tmp_path, packed, f"t.csv.{name}"))) == 2
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as pack:
        pack.writestr("in/t.csv", text)
        pack.writestr("readme.txt", "hello")
    assert len(rows(tmp_path / "one.zip")) == 2


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "t.csv", "“t.csv” is empty."),
        (b"\n\n", "t.csv", "“t.csv” holds no table."),
        (b"%PDF-1.4 x", "t.csv", "“t.csv” is a PDF, not a table."),
        (b"<html><body>", "t.csv", "“t.csv” is a web page or XML, not a table."),
        (bytes(range(1, 256)) * 20, "t.csv", "“t.csv” holds bytes that are no text."),
        (b"3", "t.json", "“t.json” is JSON, but not a list of records."),
        (b'{"a": [1, 2', "t.json", "“t.json” is not JSON: something is wrong in line 1."),
        (gzip.compress(b"a,b\n" * 999, mtime=0)[:-20], "t.csv.gz", "“t.csv.gz” cannot be unpacked: "),
        (b"INFO it began, well\nINFO it ended\n", "t.txt", "“t.txt” holds no table."),
    ],
)
def test_what_is_no_table_is_said_in_a_sentence(
    tmp_path: Path, content: bytes, name: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, content, name)

    assert main(["profile", str(path)], kept=tmp_path) == 1
    said = capsys.readouterr()
    assert said.err.startswith(sentence)
    assert said.err.count("\n") == 1
    assert not said.out


def test_a_zip_of_several_tables_asks_which(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as pack:
        pack.writestr("a.csv", "a\n1\n")
        pack.writestr("b.csv", "b\n1\n")

    with pytest.raises(TableError, match=r"holds 2 files: “a.csv”, “b.csv”\. Say which one\."):
        rows(tmp_path / "two.zip")


def test_cells_that_cannot_be_read_are_counted_and_shown(tmp_path: Path) -> None:
    found = profile(written(tmp_path, "k,n\na,1\nb,2\nc,three\nd,\ne,5\nNorth,6\n"), find=["north", "West"])

    assert found.rows == 6
    assert found.columns[1] == Column(
        name="n", kind="number", missing=1, unreadable=1, unread=("three",), least="1", most="6", distinct=4
    )
    assert found.found == (Found("north", "k", "North", 1),)


@pytest.mark.parametrize(
    ("name", "unit", "how"),
    [
        ("Sales (EUR)", "", "sum"), ("Gesamtumsatz", "", "sum"), ("total_price", "$", "sum"),
        ("Population", "", "sum"), ("n_tup", "", ""),
        ("price", "$", "mean"), ("unitPrice", "", "mean"), ("Stückpreis", "€", "mean"), ("Temp [°C]", "", "mean"),
        ("share", "%", "mean"),
        ("Body Mass (g)", "", "mean"), ("Persons per sq km", "", "mean"), ("age", "", "mean"),
        ("orderId", "", "none"), ("year", "", "none"),
        ("Postal Code", "", "none"), ("lat", "", "none"), ("discount", "", ""), ("column 3", "", ""),
    ],
)  # fmt: skip
def test_the_name_of_a_column_tells_how_it_adds_up(name: str, unit: str, how: str) -> None:
    assert adds(name, unit) == how


def test_the_numbers_of_rows_are_not_averaged() -> None:
    assert (adds("index", "", 0, 99, 100), adds("index", "", 80, 140, 37)) == ("none", "mean")


def test_names_of_tables_are_known() -> None:
    assert all(map(is_table, ["a.csv", "A.TSV", "b.xlsx", "c.json.gz", "d.parquet", "e.ndjson", "x/f.csv.zip"]))
    assert not any(map(is_table, ["a.py", "a.log", "csv", "b.csv.py", "c.zip"]))


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = words.filter(lambda word: word.strip() != "")
counts = st.integers(0, 10**9)
columns = st.builds(
    Column, name=words, kind=st.sampled_from(["number", "date", "text"]), missing=counts, unreadable=st.just(0), distinct=counts,
    unit=st.sampled_from(["", "%", "$", '"']), least=st.just(""), most=st.just(""), adds=st.just(""),
    values=st.tuples() | st.tuples(names, names),
)  # fmt: skip


@given(
    st.builds(
        Profile, file=words, form=words, rows=counts, size=counts, columns=st.lists(columns, max_size=4).map(tuple),
        found=st.lists(st.builds(Found, words, words, words, counts), max_size=3).map(tuple),
    )
)  # fmt: skip
def test_what_is_told_of_a_profile_is_read_back(found: Profile) -> None:
    assert parsed(f"before\n{told(found)}\nafter") == found


@given(st.floats(-1e12, 1e12).map(lambda n: round(n, 2)))
def test_a_number_is_the_same_in_every_way_of_writing_it(value: float) -> None:
    english = f"{abs(value):,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    sign = "−" if value < 0 else ""

    assert number(f"{sign}{english}") == number(f"{sign}{german}", ",") == value
    assert number(f"({english})" if value < 0 else f"${english}") == value
    assert number(f"{sign}{german.replace('.', ' ')} €", ",") == value
