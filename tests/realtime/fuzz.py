"""By hand, for long: coverage-guided fuzzing of the decoder and the session, with atheris.

`scripts/fuzz` starts it: python -m tests.realtime.fuzz CORPUS [libFuzzer options]. An input is either a
message as it is, or the decisions by which recorded conversations are spoilt.
"""

import importlib
import sys
from typing import Any, Final

_MOST_MESSAGES: Final = 12


def main(argv: list[str]) -> None:
    """Fuzz until the time given in *argv* is over; a finding ends the process."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["voiced.realtime"]):
        strange: Any = importlib.import_module("tests.realtime.strange")
        say: Any = importlib.import_module("voiced.realtime.client_events")
        session_of: Any = importlib.import_module("voiced.realtime.session").Session
    opening = ("session.created", "session.updated")
    created, updated = (
        next(m for m in strange.recorded() if f'"{kind}"' in m[:60]) for kind in opening
    )

    def one(data: bytes) -> None:
        source = atheris.FuzzedDataProvider(data)

        def choose(below: int) -> int:
            return int(source.ConsumeIntInRange(0, below - 1))

        session = session_of()
        if choose(4):
            session.receive(created)
            session.send(say.Configure())
            session.receive(updated)
        if choose(3) == 0:
            strange.receive(session, source.ConsumeUnicode(1 << 16))
            return
        for _ in range(1 + choose(_MOST_MESSAGES)):
            message = strange.recorded()[choose(len(strange.recorded()))]
            strange.receive(session, strange.spoilt(message, choose) if choose(3) else message)

    atheris.Setup(argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
