"""The words in which logs speak of a change; a rare line just before trouble is searched for them."""

from __future__ import annotations

import re

# Patterns by kind of change, in any case; no two of them match at one place, so their order does not matter.
CHANGE_WORDS = {
    # Releases, as deploy tools, orchestrators and package managers announce them.
    "release": (r"deploy", r"roll(?:ed|out|back)", r"releas", r"version", r"upgrad", r"announc"),
    # Settings and feature flags, as services print them when they are reloaded or switched.
    "setting": (r"config", r"setting", r"switch", r"enabl", r"disabl", r"flag", r"toggle", r"feature", r"experiment",
                r"policy", r"loading"),
    # Schema changes, as migration tools and databases print them.
    "schema": (r"migrat", r"schema", r"alter table", r"read-only"),
    # Processes and hosts that come, go or change roles, as init systems, clusters and kernels report them.
    "restart": (r"restart", r"reboot", r"shut(?:ting)? ?down", r"start(?:ed|ing|s)?\b", r"stop(?:ped|ping)\b", r"failover",
                r"promot", r"drain", r"evict", r"signal", r"killed", r"created", r"paus"),
    # Keys and certificates, as TLS libraries, secret stores and certificate agents report them.
    "credential": (r"certificate", r"\bcert\b", r"expir", r"renew", r"secret", r"rotat"),
    # The clock, as ntpd, chrony and the kernel report it.
    "clock": (r"\bntpd?\b", r"chrony", r"clock", r"stepped"),
    # Scheduled jobs, as cron (CMD), backup tools and databases report them.
    "job": (r"\bcron", r"\bcmd\b", r"schedul", r"backup", r"reindex", r"vacuum", r"maintenance", r"capture", r"import", r"export"),
    # Capacity, as autoscalers, rate limiters, allocators and disks report it.
    "capacity": (r"quota", r"limit", r"scal(?:e[ds]?|ing)\b", r"threshold", r"above", r"throttl", r"leak", r"heap",
                 r"descriptors", r"space", r"full\b"),
    # The network, as resolvers, routers, firewalls and drivers report it.
    "network": (r"\blink\b", r"nameserver", r"resolver", r"dns", r"route", r"firewall"),
    # Edits, as audit logs and people describe them.
    "edit": (r"remov", r"replac", r"lower", r"rais", r"reduc", r"increas", r"chang", r"->", r"force", r"operator", r"admin"),
}  # fmt: skip
_CHANGE = re.compile("|".join(word for words in CHANGE_WORDS.values() for word in words), re.I)


def change_words(text: str) -> set[str]:
    """Return the different words of a text that speak of a change, as they stand."""
    return set(_CHANGE.findall(text))
