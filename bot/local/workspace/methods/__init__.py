"""The methods of Slack's Web API that this workspace has, by name."""

from __future__ import annotations

from bot.local.workspace.arguments import Method
from bot.local.workspace.methods import agents, chat, conversations, files, streams, team

METHODS: dict[str, Method] = {
    **team.METHODS,
    **chat.METHODS,
    **streams.METHODS,
    **conversations.METHODS,
    **files.METHODS,
    **agents.METHODS,
}
