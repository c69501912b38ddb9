"""The words that speak of a change are the words that were chosen, each found whole and by itself."""

import re

import pytest

from bot.logs.change_words import CHANGE_WORDS, change_words

FOUND = [
    "deploy", "rolled", "rollout", "rollback", "releas", "version", "upgrad", "announc", "config", "setting",
    "switch", "enabl", "disabl", "flag", "toggle", "feature", "experiment", "policy", "loading", "migrat", "schema",
    "alter_table", "read-only", "restart", "reboot", "shutdown", "shut_down", "shutting_down", "start", "started",
    "starting", "starts", "stopped", "stopping", "failover", "promot", "drain", "evict", "signal", "killed",
    "created", "paus", "certificate", "cert", "expir", "renew", "secret", "rotat", "ntp", "ntpd", "chrony", "clock",
    "stepped", "cron", "cmd", "schedul", "backup", "reindex", "vacuum", "maintenance", "capture", "import",
    "export", "quota", "limit", "scale", "scaled", "scales", "scaling", "threshold", "above", "throttl", "leak",
    "heap", "descriptors", "space", "full", "link", "nameserver", "resolver", "dns", "route", "firewall", "remov",
    "replac", "lower", "rais", "reduc", "increas", "chang", "->", "force", "operator", "admin",
]  # fmt: skip


def test_every_word_of_a_change_is_found_whole_in_any_case() -> None:
    words = [word.replace("_", " ") for word in FOUND]

    assert [change_words(f"the {word} of") for word in words] == [{word} for word in words]
    assert [change_words(word.upper()) for word in words] == [{word.upper()} for word in words]


def test_every_pattern_of_the_table_has_a_word_here() -> None:
    words = [word.replace("_", " ") for word in FOUND]
    patterns = [pattern for group in CHANGE_WORDS.values() for pattern in group]

    assert len(set(patterns)) == len(patterns) == 82
    assert [p for p in patterns if not any(re.fullmatch(p, word) for word in words)] == []


@pytest.mark.parametrize(
    "text",
    [
        "startled user", "stop now", "roll call", "rolling on", "scalar product", "carefully filed", "linked list", "blink once",
        "certain answer", "concert hall", "acmd run", "xcron ran", "ntpdate ran", "alter index", "shut the door", "order stored",
    ],
)  # fmt: skip
def test_words_that_only_resemble_one_are_not_found(text: str) -> None:
    assert change_words(text) == set()
