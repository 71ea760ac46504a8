"""Runs a conversation on a blocking transport, in the caller's thread: what a serial line and the commands use.

It adds nothing to the conversation: no retry, no deadline of its own, no word to a log.
"""

from typing import TypeVar

from .errors import TransportLostError
from .steps import Close, Open, Read, Step, Steps, WaitUntil, Write
from .timing import Ticker
from .transport import Transport

T = TypeVar("T")


def run_blocking(steps: Steps[T], transport: Transport, ticker: Ticker) -> T:
    """The conversation's result. Raises what it raises; an interrupt on the way ends it as given up."""
    try:
        step = next(steps)
        while True:
            try:
                heard = _perform(step, transport, ticker)
            except TransportLostError as error:
                step = steps.throw(error)
            else:
                step = steps.send(heard)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        steps.close()


def _perform(step: Step, transport: Transport, ticker: Ticker) -> bytes:
    """One step; what was heard, if it was a Read."""
    if isinstance(step, Read):
        return transport.read(step.max_bytes, step.deadline_us)
    if isinstance(step, WaitUntil):
        ticker.sleep_us(step.at_us - ticker.monotonic_us())
    elif isinstance(step, Write):
        transport.write(step.payload)
    elif isinstance(step, Open):
        transport.open()
    elif isinstance(step, Close):
        transport.close()
    return b""
