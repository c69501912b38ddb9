"""The journal: JSON documents in one SQLite file, written on every change of the workspace."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from bot.disk import make_private_database

Json = dict[str, Any]


class Journal:
    """Documents by kind and key; once `put` returns, a document survives the death of the process."""

    def __init__(self, path: Path) -> None:
        make_private_database(path)
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing; a power cut may cost the last moments, which is acceptable for a stand-in.
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS documents ("
            " kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID"
        )

    def put(self, kind: str, key: str, body: Json) -> None:
        """Insert or replace a document."""
        self._database.execute(
            "INSERT INTO documents VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
            (kind, key, json.dumps(body)),
        )

    def drop(self, kind: str, key: str) -> None:
        """Delete a document, if it is there."""
        self._database.execute("DELETE FROM documents WHERE kind = ? AND key = ?", (kind, key))

    def all(self, kind: str) -> dict[str, Json]:
        """Return the documents of a kind by key, in the order of the keys."""
        rows = self._database.execute("SELECT key, body FROM documents WHERE kind = ? ORDER BY key", (kind,))
        return {key: json.loads(body) for key, body in rows}

    def close(self) -> None:
        self._database.close()
