"""What a response has to answer: found in the items before it.

Law of this file: it waits for an utterance to be understood, and decides nothing else.
"""

from collections.abc import Sequence

from attrs import frozen

from voiced.local import phrases, tools
from voiced.local.brain import Brain, Reply
from voiced.local.conversation import Item
from voiced.local.terms import Terms


@frozen
class Question:
    """The last thing said, and tool results that came after it."""

    said: str | None
    """None: nobody has said anything, or was only quiet. Empty: no words were understood."""
    outputs: tuple[str, ...]


async def question(context: Sequence[Item]) -> Question:
    """Look back for what to answer; wait until it is understood."""
    outputs: list[str] = []
    for item in reversed(context):
        if item.face["type"] == "function_call_output":
            outputs.insert(0, item.face["output"])
        elif item.face.get("role") == "user":
            return Question(await _words(item), tuple(outputs))
    return Question(None, tuple(outputs))


def reply(asked: Question, terms: Terms, brain: Brain) -> Reply:
    """Decide what is answered: given words, a tool call, its result, or what the brain knows."""
    if words := phrases.to_be_said(terms.instructions):
        return Reply(words)
    answering = bool(asked.outputs)
    call = tools.choose(asked.said, terms.tools, terms.tool_choice, answering_output=answering)
    if call is not None:
        return Reply("", call=call)
    if answering:
        told = " ".join(tools.told(output) for output in asked.outputs)
        return Reply(f"The tool says: {told}")
    return brain.reply(asked.said)


async def _words(item: Item) -> str | None:
    written = [part["text"] for part in item.face["content"] if part["type"] == "input_text"]
    if written:
        return " ".join(written)
    return None if item.heard is None else await item.heard.words()
