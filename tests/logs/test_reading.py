"""Every format, packing and encoding is read to the same lines, times, levels and messages."""

import bz2
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
import zstandard

from bot.logs.formats import infer
from bot.logs.index import Index
from bot.logs.read_ahead import LARGE, read_ahead
from bot.logs.scan import scan
from bot.logs.sources import NotALog, find_logs
from bot.logs.templates import Tree
from bot.logs.times import STAMPS, BadWindow, read_time, read_window
from tests.logs.incidents.formats import ZONES, Line, Pen

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NAMES = {
    "iso": "text, ISO 8601 times, levels", "python": "Python logging", "java": "Java (logback, log4j)", "json": "JSON lines",
    "json-late": "JSON lines", "syslog": "syslog (RFC 3164)", "rfc5424": "syslog (RFC 5424)", "access": "access log (nginx, Apache)",
    "logfmt": "logfmt", "klog": "klog (Kubernetes)", "docker": "Docker JSON", "journald": "journald JSON",
    "epoch": "text, Unix time times, levels",
}  # fmt: skip
SEEDS = (1, 4, 6, 7, 13)  # they have each dialect of JSON, and syslog with levels in both cases and without
STACK = [f"\tat com.example.shop.{name}.run({name}.java:77)" for name in ("OrderService", "OrderController", "Thread")]


def indexed(path: Path) -> Index:
    [log] = find_logs([str(path)])
    return scan(log)


def written(style: str, zone: str = "", seed: int = 4) -> str:
    """Ten minutes, sixty lines each, every tenth an error."""
    rng, pen = Random(seed), Pen(style, zone or ZONES.get(style, (None,))[0], Random(seed))
    lines: list[str] = []
    for n in range(600):
        bad = n % 10 == 9
        text = f"order {rng.randint(1, 9999)} {'refused: full' if bad else 'stored'}"
        if style == "access":
            text = f"GET /orders/{n}|{'500' if bad else '200'}"
        at = (int(START.timestamp()) + n) * 1000
        lines += pen(Line(at, "ERROR" if bad else "INFO", "web-1", "shop", text))
        lines += STACK if bad and style == "java" else ()
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("style", NAMES)
def test_a_format_is_inferred_with_its_times_levels_and_templates(style: str, seed: int, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(written(style, seed=seed))

    index = indexed(tmp_path / "a.log")

    first = int(START.timestamp()) // 60
    assert index.format == NAMES[style]
    assert index.minutes == list(range(first, first + 10))
    assert sum(k.count for k in index.kinds if k.level == "ERROR") == 60
    assert sum(k.count for k in index.kinds if k.level in {"INFO", ""}) == 540
    assert len(index.kinds) == 2


@pytest.mark.parametrize(
    ("style", "zone", "shift"),
    [("iso", "Z", 0), ("iso", "+02:00", 120), ("iso", "-05:00", -300), ("iso", "+05:30", 330), ("python", "", None)],
)
def test_a_stated_zone_is_read_and_kept_and_one_that_is_not_stated_is_none(
    style: str, zone: str, shift: int | None, tmp_path: Path
) -> None:
    (tmp_path / "a.log").write_text(written(style, zone))

    index = indexed(tmp_path / "a.log")

    assert index.zone == shift
    assert index.minutes[0] == int(START.timestamp()) // 60


def in_two_frames(data: bytes) -> bytes:
    packer = zstandard.ZstdCompressor()
    return packer.compress(data[:9_000]) + packer.compress(data[9_000:])


def zipped(data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("logs/a.log", data)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress), ("zst", in_two_frames), ("zip", zipped)]
)
def test_a_packed_log_reads_as_the_plain_one(name: str, pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(written("iso"))
    (tmp_path / f"a.log.{name}").write_bytes(pack(written("iso").encode()))

    plain, found = indexed(tmp_path / "a.log"), indexed(tmp_path / f"a.log.{name}")

    assert [found.lines, found.minutes, *(k.template for k in found.kinds)] == [
        plain.lines, plain.minutes, *(k.template for k in plain.kinds),
    ]  # fmt: skip
    assert found.count == plain.count


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_any_encoding_is_read(encoding: str, tmp_path: Path) -> None:
    text = written("iso").replace("stored", "gespeichert für Jürgen")
    (tmp_path / "a.log").write_bytes(text.encode(encoding))

    index = indexed(tmp_path / "a.log")

    assert index.lines == 600
    assert [k.template for k in index.kinds] == ["order <*> gespeichert für Jürgen", "order <*> refused: full"]


def test_a_second_process_reads_the_same_blocks_and_the_same_errors(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(written("iso"))
    (tmp_path / "b.log.gz").write_bytes(gzip.compress(written("iso").encode())[:-900])
    [whole], [broken] = find_logs([str(tmp_path / "a.log")]), find_logs([str(tmp_path / "b.log.gz")])

    assert [*read_ahead(whole, bytes.upper, large=1)] == [*read_ahead(whole, bytes.upper)]
    for large in (1, LARGE):
        with pytest.raises(NotALog, match=r"b.log.gz cannot be read: Compressed file ended"):
            [*read_ahead(broken, bytes.upper, large)]


def test_templates_become_one_when_the_word_that_they_differ_in_takes_many_values() -> None:
    few, many = Tree(), Tree()

    of_three = [few.place(f"queue is {word} now") for word in ("red", "green", "blue")]
    of_four = [many.place(f"queue is {word} now") for word in ("red", "green", "blue", "grey")]

    assert [few.text(number) for number in of_three] == ["queue is red now", "queue is green now", "queue is blue now"]
    assert [many.text(number) for number in of_four] == ["queue is <*> now"] * 4
    assert len({many.final(number) for number in of_four}) == 1


def test_stack_traces_are_folded_into_the_record_they_belong_to(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(written("java"))

    index = indexed(tmp_path / "a.log")

    assert index.folded == 60 * 3
    assert index.lines == 600 + 180


def test_a_line_longer_than_memory_should_hold_stays_one_line(tmp_path: Path) -> None:
    long = "2026-11-20T12:00:00Z INFO blob " + "x" * 12_000_000
    after = "2026-11-20T12:01:00Z INFO after"
    (tmp_path / "a.log").write_text(f"{long}\n{after}\n{after}\n")

    index = indexed(tmp_path / "a.log")

    assert index.lines == 3
    assert [(k.count, k.first) for k in index.kinds] == [(1, 1), (2, 2)]


def test_lines_out_of_order_are_counted_in_their_own_minute(tmp_path: Path) -> None:
    lines = [f"2026-11-20T12:{m:02d}:00Z INFO tick {n}" for m in (0, 1, 2, 3) for n in range(40)]
    lines.insert(100, "2026-11-20T12:00:59Z INFO tick late")
    (tmp_path / "a.log").write_text("\n".join(lines))

    index = indexed(tmp_path / "a.log")

    assert index.late == 1
    assert index.series()[index.minutes[0]] == 41


@pytest.mark.parametrize(
    "data", [bytes(range(256)) * 40, b"\x7fELF\x02\x01\x01\0\0\0" * 100, b"PK\x03\x04broken"], ids=["bytes", "elf", "zip"],
)  # fmt: skip
def test_what_is_not_text_is_refused_in_words(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(data)

    with pytest.raises(NotALog):
        indexed(tmp_path / "a.log")


def test_an_empty_log_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"")

    assert indexed(tmp_path / "a.log").lines == 0


@pytest.mark.parametrize(
    ("expected", "line"), [line.split("\t") for line in Path(__file__).with_name("times.txt").read_text().splitlines()]
)
def test_a_time_is_read_in_any_of_its_forms(expected: str, line: str) -> None:
    stamp = infer([line] * 20).stamp
    assert stamp is not None
    found = stamp.pattern.search(line)
    assert found is not None

    when = read_time(found, 2026)

    assert when is not None
    assert datetime.fromtimestamp(when.seconds, UTC).strftime("%Y-%m-%d %H:%M") == expected


@pytest.mark.parametrize(("text", "zone", "expected"), json.loads(Path(__file__).with_name("windows.json").read_text()))
def test_a_window_is_read_on_the_logs_own_clock(text: str, zone: int | None, expected: list[str]) -> None:
    first = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()) // 60

    found = read_window(text, first, first + 15 * 60, zone)

    assert [datetime.fromtimestamp(m * 60, UTC).strftime("%d %H:%M") for m in found] == expected


@pytest.mark.parametrize("text", ["14:00", "soon..later", "2026-11-20T15:00..2026-11-20T14:00", "25:00..26:00"])
def test_a_window_that_cannot_be_read_is_refused_in_words(text: str) -> None:
    with pytest.raises(BadWindow):
        read_window(text, 29_900_000, 29_900_600, 0)


def test_every_stamp_has_a_name_of_its_own() -> None:
    assert len({s.name for s in STAMPS}) == len(STAMPS)
