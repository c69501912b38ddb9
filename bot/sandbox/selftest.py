"""The script that a sandbox must withstand before it serves: it prints the ways out that it found, or "sealed"."""

from __future__ import annotations

TESTS = """
import os, shutil, socket, sys

folder, bot, nameable = sys.argv[1:]
open_doors = []

def attempt(what, act):
    try:
        if act() is not False:
            open_doors.append(what)
    except (OSError, ValueError):
        pass

def canary(pid):
    with open(f"/proc/{pid}/environ", "rb") as file:
        environment = file.read()
    return any(key in environment for key in (b"TOKEN", b"API_KEY", b"VIRTUAL_ENV", b"SHELL="))

def another_thread():
    for base, _, names in os.walk(folder):
        if "secret.txt" in names:
            return open(os.path.join(base, "secret.txt")).read()
    return False

if set(os.environ) & {"SLACK_BOT_TOKEN", "OPENAI_API_KEY", "SLACK_APP_TOKEN"}:
    open_doors.append("a secret in the environment")
for pid in ("self", "1", bot, str(os.getppid())):
    attempt(f"the environment of process {pid}", lambda: canary(pid))
attempt("/etc/shadow", lambda: open("/etc/shadow").read())
attempt("another thread's file", another_thread)
attempt("a socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
attempt("a unix socket", lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
for place in ("/", "/usr", "/etc", "/opt", "/var/tmp", os.path.expanduser("~root")):
    attempt(f"writing to {place}", lambda: open(os.path.join(place, "workings-probe"), "w"))
if nameable:  # there is no pid namespace: the bot's process can be named
    attempt("signals to the bot", lambda: os.kill(int(bot), 0))
try:
    shutil.rmtree("folder")
    os.makedirs("folder")
except OSError as error:
    open_doors.append(f"a folder cannot be made anew ({error}): the kernel is older than 6.6")
print("; ".join(open_doors) or "sealed")
"""
