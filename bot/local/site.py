"""The parts of a running workspace, as its HTTP handlers see them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from bot.local.delivery import Delivery
from bot.local.events import Events
from bot.local.faults import Faults
from bot.local.files import Files
from bot.local.journal import Journal, Json
from bot.local.limits import RateLimits
from bot.local.manifest import Manifest
from bot.local.messages import Change
from bot.local.sharing import Sharing
from bot.local.socket_mode import SocketMode
from bot.local.statuses import Statuses
from bot.local.streams import Streams
from bot.local.tokens import Tokens
from bot.local.workspace import Workspace

if TYPE_CHECKING:
    from bot.local.interactions import Interactions
    from bot.local.responses import Responses


@dataclass(slots=True, kw_only=True)
class Site:
    """Everything a handler may need.

    `model_notice` says in the page which model answers; `open_channels` is what each person's page shows.
    """

    workspace: Workspace
    files: Files
    sharing: Sharing
    statuses: Statuses
    streams: Streams
    manifest: Manifest
    tokens: Tokens
    journal: Journal
    delivery: Delivery
    events: Events
    socket_mode: SocketMode
    limits: RateLimits
    interactions: Interactions
    responses: Responses
    views: dict[str, Json]
    faults: Faults = field(default_factory=Faults)
    calls: Counter[str] = field(default_factory=Counter)
    open_channels: dict[str, str] = field(default_factory=dict)
    model_notice: str = ""

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:PORT/`"""
        return self.workspace.base_url

    def keep_view(self, view: Json) -> None:
        """Keep a view that the app opened or published."""
        self.views[view["id"]] = view
        self.journal.put("view", view["id"], view)

    def say_state(self) -> None:
        """Tell pages to ask for the state again."""
        self.workspace.tell(Change("state"))


SITE = web.AppKey("site", Site)
