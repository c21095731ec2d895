"""What a setting may be: checks for attrs, each of which says what is wrong in an owner's words."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import attrs
from attrs.validators import and_, ge, instance_of, le, min_len

from voiced.control.rights import Right
from voiced.link.wake import OWN, SHIPPED

_LONGEST_HEADER: Final = 128  # of an id that travels in a header; the service's own are shorter
SECRET: Final = re.compile(r"(?<![\w/.-])(sk-|ek_)[\w-]{3,}")
"""How keys and minted secrets of the service begin, where they are no part of a path."""
_LONGEST_SENTENCE: Final = 200
"""Characters of what is said when the link fails: some ten seconds, and that is long."""
Check = Callable[[Any, "attrs.Attribute[Any]", Any], None]


def _not_bool(_self: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    """`true` is an int to Python, but not to an owner."""
    if isinstance(value, bool):
        raise TypeError(f"'{attribute.name}' must be a number")


def whole(least: int, most: int) -> Any:
    """A whole number from *least* to *most*."""
    return and_(_not_bool, instance_of(int), ge(least), le(most))


def number(least: float, most: float) -> Any:
    """A number from *least* to *most*."""
    return and_(_not_bool, instance_of((int, float)), ge(least), le(most))


def flag() -> Any:
    """True or false."""
    return instance_of(bool)


def text() -> Any:
    """Any text."""
    return instance_of(str)


def word() -> Any:
    """A text that is not empty."""
    return and_(instance_of(str), min_len(1))


def idle_s(_self: object, _attribute: "attrs.Attribute[Any]", value: float) -> None:
    """Seconds of silence that are a silence, none, or whatever suits."""
    if value not in {-1, 0} and value < 5:
        raise ValueError("must be 0 (never), -1 (as suits the mode), or at least 5")


def rate_hz(_self: object, _attribute: "attrs.Attribute[Any]", value: int) -> None:
    """A sample rate, or 0 for one that works."""
    if value and not 8000 <= value <= 384_000:
        raise ValueError("must be 0 (find one that works) or 8000 to 384000")


def cutoff_hz(_self: object, _attribute: "attrs.Attribute[Any]", value: int) -> None:
    """Where a filter against rumble begins, or 0 for none."""
    if value and value < 20:
        raise ValueError("must be 0 (off) or 20 to 300")


def zero_or_two(_self: object, _attribute: "attrs.Attribute[Any]", value: int) -> None:
    """Milliseconds, or 0 for what the profile says."""
    if value == 1:
        raise ValueError("must be 0 (by profile) or at least 2")


def spoken(_self: object, _attribute: "attrs.Attribute[Any]", value: str) -> None:
    """Words for the model to say or to know, not too many."""
    if len(value) > 8000:
        raise ValueError("must have at most 8000 characters")
    if value and not value.strip():
        raise ValueError("must hold words, or nothing at all")


def _address(value: str, schemes: frozenset[str], like: str) -> None:
    parts = urlsplit(value)
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"must look like {like}")
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ValueError("must be plain ASCII without blanks: write other characters as %XX")
    _ = parts.port  # ValueError, if it is no number or too great
    if parts.username or parts.password:
        raise ValueError("must not hold a user or password: put the key where [auth] says")


def ws_url(_self: object, _attribute: "attrs.Attribute[Any]", value: str) -> None:
    """Where a Realtime service is."""
    like = "wss://host/path (or ws:// for a server on this machine)"
    _address(value, frozenset({"ws", "wss"}), like)
    if set(parse_qs(urlsplit(value).query)) - {"model"}:
        raise ValueError("takes no query but model=; it is set by [realtime] model anyway")


def an_http_url(_self: object, _attribute: "attrs.Attribute[Any]", value: str) -> None:
    """Where something answers over HTTP, or nowhere."""
    if not value:
        return
    like = "https://host/path (or http:// for a server on this machine)"
    _address(value, frozenset({"http", "https"}), like)
    if "?" in value or "#" in value:
        raise ValueError("takes no query: it would be shown, and might hold a secret")


def as_tuple(words: Iterable[str]) -> tuple[str, ...]:
    """A list as what is frozen wants it."""
    return tuple(words)  # TOML has lists; what is frozen has none


def as_names(names: Any) -> Any:
    """One name as it is, a list of them as what is frozen wants it."""
    return tuple(names) if isinstance(names, list) else names


def device_names(_self: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    """A device, or several in the order in which they are wanted."""
    if isinstance(value, str):
        word()(None, attribute, value)
        return
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise ValueError('must be a name in quotes, or a list of them, as ["USB PnP", "default"]')
    if not value or not all(value):
        raise ValueError("must be at least one name, and none of them empty")
    if len(value) > 1 and any(name.startswith("file:") for name in value):
        raise ValueError("a file can always be opened: it must be alone")
    if len(set(value)) < len(value):
        raise ValueError("names a device twice")


def words(_self: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    """A list of texts, none of them empty."""
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise TypeError(f"'{attribute.name}' must be a list of texts")
    if any(not word or "\0" in word for word in value):
        raise ValueError("must not hold empty words")


def known_words(_self: object, _attribute: "attrs.Attribute[Any]", value: Iterable[str]) -> None:
    """Words that can be listened for: those that come with the detector, and an owner's models."""
    unknown = [word for word in value if word not in SHIPPED and not word.endswith(OWN)]
    if unknown:
        raise ValueError(
            f"knows no {', '.join(map(repr, unknown))}: there is {', '.join(SHIPPED)}, and the path of "
            f"a microWakeWord model's {OWN} file"
        )


def rights(_self: object, _attribute: "attrs.Attribute[Any]", value: Iterable[str]) -> None:
    """What somebody may be allowed to do."""
    known = [right.value for right in Right]
    if any(word not in known for word in value):
        raise ValueError(f"must hold nothing but {', '.join(known)}")


def socket_path(_self: object, _attribute: "attrs.Attribute[Any]", value: str) -> None:
    """A place for a socket, or none."""
    if value and not (value.startswith("/") and value.isprintable() and not value.endswith("/")):
        raise ValueError("must be a whole path, as /run/voiced/control.sock")


def no_secret(
    _self: object, _attribute: "attrs.Attribute[Any]", value: str | Iterable[str]
) -> None:
    """Settings are shown and logged, and a program's words are seen by all who are on the machine."""
    if any(SECRET.search(word) for word in ([value] if isinstance(value, str) else value)):
        raise ValueError("must not hold a key: put it into a file, and name that")


def header_word(_self: object, _attribute: "attrs.Attribute[Any]", value: str) -> None:
    """One word that may travel in a header, or none."""
    if (
        not (value.isascii() and value.isprintable())
        or " " in value
        or len(value) > _LONGEST_HEADER
    ):
        raise ValueError(f"must be one word of plain ASCII, at most {_LONGEST_HEADER} letters")


def proxy_url(_self: object, _attribute: "attrs.Attribute[Any]", value: str) -> None:
    """A proxy, the environment's, or none."""
    if value in {"", "auto"}:
        return
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError('must be "auto", "" (none) or look like http://host:port')
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ValueError("must be plain ASCII without blanks: write other characters as %XX")
    _ = parts.port  # ValueError, if it is no number or too great
    if parts.username or parts.password:
        raise ValueError("must not hold a user or password: see proxy_credentials_file")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must end after the port")


def idle_ms(_self: object, _attribute: "attrs.Attribute[Any]", value: int) -> None:
    """What the service takes for its idle timeout, or 0."""
    if value and not 5000 <= value <= 30_000:
        raise ValueError("must be 0 (never) or 5000 to 30000")


def sentence(_self: object, _attribute: "attrs.Attribute[Any]", value: str) -> None:
    """One line to be spoken."""
    if not 1 <= len(value.strip()) <= _LONGEST_SENTENCE:
        raise ValueError(f"must be 1 to {_LONGEST_SENTENCE} characters")
    if not value.isprintable():
        raise ValueError("must be one line of plain text")


def language_code(_self: object, _attribute: "attrs.Attribute[Any]", value: str) -> None:
    """A language as synthesisers name it."""
    if not re.fullmatch(r"[A-Za-z]{2,3}([-+][A-Za-z0-9]+)*", value):
        raise ValueError('must be a language, like "en" or "de" (`espeak-ng --voices` lists them)')
