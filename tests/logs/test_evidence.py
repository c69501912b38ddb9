"""A cited line holds when it reads as cited, and a number when a second count finds it."""

import pytest

from bot.logs.evidence import miscitation

LINE = "2026-11-20T14:00:00Z  INFO login user=ann password=hunter22 from web-1"


@pytest.mark.parametrize(
    "cited",
    [
        LINE, "login user=ann password=hunter22", "2026-11-20T14:00:00Z INFO login", "info LOGIN",
        "login user=ann password=[masked] from web-1", "  login   user=ann…", "",
    ],
)  # fmt: skip
def test_a_citation_holds_whatever_its_case_its_blanks_its_cut_and_its_masked_secrets(cited: str) -> None:
    assert miscitation("app.log", 7, cited, LINE) is None


@pytest.mark.parametrize("cited", ["login user=bob", "login … user=ann", "from web-1 login"])
def test_a_citation_that_reads_otherwise_is_named_with_the_line_and_without_its_secrets(cited: str) -> None:
    assert miscitation("app.log", 7, cited, LINE) == (
        "app.log:7 does not read as you cite it. It reads: 2026-11-20T14:00:00Z  INFO login user=ann password=[masked] from web-1"
    )


def test_a_citation_behind_the_end_of_a_file_is_named() -> None:
    assert miscitation("app.log", 7, "", None) == "You cite app.log:7, but the file has fewer lines."
