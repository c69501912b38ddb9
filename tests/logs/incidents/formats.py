"""How a line is written: twelve formats and the zones each can name."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import NamedTuple

from tests.logs.incidents.words import PEOPLE, SLOTS, VOCABULARY, words


class Line(NamedTuple):
    """One record to be written: the instant on its stamp, in milliseconds, and what is said by whom."""

    at: int
    level: str
    host: str
    service: str
    text: str
    trace: tuple[str, ...] = ()
    access: bool = False


Render = Callable[[Line], tuple[str, ...]]

ZONES: dict[str, tuple[str | None, ...]] = {
    "iso": ("Z", "+02:00", None, "-05:00"), "python": (None,), "java": (None, "+02:00"), "json": ("Z", "-05:00", "+05:30"),
    "syslog": (None,), "rfc5424": ("+02:00", "Z", "-05:00"), "nginx": ("Z",), "logfmt": ("Z", "+02:00"), "klog": (None,),
    "docker": ("Z",), "journald": ("Z",), "epoch": ("Z",), "access": ("+02:00", "Z", "-05:00"),
}  # fmt: skip
MONTHS = words("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec")
TERSE = {"DEBUG": "D", "INFO": "I", "WARN": "W", "ERROR": "E", "FATAL": "F"}
PRIORITY = {"DEBUG": 7, "INFO": 6, "WARN": 4, "ERROR": 3, "FATAL": 2}
PINO = {"DEBUG": 20, "INFO": 30, "WARN": 40, "ERROR": 50, "FATAL": 60}
NGINX = {"DEBUG": "debug", "INFO": "notice", "WARN": "warn", "ERROR": "error", "FATAL": "crit"}
AGENTS = VOCABULARY["agents"]


class Clock:
    """Writes instants as one pattern in one zone, working each second out once."""

    def __init__(self, pattern: str, zone: str | None) -> None:
        self._pattern = pattern
        self._zone: timezone = UTC if zone in (None, "Z") else _offset(zone)
        self._second, self._text = -1, ""

    def __call__(self, at: int) -> str:
        """Return the instant's text down to the second."""
        second = at // 1000
        if second != self._second:
            moment = datetime.fromtimestamp(second, UTC).astimezone(self._zone)
            self._second = second
            self._text = moment.strftime(self._pattern.replace("%b", MONTHS[moment.month - 1]))
        return self._text


def _offset(zone: str | None) -> timezone:
    assert zone is not None
    sign = -1 if zone[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[4:])))


def renderer(format: str, zone: str | None, rng: Random) -> Render:
    """Return what writes a line in a format and a zone; details that vary among programs are drawn from `rng`."""
    return RENDERERS[format](zone, rng)


def _iso(zone: str | None, rng: Random) -> Render:
    clock, end = Clock("%Y-%m-%dT%H:%M:%S", zone), zone or ""

    def render(line: Line) -> tuple[str, ...]:
        thread = f"http-{1 + int(rng.random() * 64)}"
        head = f"{clock(line.at)}.{line.at % 1000:03d}{end} {line.level} {line.service}"
        return (f"{head} [{line.host}:{thread}] {line.text}",)

    return render


def _python(zone: str | None, rng: Random) -> Render:
    clock = Clock("%Y-%m-%d %H:%M:%S", zone)
    names = {"WARN": "WARNING", "FATAL": "CRITICAL"}

    def render(line: Line) -> tuple[str, ...]:
        level = names.get(line.level, line.level)
        head = f"{clock(line.at)},{line.at % 1000:03d} - {line.service}.{line.host} - {level} - {line.text}"
        if not line.trace:
            return (head,)
        frames = (f'  File "/app/{line.service}/{name}.py", line {40 + len(name)}, in {name}' for name in line.trace[1:])
        return (head, "Traceback (most recent call last):", *frames, f"{line.trace[0]}: see above")

    return render


def _java(zone: str | None, rng: Random) -> Render:
    clock, end = Clock("%Y-%m-%d %H:%M:%S" if zone is None else "%Y-%m-%dT%H:%M:%S", zone), zone or ""

    def render(line: Line) -> tuple[str, ...]:
        thread = f"{line.host}-exec-{1 + int(rng.random() * 40)}"
        head = f"{clock(line.at)}.{line.at % 1000:03d}{end} [{thread}] {line.level:5} com.acme.{line.service} - {line.text}"
        if not line.trace:
            return (head,)
        frames = (f"\tat com.acme.{line.service}.{name}.run({name}.java:{60 + len(name)})" for name in line.trace[1:])
        return (head, f"com.acme.{line.trace[0]}: see above", *frames, "\t... 42 common frames omitted")

    return render


def _json(zone: str | None, rng: Random) -> Render:
    clock, end = Clock("%Y-%m-%dT%H:%M:%S", zone), zone or ""
    dialect = rng.choice((0, 1, 2, 3) if zone == "Z" else (0, 1, 3))

    def render(line: Line) -> tuple[str, ...]:
        at, ms, who, where, text = clock(line.at), f"{line.at % 1000:03d}", line.service, line.host, line.text
        pid = int(rng.random() * 9)
        if dialect == 0:
            body = f'"ts":"{at}.{ms}{end}","level":"{line.level.lower()}","msg":"{text}","service":"{who}","host":"{where}"'
        elif dialect == 1:
            body = f'"@timestamp": "{at}.{ms}{end}", "severity": "{line.level}", "logger": "{who}"'
            body += f', "message": "{text}", "host": {{"name": "{where}"}}'
        elif dialect == 2:
            body = f'"level":{PINO[line.level]},"time":{line.at},"pid":{pid},"hostname":"{where}","name":"{who}","msg":"{text}"'
        else:
            body = f'"time":"{at}.{ms}{end}","lvl":"{line.level}","app":"{who}","node":"{where}","thread":{pid},"event":"{text}"'
        stack = f',"stack":"{line.trace[0]}: see above"' if line.trace else ""
        return (f"{{{body}{stack}}}",)

    return render


def _syslog(zone: str | None, rng: Random) -> Render:
    clock, named, base = Clock("%b %e %H:%M:%S", zone), rng.random() < 0.66, rng.randrange(300, 9_000)

    def render(line: Line) -> tuple[str, ...]:
        level = f"{line.level}: " if named else ""
        pid = base + len(line.service) * 31 + ord(line.host[-1])
        return (f"{clock(line.at)} {line.host} {line.service}[{pid}]: {level}{line.text}",)

    return render


def _rfc5424(zone: str | None, rng: Random) -> Render:
    clock, end, base = Clock("%Y-%m-%dT%H:%M:%S", zone), zone or "", rng.randrange(300, 9_000)

    def render(line: Line) -> tuple[str, ...]:
        head = f"<{128 + PRIORITY[line.level]}>1 {clock(line.at)}.{line.at % 1000:03d}{end} {line.host} {line.service}"
        return (f"{head} {base + len(line.service)} - - {line.text}",)

    return render


def _logfmt(zone: str | None, rng: Random) -> Render:
    clock, end = Clock("%Y-%m-%dT%H:%M:%S", zone), zone or ""

    def render(line: Line) -> tuple[str, ...]:
        head = f"time={clock(line.at)}.{line.at % 1000:03d}{end} level={line.level.lower()}"
        return (f'{head} msg="{line.text}" service={line.service} host={line.host}',)

    return render


def _klog(zone: str | None, rng: Random) -> Render:
    clock = Clock("%m%d %H:%M:%S", zone)

    def render(line: Line) -> tuple[str, ...]:
        stamp = f"{TERSE[line.level]}{clock(line.at)}.{line.at % 1000:03d}{int(rng.random() * 1000):03d}"
        return (f"{stamp}       1 {line.service}.go:{100 + len(line.text) % 7 * 31}] {line.text} node={line.host}",)

    return render


def _docker(zone: str | None, rng: Random) -> Render:
    clock = Clock("%Y-%m-%dT%H:%M:%S", zone)

    def render(line: Line) -> tuple[str, ...]:
        stream = "stderr" if line.level in ("ERROR", "FATAL") else "stdout"
        end = f'\\n","stream":"{stream}","time":"{clock(line.at)}.{line.at % 1000:03d}{int(rng.random() * 1e6):06d}Z"}}'
        said = (f"{line.level} {line.service} {line.host} {line.text}", *_frames(line))
        return tuple(f'{{"log":"{text}{end}' for text in said)

    return render


def _frames(line: Line) -> tuple[str, ...]:
    return (f"{line.trace[0]}: see above", *(f"    at {name}" for name in line.trace[1:])) if line.trace else ()


def _journald(zone: str | None, rng: Random) -> Render:
    def render(line: Line) -> tuple[str, ...]:
        at = f'"__REALTIME_TIMESTAMP":"{line.at}{int(rng.random() * 1000):03d}","PRIORITY":"{PRIORITY[line.level]}"'
        who = f'"_HOSTNAME":"{line.host}","SYSLOG_IDENTIFIER":"{line.service}"'
        return (f'{{{at},{who},"MESSAGE":"{line.text}"}}',)

    return render


def _epoch(zone: str | None, rng: Random) -> Render:
    return lambda line: (f"{line.at} {line.level} {line.host} {line.service}: {line.text}",)


def _access(zone: str | None, rng: Random) -> Render:
    clock, end = Clock("%d/%b/%Y:%H:%M:%S", zone), "+0000" if zone in (None, "Z") else str(zone).replace(":", "")

    def render(line: Line) -> tuple[str, ...]:
        request, status, *rest = line.text.split("|")
        client, agent = rest or (SLOTS["ip"](rng), AGENTS[int(rng.random() * 5)])
        user = PEOPLE(rng) if rng.random() < 0.1 else "-"
        size = 162 if status >= "400" else 0 if status in ("204", "304") else int(rng.random() * 20_000)
        return (f'{client} - {user} [{clock(line.at)} {end}] "{request} HTTP/1.1" {status} {size} "-" "{agent}"',)

    return render


def _nginx(zone: str | None, rng: Random) -> Render:
    clock, access = Clock("%Y/%m/%d %H:%M:%S", zone), _access(zone, rng)

    def render(line: Line) -> tuple[str, ...]:
        if line.access:
            return access(line)
        head = f"{clock(line.at)} [{NGINX[line.level]}] {700 + ord(line.host[-1])}#0: *{int(rng.random() * 90_000)}"
        return (f"{head} {line.text}, server: {line.service}.{line.host}",)

    return render


RENDERERS: dict[str, Callable[[str | None, Random], Render]] = {
    "iso": _iso, "python": _python, "java": _java, "json": _json, "syslog": _syslog, "rfc5424": _rfc5424, "nginx": _nginx,
    "logfmt": _logfmt, "klog": _klog, "docker": _docker, "journald": _journald, "epoch": _epoch, "access": _access,
}  # fmt: skip
