"""The people and channels of a workspace, and those that a new one begins with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

TEAM = "T0LOCAL"
TEAM_NAME = "Local workspace"
OTHER_TEAM = "T0PARTNER"
APP = "A0LOCAL"
BOT_USER = "U0BOT"
BOT = "B0BOT"
ALERT_USER = "U0ALERTS"
ALERT_BOT = "B0ALERTS"
SLACKBOT = "USLACKBOT"
FIXTURES = frozenset({"C0PARTNER", "C0LOBBY", "C0PRIVATE", "C0GROUP", "U0GUEST", "U0EXT", "U0ALERTS"})  # for tests; not shown


@dataclass(frozen=True, slots=True)
class User:
    """A person or a bot; `is_stranger` belongs to another company, `is_restricted` is a guest."""

    id: str
    name: str
    real_name: str
    is_bot: bool = False
    bot_id: str | None = None
    is_stranger: bool = False
    is_restricted: bool = False

    @property
    def team(self) -> str:
        return OTHER_TEAM if self.is_stranger else TEAM

    def to_slack(self) -> dict[str, Any]:
        profile = {"real_name": self.real_name, "display_name": self.name, "team": self.team}
        if self.bot_id:
            profile["bot_id"] = self.bot_id
        return {
            "id": self.id, "team_id": self.team, "name": self.name, "real_name": self.real_name, "tz": "Etc/UTC",
            "tz_offset": 0, "profile": profile,
            **_false("deleted is_admin is_owner is_app_user is_ultra_restricted"), "is_bot": self.is_bot,
            "is_stranger": self.is_stranger, "is_restricted": self.is_restricted, "updated": 0,
        }  # fmt: skip


@dataclass(slots=True)
class Channel:
    """A channel or, with `user`, that person's direct messages with the bot."""

    id: str
    name: str
    members: list[str] = field(default_factory=list)
    is_private: bool = False
    is_ext_shared: bool = False
    user: str | None = None
    is_archived: bool = False
    is_mpim: bool = False

    @property
    def is_im(self) -> bool:
        return self.user is not None

    @property
    def kind(self) -> str:
        """The kind as events name it: `im`, `mpim` (of a group), `group` (private) or `channel`."""
        return "im" if self.is_im else "mpim" if self.is_mpim else "group" if self.is_private else "channel"

    @property
    def prefix(self) -> str:
        """The kind as scopes and subscriptions name it: `im`, `mpim`, `groups` or `channels`."""
        return "im" if self.is_im else "mpim" if self.is_mpim else "groups" if self.is_private else "channels"

    def to_slack(self) -> dict[str, Any]:
        """Return the channel as Slack's API shows it to the bot."""
        if self.is_im:
            unset = _false("is_archived is_org_shared is_user_deleted")
            body = {"id": self.id, "created": 0, "is_im": True, "user": self.user}
            return body | unset | {"priority": 0, "context_team_id": TEAM}
        return {
            "id": self.id, "name": self.name, "name_normalized": self.name, "is_channel": not self.is_private,
            **_false("is_group is_im is_org_shared"), "is_private": self.is_private, "is_archived": self.is_archived,
            "is_mpim": self.is_mpim,
            "is_general": self.id == "C0GENERAL", "is_shared": self.is_ext_shared,
            "is_ext_shared": self.is_ext_shared, "is_member": BOT_USER in self.members, "created": 0,
            "creator": "U0ALICE", "context_team_id": TEAM, "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0}, "num_members": len(self.members),
        }  # fmt: skip


def _false(names: str) -> dict[str, bool]:
    return dict.fromkeys(names.split(), False)


def first_users(bot_name: str, app_name: str) -> tuple[User, ...]:
    """Return two colleagues, a guest, a member of another company, our bot, and a bot that posts alerts."""
    return (
        User("U0ALICE", "alice", "Alice"),
        User("U0BOB", "bob", "Bob"),
        User("U0GUEST", "guest", "Gail (guest)", is_restricted=True),
        User("U0EXT", "ext", "Erin (partner)", is_stranger=True),
        User(BOT_USER, bot_name, app_name, is_bot=True, bot_id=BOT),
        User(ALERT_USER, "alerts", "Alerts", is_bot=True, bot_id=ALERT_BOT),
        User(SLACKBOT, "slackbot", "Slackbot", is_bot=True),
    )


def first_channels() -> tuple[Channel, ...]:
    """Return two channels with the bot and one without, some that only tests need, and direct messages for each person."""
    staff = ["U0ALICE", "U0BOB"]
    people = (("ALICE", "U0ALICE"), ("BOB", "U0BOB"), ("GUEST", "U0GUEST"), ("EXT", "U0EXT"))
    return (
        Channel("C0GENERAL", "general", [*staff, "U0GUEST", BOT_USER, ALERT_USER]),
        Channel("C0RANDOM", "random", [*staff, BOT_USER, ALERT_USER]),
        Channel("C0IDEAS", "ideas", list(staff)),
        Channel("C0PARTNER", "partner", [*staff, "U0EXT", BOT_USER], is_ext_shared=True),
        Channel("C0LOBBY", "lobby", list(staff)),
        Channel("C0PRIVATE", "private", list(staff), is_private=True),
        Channel("C0GROUP", "mpdm-alice--bob--workings-1", [*staff, BOT_USER], is_private=True, is_mpim=True),
        *(Channel(f"D0{name}", f"dm-{name.lower()}", [user, BOT_USER], user=user) for name, user in people),
    )
