"""argv -> exit code."""

import os
import sys


def main() -> int:
    """Run the command line; the entry point of `voiced` and of `python -m voiced`."""
    # numpy's linear algebra would start a thread per core and keep 10 MB for it; no line of ours
    # needs it. It must be said before numpy is imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from voiced.cli.main import run  # noqa: PLC0415  after the line above

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
