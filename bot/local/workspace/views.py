"""The views that the app published or opened."""

from __future__ import annotations

from bot.local.workspace.journal import Journal, Json


class Views:
    """Views by id; a view with the id of another takes its place."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._views = journal.all("view")

    def keep(self, view: Json) -> None:
        self._views[view["id"]] = view
        self._journal.put("view", view["id"], view)

    def all(self) -> list[Json]:
        return list(self._views.values())
