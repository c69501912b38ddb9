"""How lines are written: one function per format, from a time, a level, a host, a component and a message."""

import json
from collections.abc import Callable
from datetime import datetime

Render = Callable[[datetime, str, str, str, str, int], str]
_SEVERITY = {"DEBUG": 7, "INFO": 6, "NOTICE": 5, "WARN": 4, "ERROR": 3}
STACK = (
    "\tat com.example.shop.orders.OrderService.place(OrderService.java:214)",
    "\tat com.example.shop.web.OrderController.post(OrderController.java:77)",
    "\tat java.base/java.lang.Thread.run(Thread.java:1583)",
)


def _ms(at: datetime) -> str:
    return f"{at.microsecond // 1000:03d}"


def _offset(at: datetime) -> str:
    text = at.strftime("%z")
    return "Z" if text == "+0000" else f"{text[:3]}:{text[3:]}"


def _iso(at: datetime, level: str, host: str, part: str, message: str, number: int) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{_ms(at)}{_offset(at)} {level} {part} [{host}-{number % 16}] {message}"


def _python(at: datetime, level: str, host: str, part: str, message: str, number: int) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S},{_ms(at)} - {host}.{part} - {'WARNING' if level == 'WARN' else level} - {message}"


def _java(at: datetime, level: str, host: str, part: str, message: str, number: int) -> str:
    line = f"{at:%Y-%m-%d %H:%M:%S}.{_ms(at)} [{host}-exec-{number % 32}] {level:<5} com.example.shop.{part} - {message}"
    return "\n".join((line, *STACK)) if level == "ERROR" else line


def _json(at: datetime, level: str, host: str, part: str, message: str, number: int) -> str:
    stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{_ms(at)}{_offset(at)}"
    return json.dumps({"ts": stamp, "level": level.lower(), "logger": part, "host": host, "msg": message, "seq": number})


def _json_late(at: datetime, level: str, host: str, part: str, message: str, number: int) -> str:
    stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{_ms(at)}{_offset(at)}"
    return json.dumps({"severity": level, "message": message, "labels": {"host": host, "part": part}, "timestamp": stamp})


def _syslog(at: datetime, level: str, host: str, part: str, message: str, number: int) -> str:
    word = {"ERROR": "error: ", "WARN": "warning: "}.get(level, "")
    return f"{at:%b} {at.day:2d} {at:%H:%M:%S} {host} {part}[{1000 + number % 40}]: {word}{message}"


def _syslog5424(at: datetime, level: str, host: str, part: str, message: str, number: int) -> str:
    stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{_ms(at)}{_offset(at)}"
    return f"<{16 * 8 + _SEVERITY[level]}>1 {stamp} {host} {part} {1000 + number % 40} - - {message}"


def _access(at: datetime, level: str, host: str, part: str, message: str, number: int) -> str:
    method, _, rest = message.partition(" ")
    path, _, status = rest.partition(" ")
    return f'10.0.{number % 4}.{number % 250} - - [{at:%d/%b/%Y:%H:%M:%S %z}] "{method} {path} HTTP/1.1" {status} {number % 9000} "-" "Mozilla/5.0"'


def _logfmt(at: datetime, level: str, host: str, part: str, message: str, number: int) -> str:
    stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{_ms(at)}{_offset(at)}"
    quoted = message.replace('"', '\\"')
    return f'time={stamp} level={level.lower()} component={part} host={host} msg="{quoted}"'


def _klog(at: datetime, level: str, host: str, part: str, message: str, number: int) -> str:
    letter = {"ERROR": "E", "WARN": "W"}.get(level, "I")
    return f"{letter}{at:%m%d %H:%M:%S}.{at.microsecond:06d}       {1 + number % 9} {part}.go:{100 + number % 400}] {message}"


def _docker(at: datetime, level: str, host: str, part: str, message: str, number: int) -> str:
    stream = "stderr" if level == "ERROR" else "stdout"
    return json.dumps(
        {"log": f"[{level}] {part}: {message}\n", "stream": stream, "time": f"{at:%Y-%m-%dT%H:%M:%S}.{_ms(at)}000000Z"}
    )


def _journald(at: datetime, level: str, host: str, part: str, message: str, number: int) -> str:
    micro = str(int(at.timestamp()) * 1_000_000 + at.microsecond)
    fields = {"_HOSTNAME": host, "PRIORITY": str(_SEVERITY[level]), "SYSLOG_IDENTIFIER": part, "MESSAGE": message}
    return json.dumps({"__CURSOR": f"s={number:x}", "__REALTIME_TIMESTAMP": micro, **fields})


def _epoch(at: datetime, level: str, host: str, part: str, message: str, number: int) -> str:
    return f"{int(at.timestamp() * 1000)} {host} {level} {part}: {message}"


FORMATS: dict[str, Render] = {
    "iso": _iso, "python": _python, "java": _java, "json": _json, "json-late": _json_late, "syslog": _syslog, "syslog5424": _syslog5424,
    "access": _access, "logfmt": _logfmt, "klog": _klog, "docker": _docker, "journald": _journald, "epoch": _epoch,
}  # fmt: skip
