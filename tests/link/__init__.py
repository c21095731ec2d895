"""Tests of what keeps a conversation going."""
