"""How a line is written: twelve formats and the zones each can name."""

import json
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import NamedTuple

from tests.logs.incidents.words import PEOPLE, SLOTS, VOCABULARY


class Line(NamedTuple):
    """One record to be written: the instant on its stamp, in milliseconds, and what is said by whom."""

    at: int
    level: str
    host: str
    service: str
    text: str
    trace: tuple[str, ...] = ()
    access: bool = False


ZONES: dict[str, tuple[str | None, ...]] = {
    "iso": ("Z", "+02:00", None, "-05:00"), "python": (None,), "java": (None, "+02:00"), "json": ("Z", "-05:00", "+05:30"),
    "syslog": (None,), "rfc5424": ("+02:00", "Z", "-05:00"), "nginx": ("Z",), "logfmt": ("Z", "+02:00"), "klog": (None,),
    "docker": ("Z",), "journald": ("Z",), "epoch": ("Z",), "access": ("+02:00", "Z", "-05:00"),
}  # fmt: skip
TERSE = {"DEBUG": "D", "INFO": "I", "WARN": "W", "ERROR": "E", "FATAL": "F"}
PRIORITY = {"DEBUG": 7, "INFO": 6, "WARN": 4, "ERROR": 3, "FATAL": 2}
PINO = {"DEBUG": 20, "INFO": 30, "WARN": 40, "ERROR": 50, "FATAL": 60}
NGINX = {"DEBUG": "debug", "INFO": "notice", "WARN": "warn", "ERROR": "error", "FATAL": "crit"}
AGENTS = VOCABULARY["agents"]


class Pen:
    """What the lines of one log have in common: a clock, and details that vary among programs."""

    def __init__(self, format: str, zone: str | None, rng: Random) -> None:
        self._write, self._pattern = WRITTEN[format]
        self._zone = datetime.strptime(zone or "Z", "%z").tzinfo
        self.end, self.rng, self.base = zone or "", rng, rng.randrange(300, 9_000)
        self.level: Callable[[str], str] = rng.choice((str.upper, str.lower, lambda level: ""))
        self.dialect = rng.choice((0, 1, 2, 3) if zone == "Z" else (0, 1, 3))

    def __call__(self, line: Line) -> tuple[str, ...]:
        """Return the lines of a record."""
        written = self._write(self, line)
        return (written,) if isinstance(written, str) else tuple(written)

    def at(self, line: Line, pattern: str = "") -> str:
        """The stamp down to the second."""
        return datetime.fromtimestamp(line.at // 1000, self._zone).strftime(pattern or self._pattern)

    def exact(self, line: Line) -> str:
        """The stamp down to the millisecond, with its zone."""
        return f"{self.at(line)}.{line.at % 1000:03d}{self.end}"

    def below(self, limit: int) -> int:
        """A number that differs from line to line."""
        return int(self.rng.random() * limit)


def _iso(pen: Pen, line: Line) -> str:
    return f"{pen.exact(line)} {line.level} {line.service} [{line.host}:http-{1 + pen.below(64)}] {line.text}"


def _python(pen: Pen, line: Line) -> list[str]:
    level = {"WARN": "WARNING", "FATAL": "CRITICAL"}.get(line.level, line.level)
    head = f"{pen.at(line)},{line.at % 1000:03d} - {line.service}.{line.host} - {level} - {line.text}"
    frames = [f'  File "/app/{line.service}/{name}.py", line {40 + len(name)}, in {name}' for name in line.trace[1:]]
    return [head, *(["Traceback (most recent call last):", *frames, f"{line.trace[0]}: see above"] if line.trace else [])]


def _java(pen: Pen, line: Line) -> list[str]:
    stamp = pen.exact(line).replace("T", "T" if pen.end else " ")
    head = f"{stamp} [{line.host}-exec-{1 + pen.below(40)}] {line.level:5} com.acme.{line.service} - {line.text}"
    frames = [f"\tat com.acme.{line.service}.{name}.run({name}.java:{60 + len(name)})" for name in line.trace[1:]]
    return [head, *([f"com.acme.{line.trace[0]}: see above", *frames, "\t... 42 common frames omitted"] if line.trace else [])]


def _json(pen: Pen, line: Line) -> str:
    at, who, where, text, pid = pen.exact(line), line.service, line.host, line.text, pen.below(9)
    fields: dict[str, object]
    stack = {"stack": f"{line.trace[0]}: see above"} if line.trace else {}
    match pen.dialect:
        case 0:
            fields = {"ts": at, "level": line.level.lower(), "msg": text, "service": who, "host": where}
        case 1:
            said = {"@timestamp": at, "severity": line.level, "logger": who, "message": text, "host": {"name": where}}
            return json.dumps(said | stack)
        case 2:
            fields = {"level": PINO[line.level], "time": line.at, "pid": pid, "hostname": where, "name": who, "msg": text}
        case _:
            fields = {"time": at, "lvl": line.level, "app": who, "node": where, "thread": pid, "event": text}
    return json.dumps(fields | stack, separators=(",", ":"))


def _json_late(pen: Pen, line: Line) -> str:
    labels = {"host": line.host, "part": line.service}
    return json.dumps({"severity": line.level, "message": line.text, "labels": labels, "timestamp": pen.exact(line)})


def _syslog(pen: Pen, line: Line) -> str:
    level = f"{level}: " if (level := pen.level(line.level)) else ""
    pid = pen.base + len(line.service) * 31 + ord(line.host[-1])
    return f"{pen.at(line)} {line.host} {line.service}[{pid}]: {level}{line.text}"


def _rfc5424(pen: Pen, line: Line) -> str:
    who = f"{line.host} {line.service} {pen.base + len(line.service)}"
    return f"<{128 + PRIORITY[line.level]}>1 {pen.exact(line)} {who} - - {line.text}"


def _logfmt(pen: Pen, line: Line) -> str:
    return f'time={pen.exact(line)} level={line.level.lower()} msg="{line.text}" service={line.service} host={line.host}'


def _klog(pen: Pen, line: Line) -> str:
    stamp = f"{TERSE[line.level]}{pen.at(line)}.{line.at % 1000:03d}{pen.below(1000):03d}"
    return f"{stamp}       1 {line.service}.go:{100 + len(line.text) % 7 * 31}] {line.text} node={line.host}"


def _docker(pen: Pen, line: Line) -> list[str]:
    stream = "stderr" if line.level in ("ERROR", "FATAL") else "stdout"
    end = f'\\n","stream":"{stream}","time":"{pen.at(line)}.{line.at % 1000:03d}{pen.below(10**6):06d}Z"}}'
    frames = [f"{line.trace[0]}: see above", *(f"    at {name}" for name in line.trace[1:])] if line.trace else []
    head = f"[{line.level}] {line.service}:" if pen.dialect else f"{line.level} {line.service} {line.host}"
    return [f'{{"log":"{text}{end}' for text in (f"{head} {line.text}", *frames)]


def _journald(pen: Pen, line: Line) -> str:
    at = f'"__REALTIME_TIMESTAMP":"{line.at}{pen.below(1000):03d}","PRIORITY":"{PRIORITY[line.level]}"'
    return f'{{"__CURSOR":"s={pen.below(600):x}",{at},"_HOSTNAME":"{line.host}","SYSLOG_IDENTIFIER":"{line.service}","MESSAGE":"{line.text}"}}'


def _epoch(pen: Pen, line: Line) -> str:
    who = f"{line.host} {line.level}" if pen.dialect else f"{line.level} {line.host}"
    return f"{line.at} {who} {line.service}: {line.text}"


def _access(pen: Pen, line: Line) -> str:
    request, status, *rest = line.text.split("|")
    client, agent = rest or (SLOTS["ip"](pen.rng), AGENTS[pen.below(5)])
    user = PEOPLE(pen.rng) if pen.rng.random() < 0.1 else "-"
    size = 162 if status >= "400" else 0 if status in ("204", "304") else pen.below(20_000)
    zone = "+0000" if pen.end in ("", "Z") else pen.end.replace(":", "")
    return f'{client} - {user} [{pen.at(line, _WEB)} {zone}] "{request} HTTP/1.1" {status} {size} "-" "{agent}"'


def _nginx(pen: Pen, line: Line) -> str:
    if line.access:
        return _access(pen, line)
    head = f"{pen.at(line)} [{NGINX[line.level]}] {700 + ord(line.host[-1])}#0: *{pen.below(90_000)}"
    return f"{head} {line.text}, server: {line.service}.{line.host}"


_ISO, _WEB = "%Y-%m-%dT%H:%M:%S", "%d/%b/%Y:%H:%M:%S"
WRITTEN: dict[str, tuple[Callable[[Pen, Line], str | list[str]], str]] = {
    "iso": (_iso, _ISO), "python": (_python, "%Y-%m-%d %H:%M:%S"), "java": (_java, _ISO), "json": (_json, _ISO),
    "json-late": (_json_late, _ISO), "syslog": (_syslog, "%b %e %H:%M:%S"), "rfc5424": (_rfc5424, _ISO),
    "nginx": (_nginx, "%Y/%m/%d %H:%M:%S"), "logfmt": (_logfmt, _ISO), "klog": (_klog, "%m%d %H:%M:%S"), "docker": (_docker, _ISO),
    "journald": (_journald, _ISO), "epoch": (_epoch, _ISO), "access": (_access, _WEB),
}  # fmt: skip
