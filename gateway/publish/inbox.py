"""What other threads hand to one that waits on a socket: calls to make, and what wakes it. Never blocks."""

import os
import queue
from collections.abc import Callable


class Inbox:
    """Of one thread. `post` is for any thread, the rest for its own."""

    def __init__(self) -> None:
        self._actions: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        """Readable while there is something."""

    def post(self, action: Callable[[], None]) -> None:
        """Have the thread call `action`."""
        self._actions.put(action)
        try:
            os.eventfd_write(self.wake, 1)
        except OSError:
            return  # the thread has ended; nothing is owed to it

    def hear(self) -> None:
        """The descriptor was readable."""
        os.eventfd_read(self.wake)

    def serve(self) -> None:
        """Make all calls that wait."""
        while not self._actions.empty():
            self._actions.get()()

    def close(self) -> None:
        """The thread ends."""
        os.close(self.wake)
