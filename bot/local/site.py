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


@dataclass(slots=True, kw_only=True)
class Site:
    """Everything a handler may need; `model_notice` says in the page which model answers."""

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
    faults: Faults = field(default_factory=Faults)
    calls: Counter[str] = field(default_factory=Counter)
    uploads: dict[str, str] = field(default_factory=dict)
    views: dict[str, Json] = field(default_factory=dict)
    model_notice: str = ""

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:PORT/`"""
        return self.workspace.base_url

    def say_state(self) -> None:
        """Tell pages to ask for the state again."""
        self.workspace.tell(Change("state"))


SITE = web.AppKey("site", Site)
