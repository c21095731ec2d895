"""voiced: a daemon one can talk with, over the OpenAI Realtime API."""

__version__ = "0.1.0"
