"""A further specialist with a tool of its own, written as CONTRIBUTING says."""

from bot.agents.specialist import ReportCall, Specialist, Tool, Work
from bot.agents.tools import ReadFile
from bot.agents.user_proxy import SendMessage
from bot.ports import Exchange, Model, Task
from bot.thread.entries import Step
from bot.thread.files import chunked, file_name
from bot.thread.text import fenced
from tests.turns.stories import PLOT, RUN, plots
from tests.world import brief, call, mention, report, world

WROTE = "poem.txt reads now:\n{poem}"


class Rhyme(Tool):
    """Write a line that ends with a word, and one that rhymes with it, to poem.txt."""

    word: str

    async def perform(self, work: Work) -> Step:
        """Write the poem."""
        poem = f"Beneath the {self.word}\nI find my tune\n"
        info = await work.sandbox.put(file_name("poem.txt"), chunked(poem.encode()))
        return work.step(result=WROTE.format(poem=fenced(poem)), changed=(info.name,))


def poet(model: Model) -> Specialist:
    """Return the specialist for rhymes."""
    tools = (Rhyme, ReadFile, ReportCall)
    return Specialist(name="poet", purpose="writes rhymes.", prompt="You are a poet.", tools=tools, model=model)


async def test_a_further_specialist_answers_with_its_own_tool_and_both_keep_their_memory() -> None:
    to_poet = SendMessage(kind="SendMessage", recipient="poet", message="a rhyme", done_when=["it rhymes"])
    evidence = [{"condition": "it rhymes", "file": "poem.txt"}]
    verse = [call("Report", status="complete", answer="Here it is.", evidence=evidence)]
    plot = (brief(), [PLOT, RUN], report(run="plot.py"))
    rhyme = (to_poet, [call("Rhyme", word="moon")], verse)
    async with world(*plot, *rhyme, brief(), report(run="plot.py")) as w:
        w.sandboxes.programs["plot.py"] = plots
        w.specialists.append(poet(w.model))
        w.reborn()

        for words in ("plot", "now a rhyme", "again"):
            await w.tell(mention(words))

        assert w.texts() == ["Done.", "Here it is.", "Done."]
        [posts] = w.chat.posts.values()
        assert [f for post in posts.values() for f in post.files if f[0] == "poem.txt"] == [
            ("poem.txt", b"Beneath the moon\nI find my tune\n")
        ]
        assert any(Task(title="Used Rhyme", state="done") in plan for plan in w.chat.shown)
        of_poet, of_coder = w.model.prompts[5], w.model.prompts[-1]
        assert (of_poet.agent, of_poet.system) == ("poet", "You are a poet.")
        [rhymed] = [item for item in of_poet.items if isinstance(item, Exchange)]
        assert rhymed.results == ("poem.txt reads now:\n```\nBeneath the moon\nI find my tune\n\n```",)
        assert [c.name for c in of_coder.items[1].decision.calls] == ["File", "ExecutePyFile"]  # type: ignore[union-attr]
