"""Decisions about turns, without a clock."""
