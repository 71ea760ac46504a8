"""From a profile to the optical meter that talks as it says."""

from ..errors import ProfileError
from ..profile import Profile
from ..timing import Ticker
from .meter import OpticalMeter
from .parity import ParityMode
from .plan import UART_SETTLE_US, USB_SETTLE_US, Line
from .programming import Password
from .pushed import PushedMeter
from .runner import Port, Runner
from .terms import Mode

USB_NAMES = ("ttyUSB", "ttyACM")


def settle_of(device: str) -> int:
    """How long an adapter of this device name may hold characters back, microseconds: USB long, a UART hardly."""
    return USB_SETTLE_US if device.startswith(USB_NAMES) else UART_SETTLE_US


def open_optical(
    profile: Profile,
    port: Port,
    ticker: Ticker,
    *,
    settle_us: int,
    has_hardware_parity: bool = False,
    address: str = "",
    password: str = "",
    swap_direction: bool = False,
) -> OpticalMeter:
    """A meter of `profile` behind `port`. Nothing is sent before the first question. Raises ProfileError."""
    terms = profile.optical
    if terms is None:
        raise ProfileError(f"{profile.path}: no profile of an optical port")
    if terms.password_level and not password:
        raise ProfileError(f"{profile.path}: this meter wants a password: password_file = ... in its [[meter]]")
    parity = ParityMode.HARDWARE if has_hardware_parity else ParityMode.SOFTWARE
    return (PushedMeter if terms.mode is Mode.D else OpticalMeter)(
        profile,
        terms,
        Runner(port, ticker, longest_us=terms.longest_s * 1_000_000),
        ticker,
        Line(parity=parity, settle_us=settle_us, has_bcc=terms.has_bcc),
        address=address,
        password=Password(terms.password_level, password) if terms.password_level else None,
        swap_direction=swap_direction,
    )
