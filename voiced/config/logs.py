"""What an owner may decide about the log and the record of the wire. As `__init__.py` says."""

from attrs import field, frozen
from attrs.validators import and_, in_

from voiced.config.checks import flag, no_secret, text, whole

FORMS = ("auto", "text", "json", "journal")


@frozen(kw_only=True)
class Log:
    """How the log is written, and whether words that were said are in it."""

    format: str = field(default="auto", validator=and_(text(), in_(FORMS)))
    transcripts: bool = field(default=False, validator=flag())


@frozen(kw_only=True)
class Debug:
    """What is kept of the wire, to find out what went wrong on it."""

    record_dir: str = field(default="", validator=and_(text(), no_secret))
    record_audio: bool = field(default=False, validator=flag())
    record_max_mb: int = field(default=100, validator=whole(1, 100_000))
    record_max_days: int = field(default=7, validator=whole(1, 365))
