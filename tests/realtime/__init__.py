"""Tests of the protocol core: no clock, no socket, no task; OpenAI's own types are the judge."""
