"""The stand-in for a model in the demo: a small program that answers what it understands whole, and names what it does not."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any


@cache
def data(name: str) -> dict[str, Any]:
    """Return what one of this folder's TOML files holds."""
    return tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8"))
