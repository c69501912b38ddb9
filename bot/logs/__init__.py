"""Logs of any size: what is in them, what changed, and the lines that show it. The standard library is enough.

import logs
[app] = logs.open_logs(["app.log"])              # reads the file once and keeps an index
print(logs.as_text(app.index, 1200))              # the profile
rows, what = logs.compared([app], "14:00..14:10")  # against the hour before
found = logs.searched([app], "timeout", "14:00..14:10")
"""

from .api import Found, Hit, Opened, Row, compared, counted_values, lines, open_logs, searched, traced
from .evidence import check
from .onset import Incident, incidents
from .profiles import as_json, as_text
from .secrets import without_secrets
from .sources import NotALog, is_log
from .times import BadWindow

__all__ = [
    "BadWindow", "Found", "Hit", "Incident", "NotALog", "Opened", "Row", "as_json", "as_text", "check", "compared",
    "counted_values", "incidents", "is_log", "lines", "open_logs", "searched", "traced", "without_secrets",
]  # fmt: skip
