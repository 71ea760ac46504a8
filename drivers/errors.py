"""What went wrong on the wire, sorted by what the caller should do next.

Every message says where, what was expected and what came. Nothing here retries, logs or prints.
"""


class DriverError(Exception):
    """Base of everything a driver raises; anything else that escapes a driver is a bug in it."""


class NoAnswerError(DriverError):
    """The deadline passed without a complete answer. Ask again later, after the quiet time."""


class FrameError(DriverError):
    """Bytes came that are not the answer to our question (CRC, unit, function, length). Drain, stay quiet, ask again."""


class RefusedError(DriverError):
    """The device answered "not now" (Modbus exceptions 5 and 6). Ask again later."""


class ConfigurationError(DriverError):
    """The device answered "never" (Modbus exceptions 1 to 4), or the profile does not fit it. Tell it once; do not hammer."""


class TransportLostError(DriverError):
    """The port or the connection is gone or cannot be opened. Close, wait, open again."""
