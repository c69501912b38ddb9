"""Infers the format of a log from a sample of lines: JSON, access log, logfmt, or else plain text (`line_format`)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from .line_format import PRIORITY, Format, find_stamp, level_of, text_format
from .masking import METHODS
from .times import STAMPS

_PINO = {10: "TRACE", 20: "DEBUG", 30: "INFO", 40: "WARN", 50: "ERROR", 60: "FATAL"}
_ACCESS = re.compile(rf'^(\S+) \S+ (.+?) \[[^\]]+\] "(?:({METHODS}|\w+) (\S+)[^"]*|[^"]*)" ([1-5]\d\d) (?:\d+|-)')
_PAIR = re.compile(r'([A-Za-z_@][\w.@-]*)=("(?:[^"\\]|\\.)*"|\S*)')
_TIME_KEYS = ("@timestamp", "timestamp", "ts", "time", "datetime", "date", "eventTime", "TimeCreated", "SystemTime", "t",
              "__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP", "asctime", "UtcTime")  # fmt: skip
_LEVEL_KEYS = ("level", "severity", "lvl", "levelname", "log.level", "loglevel", "PRIORITY", "LevelDisplayName", "severityText",
               "l")  # fmt: skip
_TEXT_KEYS = ("message", "msg", "MESSAGE", "Message", "event", "text", "body", "log", "m")
_STATUS_KEYS = ("status", "status_code", "statusCode", "http_status", "http.status_code", "code")
_ERROR_KEYS = ("error", "err", "exception", "exc_info")


def infer(sample: Sequence[str]) -> Format:
    """Return the format that most of the sampled lines are written in."""
    lines = [line for line in sample if line.strip()]
    return _json(lines) or _access(lines) or _logfmt(lines) or text_format(lines)


def _access(lines: Sequence[str]) -> Format | None:
    hits = sum(1 for line in lines if _ACCESS.match(line))
    if not lines or hits < 0.6 * len(lines):
        return None

    def split(line: str) -> tuple[str, str]:
        request = _ACCESS.match(line)
        if request is None:
            return "", line.strip()
        method, path, status = request[3], request[4], request[5]
        level = "ERROR" if status[0] == "5" else "WARN" if status[0] == "4" else "INFO"
        return level, f"{method or '-'} {path or '-'} {status}"

    stamp = next(s for s in STAMPS if s.name == "access log")
    return Format("access log (nginx, Apache)", stamp, split, hits / len(lines))


def _logfmt(lines: Sequence[str]) -> Format | None:
    parsed = [dict(_PAIR.findall(line)) for line in lines if len(_PAIR.findall(line)) >= 3]
    hits = [record for record in parsed if "msg" in record or "message" in record]
    if not lines or len(hits) < 0.6 * len(lines):
        return None

    def split(line: str) -> tuple[str, str]:
        return _level_and_message({k: v.strip('"') if v[:1] == '"' else v for k, v in _PAIR.findall(line)}, line)

    stamp, _ = find_stamp(lines, 400)
    key = next((k for k in _TIME_KEYS if k in hits[0]), "")
    return Format("logfmt", stamp, split, len(hits) / len(lines), marker=f"{key}=" if key else "")


def _json(lines: Sequence[str]) -> Format | None:
    parsed = [(line, record) for line in lines if line.lstrip()[:1] == "{" and (record := _object(line))]
    if not lines or len(parsed) < 0.6 * len(lines):
        return None
    keys = Counter(k for _, record in parsed for k in record)
    key = next((k for k in _TIME_KEYS if keys[k] > len(parsed) // 2), "")
    values = [str(record.get(key, "")) for _, record in parsed] if key else []
    stamp, _ = find_stamp(values)
    texts = [str(_first(record, _TEXT_KEYS) or "") for _, record in parsed]
    docker = keys["log"] > len(parsed) // 2 and keys["stream"] > 0
    inner = text_format(texts) if docker or (keys["MESSAGE"] and not any(keys[k] for k in _LEVEL_KEYS)) else None
    name = "Docker JSON" if docker else "journald JSON" if "__REALTIME_TIMESTAMP" in keys else "JSON lines"

    def split(line: str) -> tuple[str, str]:
        record = _object(line)
        if not record:
            return "", line.strip()
        level, message = _level_and_message(record, line)
        if inner is not None:
            inner_level, message = inner.split(message.strip())
            level = level or inner_level
        return level, message

    sample = next((line for line, record in parsed if key in record), "")
    before_time = re.search(rf'"{re.escape(key)}"\s*:\s*"?', sample) if key else None
    return Format(
        name, stamp, split, len(parsed) / len(lines), marker=before_time[0] if before_time else "",
        levels=any(keys[k] for k in _LEVEL_KEYS) or (inner is not None and inner.levels),
    )  # fmt: skip


def _object(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _first(record: dict[str, Any], keys: Sequence[str]) -> Any:
    return next((record[k] for k in keys if record.get(k) not in (None, "")), None)


def _level_and_message(record: dict[str, Any], line: str) -> tuple[str, str]:
    """Return the level and the message of a record of named fields, with its HTTP status and its error in the message."""
    raw = _first(record, _LEVEL_KEYS)
    number = int(raw) if isinstance(raw, int | float) or (isinstance(raw, str) and raw.isdigit()) else None
    if number is None:
        level = level_of(str(raw)) if raw is not None else ""
    else:
        level = PRIORITY[number] if 0 <= number <= 7 else _PINO.get(number, "")
    message = str(_first(record, _TEXT_KEYS) or line)
    status, error = _first(record, _STATUS_KEYS), _first(record, _ERROR_KEYS)
    if status is not None and re.fullmatch(r"[1-5]\d\d", str(status)):
        message += f" status={status}"
        level = level or ("ERROR" if str(status)[0] == "5" else "")
    if isinstance(error, str) and error not in message:
        message += f" error={error}"
    return level, " ".join(message.split())
