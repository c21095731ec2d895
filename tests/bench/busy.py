"""Somebody else's work: keeps one core busy until it is ended.

python -m tests.bench.busy
"""

import os

if __name__ == "__main__":
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print('{"what": "running"}', flush=True)
    while True:
        pass
