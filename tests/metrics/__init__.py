"""The numbers for monitoring."""
