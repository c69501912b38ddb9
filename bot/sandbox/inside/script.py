"""Runs a script in this process as `__main__`, and ends the process as Python itself would."""

from __future__ import annotations

import atexit
import builtins
import gc
import io
import os
import signal
import site
import sys
import threading
import types
from collections.abc import Sequence
from typing import Any, NoReturn


def prepare(env: dict[str, str], path: Sequence[str]) -> None:
    """Make this interpreter look like a fresh one that was started with the script."""
    os.environ.clear()
    os.environ.update(env)
    sys.path[:] = [p for p in sys.path if p != os.path.dirname(os.path.abspath(__file__))]
    sys.path += [p for p in path if p not in sys.path]
    os.environ.pop("PYTHONSAFEPATH")
    sys.dont_write_bytecode = True
    site.setquit()
    site.setcopyright()
    site.sethelper()
    renew()


def renew() -> None:
    """Drop state of the parent of this fork, and our own modules, because a thread's files may have their names."""
    for name in ("confine", "kernel", "plan", "script", "seccomp", "steps", "syscalls"):
        sys.modules.pop(name, None)
    _renew_streams()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()  # a fork copies the state of the generator; Python's own is renewed by itself
    if "tempfile" in sys.modules:
        sys.modules["tempfile"].__dict__["tempdir"] = None


def _renew_streams() -> None:
    """Open the standard streams anew, as Python does at its start, on the current descriptors and in the current environment."""
    unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        buffering = 0 if unbuffered and mode == "w" else -1
        binary: Any = open(number, f"{mode}b", buffering, closefd=False)  # noqa: SIM115  for as long as we run
        getattr(binary, "raw", binary).name = f"<{name}>"
        errors = "backslashreplace" if name == "stderr" else "surrogateescape"
        stream: Any = io.TextIOWrapper(binary, "utf-8", errors, "\n", write_through=unbuffered)
        stream.mode = mode
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def run_as_main(path: str, args: Sequence[str]) -> NoReturn:
    """Run the script and end the process with its exit code."""
    sys.argv = [path, *args]
    if os.path.dirname(path) not in sys.path:
        sys.path.append(os.path.dirname(path))
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=path, __builtins__=builtins)
    sys.modules["__main__"] = main
    code = 0
    try:
        with io.open_code(path) as file:
            source = file.read()
        exec(compile(source, path, "exec"), main.__dict__)  # noqa: S102  running scripts is what this is for
    except SystemExit as leaving:
        code = _exit_code(leaving.code)
    except BaseException as error:  # noqa: BLE001  whatever the script raises is its own end, not ours
        traceback = error.__traceback__
        while traceback and traceback.tb_frame.f_code.co_filename == __file__:
            traceback = traceback.tb_next
        sys.excepthook(type(error), error.with_traceback(traceback), traceback)
        sys.last_value = error  # as Python notes it
        code = -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    finally:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        main.__dict__.clear()  # which closes files left open
        gc.collect()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or 120
    if code < 0:  # as Python ends itself
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit(code & 0xFF)


def _exit_code(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1
