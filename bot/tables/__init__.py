"""Reads tables as people make them: CSV in any dialect, Excel, JSON, parquet; what is in them, and what could not be read.

import tables
df = tables.read("sales.csv")       # a pandas data frame, typed; df.attrs["unreadable"] counts cells by column
rows = tables.rows("sales.csv")     # the same as dictionaries, on the standard library alone
print(tables.told(tables.profile("sales.csv", find=["North"])))
"""

from .api import Rows, profile, read, rows
from .columns import shown
from .profiles import Column, Found, Profile, parsed, told
from .sources import TableError, is_table, may_hold_table

__all__ = [
    "Column", "Found", "Profile", "Rows", "TableError", "is_table", "may_hold_table", "parsed", "profile", "read", "rows", "shown",
    "told",
]  # fmt: skip
