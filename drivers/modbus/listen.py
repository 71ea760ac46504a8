"""Listen on a serial line before speaking: is there another master? As steps; sends nothing at all."""

from dataclasses import dataclass

from ..steps import Open, Read, Steps
from ..timing import Ticker
from .codec import crc_ok
from .frames import requests_heard

HEARD_MOST = 4096


@dataclass(frozen=True, slots=True)
class Heard:
    """What went by. `requests`: how many sound questions of another master, `units`: whom it asks."""

    octets: int
    requests: int
    units: tuple[int, ...]


def listen(ticker: Ticker, listen_us: int) -> Steps[Heard]:
    """Open the line and listen for so long. Raises TransportLostError."""
    yield Open()
    until_us, heard = ticker.monotonic_us() + listen_us, b""
    while (left_us := until_us - ticker.monotonic_us()) > 0 and len(heard) < HEARD_MOST:
        heard += yield Read(HEARD_MOST, ticker.monotonic_us() + left_us)
    requests = requests_heard(heard, crc_ok)
    return Heard(len(heard), len(requests), tuple(sorted({frame[0] for frame in requests})))
