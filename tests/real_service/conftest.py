"""Whether the real service is asked at all: it costs money, and wants a key and a network.

VOICED_REAL_API=1 OPENAI_API_KEY=... python -m pytest -s tests/real_service

Otherwise its tests are not collected, so that no usual run skips anything. VOICED_REAL_API_URL and
VOICED_REAL_API_MODEL name another service than the usual one.
"""

import os

_ASKED = os.environ.get("VOICED_REAL_API") == "1" and bool(os.environ.get("OPENAI_API_KEY"))

collect_ignore = [] if _ASKED else ["test_real_service.py"]
