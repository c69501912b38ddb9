"""The parts of a running workspace, as its HTTP handlers see them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from bot.local.workspace.delivery import Delivery
from bot.local.workspace.events import Events
from bot.local.workspace.faults import Faults
from bot.local.workspace.files import Files
from bot.local.workspace.journal import Journal, Json
from bot.local.workspace.limits import RateLimits
from bot.local.workspace.manifest import Manifest
from bot.local.workspace.messages import Change
from bot.local.workspace.sharing import Sharing
from bot.local.workspace.socket_mode import SocketMode
from bot.local.workspace.state import Workspace
from bot.local.workspace.statuses import Statuses
from bot.local.workspace.streams import Streams
from bot.local.workspace.tokens import Tokens

if TYPE_CHECKING:
    from bot.local.workspace.interactions import Interactions
    from bot.local.workspace.responses import Responses


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
