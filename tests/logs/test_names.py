"""What the name of a file says."""

import pkgutil

import pytest

from bot import logs
from bot.logs import is_log


@pytest.mark.parametrize(
    "name",
    [
        "app.log", "APP.LOG", "app.log.1", "app.log.1.gz", "app.log-20261120.xz", "app.log.2026-11-20", "app.log.zip", "events.jsonl", "events.ndjson.zst",
        "syslog", "syslog.1", "syslog.2.gz", "messages", "messages-20261120", "app.syslog", "var/log/messages.1",
        "server-log.txt", "server_log.txt", "log.txt", "logs 2026.v2.txt", "log.txt.gz", "my logs.gz", "my logs.bz2", "logs.zip", "log.csv.zip",
    ],
)  # fmt: skip
def test_a_log_is_known_by_its_name(name: str) -> None:
    assert is_log(name)


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt", "catalog.txt", "blog.txt", "changelog.md", "changelog.txt", "dialogs.gz", "login.txt", "logo.zip", "log4j.txt",
        "log.py", "my logs", "error-log.csv", "error-log.csv.gz", "logs.tar.gz", "syslogd.conf", "messages.json", "log/notes.txt", "data.gz",
    ],
)  # fmt: skip
def test_what_only_looks_like_the_name_of_a_log_is_none(name: str) -> None:
    assert not is_log(name)


def test_no_function_of_the_toolkit_hides_a_file_of_it() -> None:
    files = {module.name for module in pkgutil.iter_modules(logs.__path__)}

    assert not files & set(logs.__all__)
    assert all(hasattr(logs, name) for name in logs.__all__)
