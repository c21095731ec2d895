"""A process that keeps account as fast as it can, and says on stdout what it has kept; to be killed."""

import sys
from datetime import date
from pathlib import Path

from voiced.account.ledger import Ledger
from voiced.account.usage import Kind, Used
from voiced.edges.ledger_file import LedgerFile

DAY = date(2026, 11, 21)


def main() -> None:
    """Write for ever, one token more each time."""
    books, ledger = LedgerFile(Path(sys.argv[1])), Ledger()
    ledger.recall(books.open())
    while True:
        ledger.charge(DAY, Used({Kind.AUDIO_OUT: 1}))
        books.write(ledger.days)
        sys.stdout.write(f"{ledger.on(DAY).tokens}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
