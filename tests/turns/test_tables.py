"""Tables that people attach: profiled unasked, each file once as what it holds, and never in the way of the answer."""

from __future__ import annotations

import gzip
import json

import pytest

from bot.errors import ServiceError
from tests.fakes import MemorySandbox
from tests.turns.stories import LOG, PLOT
from tests.world import CSV, THREAD, brief, mention, report, respond, world

RECORDS = b"".join(b'{"day": "2026-01-%02d", "price": %d}\n' % (n + 1, n * 3) for n in range(20))
EVENTS = "".join(json.dumps({"ts": f"2026-11-20T14:00:{n:02d}Z", "level": "INFO", "msg": f"tick {n}"}) + "\n" for n in range(60))


async def test_a_table_is_profiled_in_a_card_before_any_model_is_asked_and_both_agents_read_its_profile() -> None:
    async with world(brief(), [PLOT], report("Done.", file="plot.py")) as w:
        await w.tell(mention("plot it", w.file("sales.csv", CSV)))

        card, answer = w.texts()
        assert card.startswith("`sales.csv`: 2 rows, 2 columns (CSV, separated by ,).\n- `month`: 2026-01-01 to 2026-02-01")
        assert answer == "Done."
        for prompt in w.model.prompts:
            assert '{"table": "sales.csv", "form": "CSV' in "\n".join(getattr(i, "text", "") for i in prompt.items)


@pytest.mark.parametrize(
    ("name", "data", "begins"),
    [
        ("records.jsonl", RECORDS, "`records.jsonl`: 20 rows"),
        ("records.gz", gzip.compress(RECORDS), "`records.gz`: 20 rows"),
        ("excel.txt", b"name\tvalue\nx\t1\ny\t2\n", "`excel.txt`: 2 rows"),
        ("times.csv", b"".join(b"2026-11-20 14:00:%02d,INFO,%d\n" % (n, n) for n in range(60)), "`times.csv`: "),
        ("events.jsonl", EVENTS.encode(), "```\nevents.jsonl: "),
        ("events.json", EVENTS.encode(), "```\nevents.json: "),
        ("server.txt", LOG, "```\nserver.txt: "),
        ("server.gz", gzip.compress(LOG), "```\nserver.gz: "),
    ],
)
async def test_a_file_gets_one_card_by_what_it_holds(name: str, data: bytes, begins: str) -> None:
    async with world(respond("Ask me.")) as w:
        await w.tell(mention("", w.file(name, data)))

        card, answer = w.texts()
        assert card.startswith(begins)
        assert answer == "Ask me."


async def test_a_table_and_a_log_of_one_message_share_a_notice() -> None:
    async with world(respond("Ask me.")) as w:
        await w.tell(mention("", w.file("app.log", LOG), w.file("sales.csv", CSV), w.file("e.jsonl", EVENTS.encode())))

        notice, answer = w.texts()
        assert [notice.count(head) for head in ("`sales.csv`: ", "```\napp.log: ", "```\ne.jsonl: ")] == [1, 1, 1]
        assert answer == "Ask me."


@pytest.mark.parametrize("data", [b"Dear all,\n", b"", bytes(range(256)), b"a,b\n" + b"1,2\n" * 1_300_000], ids=len)
async def test_a_profile_that_cannot_be_made_is_not_shown_and_the_question_is_answered(data: bytes) -> None:
    async with world(respond("Hello.")) as w:
        await w.tell(mention("hi", w.file("a.csv" if len(data) > 256 else "a.txt", data)))

        assert w.texts() == ["Hello."]


async def test_a_sandbox_that_fails_at_a_card_does_not_fail_the_answer() -> None:
    async with world(respond("Hello.")) as w, w.sandboxes.open(THREAD) as sandbox:
        assert isinstance(sandbox, MemorySandbox)
        sandbox.fault = ServiceError("The sandbox failed.")

        await w.tell(mention("hi", w.file("a.csv", CSV)))

        assert w.texts() == ["Hello."]
