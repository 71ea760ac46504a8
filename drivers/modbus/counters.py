"""What happened on one Modbus link, counted per cause. Counts only; nobody is told here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinkCounters:
    """A moment's copy of a link's counts. Failed requests are counted once, under their main cause."""

    requests: int = 0
    answers: int = 0
    """Requests that got their registers."""
    refused: int = 0
    """Modbus exceptions that mean "not now" (5, 6, 10, 11 and unknown ones)."""
    impossible: int = 0
    """Modbus exceptions that mean "never" (1 to 4)."""
    silent: int = 0
    """No byte came by the deadline."""
    truncated: int = 0
    """The answer began and did not end by the deadline."""
    damaged: int = 0
    """An answer came with a wrong CRC."""
    foreign: int = 0
    """A sound frame of another unit came."""
    mismatched: int = 0
    """A sound frame of this unit came with another function code or byte count."""
    noise: int = 0
    """Bytes came that are no frame."""
    late: int = 0
    """An answer to an earlier request came, or an answer once more, and was not taken."""
    echoes: int = 0
    """Our own request came back (an adapter with local echo), and was skipped."""
    discarded_bytes: int = 0
    """Bytes thrown away between requests: late answers, noise, another master."""
    other_master: int = 0
    """Requests heard on the line that were not ours."""
    ambiguous: int = 0
    """Answers refused because another master had asked the same unit for as much in the same moment."""
    lost: int = 0
    """The port or connection was lost or could not be opened."""
