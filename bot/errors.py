"""What can go wrong.

BotError
├── UserError            its text is for the user, in the user's words
│   ├── UnsafeFileName   (also a ValueError: pydantic reports it as a validation error)
│   ├── NoSuchFile       a file that is not in the thread
│   └── TooLarge         a file or a thread over its limit
├── ServiceError         something we depend on failed; its text is for the user, its cause is chained
│   ├── Refused          … and it would refuse the same again
│   └── SetupError       … and only a change of settings mends it; the text says which
└── Lost                 somebody else owns the thread now
"""


class BotError(Exception):
    """The root of every error that this project raises on purpose."""


class UserError(BotError):
    """A mistake the user can mend; the text says what and how."""


class UnsafeFileName(UserError, ValueError):
    """A file name that would leave the workspace, or that no file can have."""


class NoSuchFile(UserError):
    """A file that is not in the thread."""


class TooLarge(UserError):
    """A file, or all files of a thread together, over its limit."""


class ServiceError(BotError):
    """Slack, the model, the sandbox or the store failed; the cause is chained. `usage` is what a model was paid before it."""

    usage: object = None  # a Usage of thread.entries, which is built upon this module


class Refused(ServiceError):
    """A service refused what was asked, with this code; it would do so again, unless the refusal is `mendable` from outside."""

    def __init__(self, text: str, code: str, *, mendable: bool = False) -> None:
        super().__init__(text)
        self.code = code
        self.mendable = mendable


class SetupError(ServiceError):
    """A setting is missing or wrong; the text names it and says what to do."""


class Lost(BotError):
    """A claim was used although a newer claim of its thread exists."""
