"""argv -> exit code."""

import os
import sys
import traceback
from types import TracebackType

_BUG = 70  # EX_SOFTWARE of sysexits(3)


def main() -> int:
    """Run the command line; the entry point of `voiced` and of `python -m voiced`."""
    sys.excepthook = _report
    # numpy's linear algebra would start a thread per core and keep 10 MB for it; no line of ours
    # needs it. It must be said before numpy is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from voiced.cli.main import run  # noqa: PLC0415  after the line above

    return run(sys.argv[1:])


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What nobody foresaw: the trace (without what looks like a secret), a request to report it, and an exit code of its own."""
    from voiced.logbook.masking import Masks  # noqa: PLC0415  rarely wanted, one hopes

    sys.stderr.write(Masks().hide("".join(traceback.format_exception(kind, error, trace))))
    sys.stderr.write("voiced: this is a bug in voiced, please report it with the lines above\n")
    sys.stderr.flush()
    os._exit(_BUG)


if __name__ == "__main__":
    sys.exit(main())
