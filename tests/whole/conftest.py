"""Fixtures of the whole-process tests."""

from .rig import house, reader

__all__ = ["house", "reader"]
