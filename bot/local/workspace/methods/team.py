"""auth.test, users.*, views.* and apps.connections.open."""

from __future__ import annotations

from dataclasses import dataclass

from bot.local.workspace.arguments import ApiError, Method
from bot.local.workspace.blocks import check_blocks
from bot.local.workspace.interactions import Interactions
from bot.local.workspace.journal import Json
from bot.local.workspace.limits import TIER_1, TIER_4
from bot.local.workspace.people import BOT, BOT_USER, TEAM, TEAM_NAME
from bot.local.workspace.socket_mode import SocketMode
from bot.local.workspace.state import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """auth.test, users.*, views.* and apps.connections.open."""

    workspace: Workspace
    socket_mode: SocketMode
    interactions: Interactions

    def methods(self) -> dict[str, Method]:
        return {
            "auth.test": Method(self.auth_test, "", (), TIER_4),
            "apps.connections.open": Method(self.open_connection, "", (), TIER_1, app_token=True),
            "users.info": Method(self.user_info, "user! include_locale:flag", ("users:read",), TIER_4),
            "views.open": Method(self.open_view, "trigger_id interactivity_pointer view!:json", (), TIER_4),
        }

    async def auth_test(self, arguments: Json) -> Json:
        return {
            "url": self.workspace.base_url,
            "team": TEAM_NAME,
            "user": self.workspace.manifest.bot_name,
            "team_id": TEAM,
            "user_id": BOT_USER,
            "bot_id": BOT,
            "is_enterprise_install": False,
        }

    async def open_connection(self, arguments: Json) -> Json:
        return {"url": self.workspace.base_url.replace("http://", "ws://", 1) + self.socket_mode.ticket()}

    async def user_info(self, arguments: Json) -> Json:
        user = self.workspace.users.get(arguments["user"])
        if user is None:
            raise ApiError("user_not_found")
        return {"user": user.to_slack()}

    async def open_view(self, arguments: Json) -> Json:
        view = arguments["view"]
        if not isinstance(view, dict) or view.get("type") != "modal":
            raise ApiError("invalid_arguments", "must be a view of type modal [json-pointer:/view/type]")
        check_blocks(view.get("blocks"), most=100)
        if len(str(view.get("private_metadata", ""))) > 3000:
            raise ApiError("invalid_arguments", "must be less than 3001 characters [json-pointer:/view/private_metadata]")
        self.interactions.use_trigger(arguments.get("trigger_id", ""))
        view |= {"id": f"V0{len(self.workspace.journal.all('view')) + 1:04}", "team_id": TEAM, "bot_id": BOT}
        self.workspace.journal.put("view", view["id"], view)
        return {"view": view}
