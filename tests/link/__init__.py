"""Tests of what keeps a conversation going: pure, time and chance are arguments."""
