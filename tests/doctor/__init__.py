"""Tests of voiced.doctor."""
