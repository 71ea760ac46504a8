"""Byte pipes to a device. A transport knows nothing of frames, units or meters; it never retries and never logs.

Implementations: `serial` (a line), `tcp` (a socket), `scripted` (a peer written down in a test).
"""

from .base import Transport

__all__ = ["Transport"]
