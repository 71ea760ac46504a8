"""Runs many conversations in one thread, each on a TCP endpoint of its own: epoll, a heap of timers, a resolver.

Nothing in here blocks but `turn`, and that only as long as it was told. One conversation an endpoint at a time. It adds
nothing to a conversation: no retry, no word to a log. (epoll(7): edge-triggered, so that an idle connection costs
nothing until something comes)
"""

import contextlib
import heapq
import os
import select
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

from ..errors import DriverError, TransportLostError
from ..steps import Close, Read, Step, Steps, WaitUntil, Write
from ..timing import Ticker
from .endpoint import Endpoint
from .resolver import Resolved, Resolver, numeric
from .tcp import CONNECT_TIMEOUT_US, connect_mend

STEPS_AT_ONCE = 32
"""After so many steps that needed no waiting (a flood on one connection) the others have their turn."""
RESOLVE_WITHIN_US = 30_000_000
NO_NAME_SERVER = "no answer from the name server; check the network's DNS, or use the IP address"
_EVENTS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
_READABLE = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR


@dataclass(frozen=True, slots=True)
class Finished:
    """A conversation that has ended: its result, or the error with which it did."""

    endpoint: Endpoint
    outcome: Any


class SocketLoop:
    """All calls but `wake` belong to one thread."""

    def __init__(self, ticker: Ticker) -> None:
        self._ticker = ticker
        self._epoll = select.epoll()
        self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._wakeup_lock = threading.Lock()
        self._epoll.register(self._wakeup, select.EPOLLIN)
        self._by_descriptor: dict[int, Endpoint] = {}
        self._timers: list[tuple[int, int, Endpoint]] = []
        self._timer_number = 0
        self._asking: dict[int, Endpoint] = {}
        self._resolved: deque[Resolved] = deque()
        self._resolver = Resolver(self._take_resolved)
        self._finished: list[Finished] = []

    def start(self, endpoint: Endpoint, conversation: Steps[Any]) -> None:
        """Begin a conversation; `turn` returns its end, sooner or later."""
        if endpoint.conversation is not None:
            raise RuntimeError(f"{endpoint.name}: a second conversation")
        endpoint.conversation = conversation
        self._go_on(endpoint, None)

    def turn(self, until_us: int) -> list[Finished]:
        """Let conversations go on until one has ended, `wake` was called, or it is `until_us`; what has ended."""
        if not self._finished:
            while self._timers and self._timers[0][1] != self._timers[0][2].timer:
                heapq.heappop(self._timers)  # no longer waited for: nothing to wake up for
            first_us = min(until_us, self._timers[0][0]) if self._timers else until_us
            wait_s = max(0, first_us - self._ticker.monotonic_us()) / 1e6
            for descriptor, events in self._epoll.poll(wait_s):
                self._notice(descriptor, events)
            self._ring()
        finished, self._finished = self._finished, []
        return finished

    def wake(self) -> None:
        """Let `turn` return. From any thread; never raises, also when the loop is closed."""
        with self._wakeup_lock:  # a descriptor that was closed may be somebody else's by now
            if self._wakeup >= 0:
                os.eventfd_write(self._wakeup, 1)

    def close(self) -> None:
        """Give up every conversation and close every connection. The loop cannot be used again."""
        for endpoint in list(self._by_descriptor.values()):
            self.release(endpoint)
        self._epoll.close()
        with self._wakeup_lock:
            os.close(self._wakeup)
            self._wakeup = -1

    def release(self, endpoint: Endpoint) -> None:
        """Give up its conversation, if there is one, and close its connection."""
        conversation, endpoint.conversation, endpoint.step = endpoint.conversation, None, None
        endpoint.timer, endpoint.is_opening = 0, False
        if conversation is not None:
            conversation.close()
        self._close(endpoint)

    def _notice(self, descriptor: int, events: int) -> None:
        """An event of epoll's."""
        if descriptor == self._wakeup:
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(descriptor)
            while self._resolved:
                self._take_addresses(self._resolved.popleft())
            return
        endpoint = self._by_descriptor.get(descriptor)
        if endpoint is None:
            return
        if endpoint.is_opening:
            self._finish_connect(endpoint)
            return
        if events & _READABLE:
            endpoint.readable = True
            if isinstance(endpoint.step, Read):
                self._retry(endpoint)

    def _ring(self) -> None:
        """Timers that are due."""
        now_us = self._ticker.monotonic_us()
        while self._timers and self._timers[0][0] <= now_us:
            _, number, endpoint = heapq.heappop(self._timers)
            if number != endpoint.timer:
                continue
            if endpoint.is_opening:
                self._fail_open(endpoint, NO_NAME_SERVER if endpoint.socket is None else connect_mend(TimeoutError()))
            else:
                self._retry(endpoint)

    def _set_timer(self, endpoint: Endpoint, at_us: int) -> None:
        self._timer_number += 1
        endpoint.timer = self._timer_number
        heapq.heappush(self._timers, (at_us, self._timer_number, endpoint))

    def _retry(self, endpoint: Endpoint) -> None:
        """The step that was waited for, once more."""
        assert endpoint.step is not None
        self._advance(endpoint, endpoint.step)

    def _go_on(self, endpoint: Endpoint, heard: bytes | None, error: TransportLostError | None = None) -> None:
        step = self._next_step(endpoint, heard, error)
        if step is not None:
            self._advance(endpoint, step)

    def _advance(self, endpoint: Endpoint, step: Step) -> None:
        """Step by step until the conversation ends or has to wait."""
        endpoint.timer = 0
        at_once = 0
        following: Step | None = step
        while following is not None:
            endpoint.step = following
            at_once += 1
            if at_once > STEPS_AT_ONCE:
                self._set_timer(endpoint, self._ticker.monotonic_us())
                return
            heard: bytes | None = None
            try:
                heard = self._perform(endpoint, following)
                if heard is None:
                    return
            except TransportLostError as error:
                following = self._next_step(endpoint, None, error)
            else:
                following = self._next_step(endpoint, heard, None)

    def _next_step(self, endpoint: Endpoint, heard: bytes | None, error: TransportLostError | None) -> Step | None:
        """What the conversation wants next; None if it has ended."""
        conversation = endpoint.conversation
        assert conversation is not None
        outcome: object
        try:
            if error is not None:
                return conversation.throw(error)
            return next(conversation) if heard is None else conversation.send(heard)
        except StopIteration as end:
            outcome = end.value
        except DriverError as failure:
            outcome = failure
        endpoint.conversation, endpoint.step, endpoint.timer = None, None, 0
        self._finished.append(Finished(endpoint, outcome))
        return None

    def _perform(self, endpoint: Endpoint, step: Step) -> bytes | None:
        """One step; None if it has to be waited for. Raises TransportLostError."""
        if isinstance(step, Read):
            heard = endpoint.read(step.max_bytes)
            if heard or step.deadline_us <= self._ticker.monotonic_us():
                return heard
            self._set_timer(endpoint, step.deadline_us)
            return None
        if isinstance(step, WaitUntil):
            if step.at_us <= self._ticker.monotonic_us():
                return b""
            self._set_timer(endpoint, step.at_us)
            return None
        if isinstance(step, Write):
            endpoint.write(step.payload)
        elif isinstance(step, Close):
            self._close(endpoint)
        elif not endpoint.is_open:
            self._begin_open(endpoint)
            return None
        return b""

    def _begin_open(self, endpoint: Endpoint) -> None:
        endpoint.is_opening = True
        endpoint.addresses = list(numeric(endpoint.host, endpoint.port))
        if endpoint.addresses:
            self._begin_connect(endpoint)
        else:
            self._set_timer(endpoint, self._ticker.monotonic_us() + RESOLVE_WITHIN_US)
            self._asking[endpoint.timer] = endpoint
            self._resolver.ask(endpoint.timer, endpoint.host, endpoint.port)

    def _take_resolved(self, resolved: Resolved) -> None:
        """In a thread of the resolver's."""
        self._resolved.append(resolved)
        self.wake()

    def _take_addresses(self, resolved: Resolved) -> None:
        endpoint = self._asking.pop(resolved.number)
        if endpoint.timer != resolved.number:
            return  # it was given up meanwhile
        if resolved.error is not None:
            self._fail_open(endpoint, connect_mend(resolved.error))
        else:
            endpoint.addresses = list(resolved.addresses)
            self._begin_connect(endpoint)

    def _begin_connect(self, endpoint: Endpoint) -> None:
        self._set_timer(endpoint, self._ticker.monotonic_us() + CONNECT_TIMEOUT_US)
        try:
            descriptor = endpoint.begin_connect()
        except OSError as error:
            self._fail_open(endpoint, connect_mend(error))
            return
        self._by_descriptor[descriptor] = endpoint
        self._epoll.register(descriptor, _EVENTS)

    def _finish_connect(self, endpoint: Endpoint) -> None:
        try:
            if not endpoint.finish_connect():
                return
        except OSError as error:
            self._fail_open(endpoint, connect_mend(error))
            return
        endpoint.is_opening = False
        self._go_on(endpoint, b"")

    def _fail_open(self, endpoint: Endpoint, mend: str) -> None:
        """The next address of the same name, or the end of the opening."""
        self._close(endpoint)
        if endpoint.addresses:
            self._begin_connect(endpoint)
            return
        endpoint.is_opening = False
        self._go_on(endpoint, None, TransportLostError(f"{endpoint.name}: {mend}"))

    def _close(self, endpoint: Endpoint) -> None:
        if endpoint.socket is not None:
            descriptor = endpoint.socket.fileno()
            if self._by_descriptor.pop(descriptor, None) is not None:
                self._epoll.unregister(descriptor)
        endpoint.close()
