"""The ordinary lines of a service: templates with slots, drawn from a vocabulary."""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from random import Random

Slot = Callable[[Random], str]


def words(text: str) -> tuple[str, ...]:
    """Return a text's words."""
    return tuple(text.split())


def _below(limit: int, start: int = 0) -> Slot:
    return lambda rng: str(start + int(rng.random() * limit))


def _one_of(text: str) -> Slot:
    choices = words(text)
    return lambda rng: choices[int(rng.random() * len(choices))]


def _uuid(rng: Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _address(rng: Random) -> str:
    bits = rng.getrandbits(20)
    return f"10.{bits & 15}.{bits >> 4 & 255}.{bits >> 12}"


FOLDERS = _one_of("/var/lib/app /srv/data /tmp/upload /mnt/share/in /opt/app/cache /home/batch/out")
PEOPLE = _one_of("alice bjorn chen dara emeka fatima goran hana ivan jana kofi lena mateo nadia olga priya quinn rosa")

BAD = "<bad>"  # where the name of the one bad host goes

SLOTS: dict[str, Slot] = {
    "bad": lambda rng: BAD, "n": _below(900_000, 1), "small": _below(40, 1),
    "ms": lambda rng: str(1 + int(rng.expovariate(1 / 60))), "slow": _below(8_000, 1_200), "pct": _below(60, 5),
    "high": _below(12, 87), "mb": _below(3_000, 20), "port": _below(28_000, 32_000), "ip": _address, "uuid": _uuid,
    "hex": lambda rng: f"{rng.getrandbits(64):016x}", "short": lambda rng: f"{rng.getrandbits(28):07x}",
    "user": lambda rng: f"{PEOPLE(rng)}{int(rng.random() * 900)}",
    "path": lambda rng: f"{FOLDERS(rng)}/{rng.getrandbits(24):06x}/part-{int(rng.random() * 500):05d}.dat",
    "url": lambda rng: f"https://api.internal/v{1 + int(rng.random() * 3)}/r/{int(rng.random() * 90_000)}",
    "ratio": lambda rng: f"{rng.random():.3f}",
    "version": lambda rng: f"v{1 + int(rng.random() * 4)}.{int(rng.random() * 60)}.{int(rng.random() * 12)}",
    "zone": _one_of("eu-1 eu-2 us-1 us-2 ap-1"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Template:
    """A line's level, its speaker and its text with slots; `trace` names the exception that follows it."""

    level: str
    service: str
    text: str
    share: float = 1.0
    trace: str = ""
    shape: str = field(init=False)
    slots: tuple[Slot, ...] = field(init=False)

    def __post_init__(self) -> None:
        parts = re.split(r"\{(\w+)\}", self.text)
        object.__setattr__(self, "shape", "%s".join(part.replace("%", "%%") for part in parts[::2]))
        object.__setattr__(self, "slots", tuple(SLOTS[name] for name in parts[1::2]))

    def fill(self, rng: Random) -> str:
        """Return the text with a fresh value in each slot."""
        return self.shape % tuple([slot(rng) for slot in self.slots])

    @property
    def longest(self) -> str:
        """Return the longest text between two slots."""
        return max(re.split(r"\{\w+\}", self.text), key=len).strip()


VOCABULARY = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
VERBS, NOUNS, SERVICES = (words(VOCABULARY[name]) for name in ("verbs", "nouns", "services"))
FIELDS, SHAPES, WARNINGS, ERRORS, REQUESTS = (
    tuple(map(str, VOCABULARY[name])) for name in ("fields", "shapes", "warnings", "errors", "requests")
)


def background(rng: Random, n: int) -> list[Template]:
    """Return `n` distinct templates, the common ones first, among them warnings and errors that always occur."""
    services = rng.sample(SERVICES, 4)
    warnings, errors = max(4, n // 14), max(3, n // 20)
    pairs = [(verb, noun) for verb in VERBS for noun in NOUNS]
    calm = [
        Template("DEBUG" if rng.random() < 0.06 else "INFO", rng.choice(services), _sentence(rng, verb, noun), rank**-1.05)
        for rank, (verb, noun) in enumerate(rng.sample(pairs, n - warnings - errors), 1)
    ]
    whole = sum(template.share for template in calm)
    return [
        *calm,
        *_noise(rng, "WARN", WARNINGS, services, warnings, whole * rng.uniform(0.006, 0.02)),
        *_noise(rng, "ERROR", ERRORS, services, errors, whole * rng.uniform(0.002, 0.006)),
    ]


def _sentence(rng: Random, verb: str, noun: str) -> str:
    one, other = rng.sample(FIELDS, 2)
    shape = rng.choice(SHAPES)
    for mark, text in (("{v}", verb), ("{o}", noun), ("{f}", one), ("{g}", other), ("{k}", "{small}")):
        shape = shape.replace(mark, text)
    return shape


def _noise(rng: Random, level: str, shapes: tuple[str, ...], services: list[str], n: int, whole: float) -> list[Template]:
    combinations = [shape.replace("{o}", noun) for shape in shapes for noun in NOUNS]
    texts = rng.sample(combinations, n)
    ranks = sum(1 / rank for rank in range(1, n + 1))
    return [
        Template(level, rng.choice(services), text, whole / ranks / rank, _trace(rng, level)) for rank, text in enumerate(texts, 1)
    ]


def _trace(rng: Random, level: str) -> str:
    return rng.choice(("IllegalStateException", "ValidationError", "IOException", "")) if level == "ERROR" else ""


def requests(rng: Random, n: int) -> list[Template]:
    """Return `n` distinct requests to a web server with their status, the common ones first."""
    paths = [shape.replace("{o}", noun) for shape in REQUESTS for noun in NOUNS]
    texts = rng.sample(paths, n)
    shares = [rank**-1.05 for rank in range(1, n + 1)]
    found = [
        Template("INFO", "web", text + rng.choice(("|200", "|200", "|200", "|304", "|204")), share)
        for text, share in zip(texts, shares, strict=True)
    ]
    whole = sum(shares)
    return [
        *found,
        *(Template("WARN", "web", f"{text}|404", whole * 0.006 / 4) for text in texts[-4:]),
        *(Template("ERROR", "web", f"{text}|{status}", whole * 0.001) for text, status in zip(texts, (500, 502), strict=False)),
    ]


def cumulative(templates: list[Template]) -> list[float]:
    """Return the running total of the shares, as `Random.choices` takes it."""
    return list(accumulate(template.share for template in templates))
