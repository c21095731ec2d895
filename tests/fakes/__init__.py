"""Fakes of the ports: whole, simple, shared, and held to the edges' promises by tests/edges/contracts."""
