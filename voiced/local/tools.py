"""When an answer is a function call: which tool, with which arguments.

Law of this file: pure. A tool is called when the client forces it or the user names it; there is
no model here that could want one by itself.
"""

import json
from collections.abc import Iterable, Sequence

from attrs import frozen

from voiced.local.wire import Json


@frozen
class Call:
    """A function call: the tool's name, and its arguments as JSON text."""

    name: str
    arguments: str


def choose(
    said: str | None, tools: Sequence[Json], choice: str | Json, *, answering_output: bool
) -> Call | None:
    """Decide whether this response calls a tool.

    Args:
        said: What the user said last, as words.
        tools: The tools that are offered; MCP servers among them are passed over.
        choice: ``tool_choice`` as the client set it.
        answering_output: A tool's result is waiting to be told: then only a tool that is forced
            by name is called again.
    """
    functions = [tool for tool in tools if tool["type"] == "function"]
    if choice == "none" or not functions:
        return None
    words = _words(said or "")
    if isinstance(choice, dict):
        forced = [tool for tool in functions if tool["name"] == choice.get("name")]
        return _call(forced[0], words) if forced else None
    if answering_output:
        return None
    for tool in functions:
        if f" {spoken_name(tool['name'])} " in f" {words} ":
            return _call(tool, words)
    return _call(functions[0], words) if choice == "required" else None


def sentences(tools: Iterable[Json]) -> list[str]:
    """Write what a user may say to have one of *tools* used, for the recogniser's grammar."""
    names = [spoken_name(tool["name"]) for tool in tools if tool["type"] == "function"]
    return [
        form.format(name)
        for name in filter(None, names)
        for form in ("use the tool {}", "use {}", "{}")
    ]


def spoken_name(name: str) -> str:
    """Say ``get_weather`` or ``getWeather`` as ``get weather``."""
    spaced = "".join(f" {letter}" if letter.isupper() else letter for letter in name)
    return _words(spaced)


def told(output: str) -> str:
    """Say a tool's result: the fields of a JSON object one after another, other text as it is."""
    try:
        result = json.loads(output)
    except ValueError:
        result = output
    if isinstance(result, dict):
        said = ", ".join(f"{name} is {json.dumps(value)}" for name, value in result.items())
        return said.replace('"', "").replace("_", " ") + "."
    return f"{result}."


def _words(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


def _call(tool: Json, words: str) -> Call:
    """Fill the tool's required parameters with the simplest values its schema admits."""
    schema = tool.get("parameters") or {}
    properties = schema.get("properties") or {}
    _, _, rest = f" {words} ".partition(f" {spoken_name(tool['name'])} ")
    values = {
        name: _value(properties.get(name) or {}, rest.strip() or name)
        for name in schema.get("required") or ()
    }
    return Call(tool["name"], json.dumps(values))


def _value(schema: Json, text: str) -> object:
    if "default" in schema:
        return schema["default"]
    if schema.get("enum"):
        return schema["enum"][0]
    simple: dict[str, object] = {
        "integer": 1,
        "number": 1.0,
        "boolean": True,
        "array": [],
        "object": {},
        "null": None,
    }
    kind = schema.get("type")
    return simple.get(kind, text) if isinstance(kind, str) else text
