"""What went wrong on the wire, sorted by what the caller should do next.

Every message says where, what was expected and what came. Nothing here retries, logs or prints.
"""


class DriverError(Exception):
    """Base of everything a driver raises; anything else that escapes a driver is a bug in it."""


class NoAnswerError(DriverError):
    """The deadline passed without a complete answer. Ask again later, after the quiet time."""


class FrameError(DriverError):
    """Bytes came that are not the answer to our question (CRC, unit, function, length). Drain, be quiet, ask again."""


class BadValueError(FrameError):
    """A whole answer holds a number no meter can mean (infinity, energy below zero, absurd size). Ask again."""


class RefusedError(DriverError):
    """The device answered "not now" (Modbus exceptions 5, 6, 10 and 11). Ask again later.

    `is_brief`: it is only busy (5 and 6); asking again in a moment may do.
    """

    def __init__(self, message: str, *, is_brief: bool = False) -> None:
        super().__init__(message)
        self.is_brief = is_brief


class ConfigurationError(DriverError):
    """The device answered "never" (Modbus exceptions 1 to 4), or the profile does not fit. Tell it once, then wait.

    `code`: the exception's, where it was one.
    """

    def __init__(self, message: str = "", code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class ProfileError(ConfigurationError):
    """A meter profile is missing or wrong. Names file, key, value and the mend."""


class TransportLostError(DriverError):
    """The port or the connection is gone or cannot be opened. Close, wait, open again."""
