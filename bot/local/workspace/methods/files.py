"""files.*: uploading in three steps, and looking files up."""

from __future__ import annotations

from dataclasses import dataclass

from bot.local.workspace.arguments import ApiError, Method
from bot.local.workspace.files import SNIPPET_LIMIT, File
from bot.local.workspace.journal import Json
from bot.local.workspace.limits import TIER_3, TIER_4
from bot.local.workspace.methods.access import Access
from bot.local.workspace.people import BOT_USER
from bot.local.workspace.sharing import Sharing
from bot.local.workspace.state import Workspace

_TYPES = {"images": {"png", "jpg", "gif", "webp"}, "pdfs": {"pdf"}, "zips": {"zip"}}


def _is_one_of(file: File, types: list[str]) -> bool:
    kinds = {"all", *(kind for kind, filetypes in _TYPES.items() if file.filetype in filetypes)}
    return not kinds.isdisjoint(types) or ("snippets" in types and file.mode == "snippet")


_UPLOAD = "filename! length!:number alt_txt snippet_type"
_COMPLETE = "files!:json channel_id channels:list initial_comment thread_ts blocks:json"
_INFO = "file! count:number page:number cursor limit:number"
_LIST = "channel count:number page:number show_files_hidden_by_limit:flag ts_from ts_to types:list user"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMethods:
    """files.*: uploading in three steps, and looking files up."""

    workspace: Workspace
    access: Access
    sharing: Sharing

    def methods(self) -> dict[str, Method]:
        return {
            "files.getUploadURLExternal": Method(self.get_upload_url, _UPLOAD, ("files:write",), TIER_4),
            "files.completeUploadExternal": Method(self.complete_upload, _COMPLETE, ("files:write",), TIER_4),
            "files.info": Method(self.info, _INFO, ("files:read",), TIER_4),
            "files.list": Method(self.list_files, _LIST, ("files:read",), TIER_3),
        }

    async def get_upload_url(self, arguments: Json) -> Json:
        length = arguments["length"]
        if length <= 0:
            raise ApiError("missing_argument", "missing required field: length")
        if length > self.workspace.files.limit:
            raise ApiError("file_upload_size_restricted")
        if arguments.get("snippet_type") and length > SNIPPET_LIMIT:
            raise ApiError("snippet_too_large")
        if len(arguments.get("alt_txt", "")) > 1000:
            raise ApiError("alt_txt_too_large")
        file = self.workspace.files.announce(
            arguments["filename"],
            BOT_USER,
            self.workspace.now(),
            size=length,
            alt_txt=arguments.get("alt_txt"),
            snippet=bool(arguments.get("snippet_type")),
        )
        return {"upload_url": f"{self.workspace.base_url}upload/v1/{file.ticket}", "file_id": file.id}

    async def complete_upload(self, arguments: Json) -> Json:
        wanted = arguments["files"]
        if not isinstance(wanted, list) or not wanted or not all(isinstance(w, dict) and w.get("id") for w in wanted):
            raise ApiError("invalid_arguments", "must provide an array of objects with an id [json-pointer:/files]")
        files = [self._uploaded(str(item["id"])) for item in wanted]
        channels = list(arguments.get("channels") or [])
        if arguments.get("channel_id"):
            channels.append(arguments["channel_id"])
        places = [self.access.open_channel(channel) for channel in channels]
        thread_ts = arguments.get("thread_ts")
        if thread_ts and len(places) != 1:
            raise ApiError("invalid_arguments", "must provide one channel with thread_ts")
        roots = [self.access.thread_root(place, thread_ts) for place in places]
        for file, item in zip(files, wanted, strict=True):
            file.title = item.get("title") or file.name
            file.completed = True
            self.workspace.files.keep(file)
        comment = arguments.get("initial_comment", "")
        for place, root in zip(places, roots, strict=True):
            self.sharing.share([f.id for f in files], place.id, comment, root, arguments.get("blocks"))
        return {"files": [{"id": file.id, "title": file.title} for file in files]}

    def _uploaded(self, file_id: str) -> File:
        file = self.workspace.files.get(file_id)
        if file is None or not file.ready or file.completed or file.user != BOT_USER:
            raise ApiError("file_not_found")
        return file

    def _with_shares(self, file: File) -> Json:
        shares: Json = {}
        places: dict[str, list[str]] = {"channels": [], "groups": [], "ims": []}
        for channel_id, messages in file.shares.items():
            kind = self.workspace.channels[channel_id].kind
            shares.setdefault("public" if kind == "channel" else "private", {})[channel_id] = messages
            places["groups" if kind == "mpim" else f"{kind}s"].append(channel_id)
        return file.to_slack(self.workspace.base_url) | {"shares": shares} | places

    async def info(self, arguments: Json) -> Json:
        file = self.workspace.files.get(arguments["file"])
        if file is None or not file.ready or not self.workspace.bot_sees(file):
            raise ApiError("file_not_found")
        return {"file": self._with_shares(file), "comments": [], "response_metadata": {"next_cursor": ""}}

    async def list_files(self, arguments: Json) -> Json:
        channel = arguments.get("channel")
        if channel:
            self.access.open_channel(channel)
        user = arguments.get("user")
        since, until = float(arguments.get("ts_from") or 0), float(arguments.get("ts_to") or "inf")
        found = [
            file
            for file in self.workspace.files.all()
            if self.workspace.bot_sees(file)
            and (not channel or channel in file.shares)
            and (not user or file.user == user)
            and since <= file.created <= until
            and _is_one_of(file, arguments.get("types") or ["all"])
        ][::-1]
        count, page = arguments.get("count") or 100, arguments.get("page") or 1
        if count < 1 or page < 1:
            raise ApiError("invalid_arguments", "must be positive: count, page")
        shown = found[(page - 1) * count : page * count]
        paging = {"count": count, "total": len(found), "page": page, "pages": -(-len(found) // count)}
        return {"files": [self._with_shares(file) for file in shown], "paging": paging}
