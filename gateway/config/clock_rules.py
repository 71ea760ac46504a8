"""What `clock = "meter"` asks of the meters: one of them must tell the time. Notes problems; changes nothing."""

from drivers.errors import ProfileError

from .convert import Converter
from .document import Document
from .profiles import profile_named
from .types import ClockSource


def check_clock(document: Document, converter: Converter) -> None:
    """Refuse a clock that nobody tells. Profiles that are wrong are told elsewhere, and then this is not."""
    gateway = converter.tables.get(("gateway",))
    if gateway is None or gateway.text("clock") != ClockSource.METER:
        return
    names = [fields.text("profile") for path, fields in converter.tables.items() if path[:1] == ("meter",)]
    tells = False
    for name in names:
        if name is None:
            return
        try:
            profile = profile_named(document.folder, name)
        except ProfileError:
            return
        tells = tells or profile.clock is not None
    if names and not tells:
        listed = ", ".join(sorted({str(name) for name in names}))
        message = f'clock = "meter": no profile of these meters tells the time ({listed})'
        mend = "choose ntp, rtc or operator, or give a meter that has a clock a profile with [clock] (docs/profiles.md)"
        document.add(("gateway", "clock"), message, mend)
