"""How much of a meter a reading asks for. Energy is asked for always."""

import enum


class Want(enum.Enum):
    """What a reading asks for besides the energy."""

    NEEDED = "needed"
    """Only what is read each time; the rest as it is known, unless it is too old."""
    DUE = "due"
    """What has grown too old, too."""
    ALL = "all"
    """Everything, as it is now."""
