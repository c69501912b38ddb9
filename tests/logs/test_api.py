"""Profile, compare, search, trace, fields and evidence over real files."""

import gzip
import io
import json
import random
import re
import zlib
from pathlib import Path
from typing import Any

import pytest

from bot import logs
from bot.logs import command
from bot.logs.evidence import miscitation

WORDS = ["alpha", "beta", "gamma", "delta"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines_of(seed: int = 1, minutes: int = 60, trouble: int | None = 40) -> list[str]:
    rng, lines = random.Random(seed), []
    for minute in range(minutes):
        for second in range(0, 60, 2):
            stamp = f"2026-11-20T14:{minute:02d}:{second:02d}.000Z"
            lines.append(
                f"{stamp} INFO [w-{rng.randint(1, 4)}] {rng.choice(WORDS)} item {rng.randint(1, 999)} took {rng.randint(1, 90)}ms"
            )
            if trouble is not None and trouble <= minute < trouble + 5:
                lines.append(f"{stamp} ERROR [w-1] pool empty, request {rng.getrandbits(64):016x} dropped")
        if trouble is not None and minute == trouble - 1:
            lines.append(f"2026-11-20T14:{minute:02d}:58.500Z INFO [main] pool size changed 100 -> 20")
    return lines


def written(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert command.main(arguments) == 0
    return capsys.readouterr().out


def test_a_profile_names_the_incident_and_the_rare_line_before_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = lines_of()
    written(folder / "app.log", lines)
    cause = lines.index(next(x for x in lines if "pool size" in x)) + 1

    text = said(capsys, "profile", "app.log")

    assert "Suspected incident: 2026-11-20 14:40 to 14:44" in text
    assert f"app.log:{cause} INFO pool size changed" in text
    assert "UTC" in text
    assert len(text.encode()) <= 1_200


def test_a_calm_log_has_no_incident(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(folder / "app.log", lines_of(trouble=None))

    assert "none found" in said(capsys, "profile", "app.log")
    assert json.loads(said(capsys, "profile", "app.log", "--json"))[0]["incidents"] == "none found"


def test_compare_ranks_what_rose_and_the_line_that_caused_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(folder / "app.log", lines_of())

    rows = json.loads(said(capsys, "compare", "app.log", "--window", "14:40..14:45", "--json"))

    assert [(r["template"], r["why"], r["count"], r["baseline"]) for r in rows[:2]] == [
        ("pool empty, request <*> dropped", "new", 150, 0),
        ("pool size changed <*> -> <*>", "rare", 0, 1),
    ]


def test_two_files_are_compared_by_default(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(folder / "bad.log", lines_of(seed=2))
    written(folder / "good.log", lines_of(seed=3, trouble=None))

    text = said(capsys, "compare", "bad.log", "good.log")

    assert text.splitlines()[1].startswith("new, 150 against 0, bad.log:")
    assert "pool empty, request" in text.splitlines()[1]
    assert " item " not in text


@pytest.mark.parametrize("window", ["", "14:39..14:42", "14:00..14:01"])
@pytest.mark.parametrize(
    ("query", "regex"), [("dropped", False), ("took 8", False), (r"item 9\d ", True), ("[w-1]", False), ("a", False)]
)
def test_search_counts_as_a_plain_loop_does(folder: Path, query: str, regex: bool, window: str) -> None:
    lines = lines_of()
    written(folder / "app.log", lines)
    begin, _, end = window.partition("..")
    expected = [
        n for n, line in enumerate(lines, 1)
        if (re.search(query, line) if regex else query in line) and (not window or f"T{begin}" <= line[10:16] < f"T{end}")
    ]  # fmt: skip

    found = logs.search(logs.open_logs(["app.log"]), query, window, limit=500, regex=regex)

    assert found.total == len(expected)
    assert {h.line for h in found.hits} <= set(expected)
    assert sum(found.minutes.values()) == len(expected)


def test_a_search_finds_a_text_in_any_case_only_when_it_is_told_to_ignore_case(folder: Path) -> None:
    written(folder / "app.log", lines_of())
    opened = logs.open_logs(["app.log"])

    totals = [logs.search(opened, "Pool Empty", ignore_case=ignore_case).total for ignore_case in (True, False)]

    assert totals == [150, 0]


def test_a_rotated_set_is_one_log_and_its_lines_are_cited_by_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = lines_of()
    written(folder / "app.log", lines[1200:])
    written(folder / "app.log.1", lines[600:1200])
    (folder / "app.log.2.gz").write_bytes(gzip.compress(("\n".join(lines[:600]) + "\n").encode()))

    opened = logs.open_logs(["app.log", "app.log.1", "app.log.2.gz"])
    found = logs.search(opened, "pool size")

    assert len(opened) == 1
    assert opened[0].index.lines == len(lines)
    [hit] = found.hits
    where = next(n for n, line in enumerate(lines) if "pool size" in line)
    assert (hit.file, hit.line) == ("app.log", where - 1200 + 1)
    asked = [("app.log.1", 1), ("app.log.2.gz", 600), ("app.log.2.gz", 601)]
    assert logs.read_lines(opened, asked) == {asked[0]: lines[600], asked[1]: lines[599]}


def test_trace_follows_one_identifier_through_files_in_the_order_of_time(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(
        folder / "web.log",
        ["2026-11-20T14:00:00Z INFO got r-77", "2026-11-20T14:05:00Z INFO sent r-77", "2026-11-20T14:05:00Z INFO r-8"],
    )
    written(folder / "db.log", ["2026-11-20T14:02:00Z INFO row for r-77"])

    text = said(capsys, "trace", "web.log", "db.log", "--id", "r-77")

    assert [line.split(": ")[0] for line in text.splitlines()[1:]] == ["web.log:1", "db.log:1", "web.log:2"]


def test_the_values_of_a_placeholder_are_counted_with_quantiles(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(folder / "a.log", [f"2026-11-20T14:00:{n % 60:02d}Z INFO job took {n}ms on h-{n % 3}" for n in range(1, 101)])

    found = json.loads(said(capsys, "fields", "a.log", "--template", "job took <*> on h-<*>", "--json"))

    assert found["lines"] == 100
    assert (found["fields"][0]["p50"], found["fields"][0]["max"]) == (50, 100)
    assert found["fields"][1]["top"] == [["1", 34], ["0", 33], ["2", 33]]


def test_the_index_is_built_once_and_again_when_the_file_changes(folder: Path) -> None:
    path = written(folder / "app.log", lines_of())
    logs.open_logs(["app.log"])
    [kept] = (folder / "logs.index").iterdir()
    before = kept.stat().st_mtime_ns

    logs.open_logs(["app.log"])
    assert kept.stat().st_mtime_ns == before

    written(path, lines_of(seed=9, minutes=30))
    assert logs.open_logs(["app.log"])[0].index.lines == len(lines_of(seed=9, minutes=30))
    kept.write_bytes(b"not an index")
    assert logs.open_logs(["app.log"])[0].index.lines == len(lines_of(seed=9, minutes=30))


def test_an_index_of_an_earlier_version_is_built_anew_without_a_word(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    written(folder / "app.log", lines_of())
    [now] = logs.open_logs(["app.log"])
    [kept] = (folder / "logs.index").iterdir()
    fresh = kept.read_bytes()
    kept.write_bytes(as_of_version_1(fresh))

    [again] = logs.open_logs(["app.log"])

    assert again.index == now.index
    assert kept.read_bytes() == fresh
    assert capfd.readouterr() == ("", "")


def as_of_version_1(packed: bytes) -> bytes:
    """What version 1 kept: it counted lines without a time as well."""
    data = zlib.decompress(packed)
    size = int.from_bytes(data[:8], "little")
    head = json.dumps({**json.loads(data[8 : 8 + size]), "version": 1, "untimed": 7}).encode()
    return zlib.compress(len(head).to_bytes(8, "little") + head + data[8 + size :], 1)


def test_the_last_line_that_matches_is_shown_with_the_lines_around_it_however_many_match(folder: Path) -> None:
    lines = [f"2026-11-20T14:{n // 60:02d}:{n % 60:02d}Z INFO tick {n}" for n in range(901)]
    written(folder / "app.log", lines)

    last = logs.search(logs.open_logs(["app.log"]), "tick", limit=500, before=1, after=1).hits[-1]

    assert (last.line, last.text, last.before, last.after) == (901, lines[900], [lines[899]], [])


def test_fifty_true_claims_hold_and_false_ones_are_named(folder: Path) -> None:
    lines = lines_of()
    written(folder / "app.log", lines)
    (folder / "app.log.gz").write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))
    rng = random.Random(4)
    true: list[dict[str, Any]] = [
        {"file": rng.choice(["app.log", "app.log.gz"]), "line": n, "text": lines[n - 1]}
        for n in rng.sample(range(1, len(lines)), 50)
    ]

    assert logs.check({"citations": true}) == []
    wrong = logs.check({
        "citations": [{**true[0], "line": true[0]["line"] + 1}, {"file": "app.log", "line": 99_999, "text": "x"}, {**true[0], "file": "no.log"}],
        "counts": [
            {"file": "app.log", "query": "dropped", "window": "", "value": 150},
            {"file": "app.log", "query": "dropped", "window": "14:40..14:41", "value": 31},
            {"file": "app.log", "query": "/drop+ed/", "window": "14:40..14:41", "value": 30},
        ],
    })  # fmt: skip
    assert len(wrong) == 4
    assert "30 lines of app.log within 14:40..14:41, not in 31" in wrong[3]


def test_secrets_are_masked_in_what_is_shown_and_a_masked_citation_holds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(folder / "app.log", [f"2026-11-20T14:00:{n:02d}Z INFO login user=u{n} password=pw{n}secret" for n in range(50)])

    text = (
        said(capsys, "profile", "app.log")
        + said(capsys, "search", "app.log", "-q", "login")
        + said(capsys, "profile", "app.log", "--json")
    )

    assert "secret" not in text
    assert logs.check({"citations": [{"file": "app.log", "line": 3, "text": "login user=u2 password=[masked]"}]}) == []


def test_what_a_user_must_change_is_said_in_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(folder / "app.log", lines_of())

    for arguments in (
        ("profile", "none.log"),
        ("compare", "app.log", "--window", "yesterday"),
        ("search", "app.log", "-q", "(", "--regex"),
        ("fields", "app.log", "--template", "no wildcard"),
    ):
        assert command.main(arguments) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_check_reads_claims_from_standard_input(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(folder / "app.log", lines_of())
    claims = io.StringIO('{"citations": [{"file": "app.log", "line": 1, "text": "nothing like it"}]}')

    assert command.main(["check"], stdin=claims) == 0
    assert "does not read as you cite it" in json.loads(capsys.readouterr().out)[0]


LINE = "2026-11-20T14:00:00Z  INFO login user=ann password=hunter22 from web-1"


@pytest.mark.parametrize(
    "cited",
    [
        LINE, "login user=ann password=hunter22", "2026-11-20T14:00:00Z INFO login", "info LOGIN",
        "login user=ann password=[masked] from web-1", "  login   user=ann…", "",
    ],
)  # fmt: skip
def test_a_citation_holds_whatever_its_case_its_blanks_its_cut_and_its_masked_secrets(cited: str) -> None:
    assert miscitation("app.log", 7, cited, LINE) is None


@pytest.mark.parametrize("cited", ["login user=bob", "login … user=ann", "from web-1 login"])
def test_a_citation_that_reads_otherwise_is_named_with_the_line_and_without_its_secrets(cited: str) -> None:
    assert miscitation("app.log", 7, cited, LINE) == (
        "app.log:7 does not read as you cite it. It reads: 2026-11-20T14:00:00Z  INFO login user=ann password=[masked] from web-1"
    )


def test_a_citation_behind_the_end_of_a_file_is_named() -> None:
    assert miscitation("app.log", 7, "", None) == "You cite app.log:7, but the file has fewer lines."
