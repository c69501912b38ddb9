"""Reads logs of any size: what is in them, what changed, and the lines that show it; on the standard library alone.

import logs
[app] = logs.open_logs(["app.log"])  # reads the file once and keeps an index
print(logs.profile(app.index))
differences, what = logs.compare([app], "14:00..14:10")  # against the hour before
matches = logs.search([app], "timeout", "14:00..14:10")
"""

from .api import OpenedLog, compare, count_values, open_logs, read_lines, search, trace
from .comparison import Difference
from .evidence import check
from .matches import Hit, Matches
from .onset import Incident, find_incidents
from .profiles import profile, profile_as_json
from .secrets import without_secrets
from .sources import NotALog, is_log
from .times import BadWindow

__all__ = [
    "BadWindow", "Difference", "Hit", "Incident", "Matches", "NotALog", "OpenedLog", "check", "compare", "count_values",
    "find_incidents", "is_log", "open_logs", "profile", "profile_as_json", "read_lines", "search", "trace", "without_secrets",
]  # fmt: skip
