"""A door before a real broker that lets only MQTT 3.1.1 in, as a broker of 2014 would: MQTT 5 is refused at CONNECT.

(MQTT 3.1.1, 3.1.2.2: an unacceptable protocol level is answered with return code 1, and the connection closed.)
"""

import contextlib
import socket
import threading

from hil.broker import HOST

REFUSED_311 = bytes.fromhex("20020001")


class Doorman:
    """Listens on a port of its own and passes bytes on to the broker's."""

    def __init__(self, broker_port: int) -> None:
        self._broker_port = broker_port
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        self.levels: list[int] = []
        """The protocol levels that were asked for."""
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                guest, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._let_in, args=(guest,), daemon=True).start()

    def _let_in(self, guest: socket.socket) -> None:
        with guest:
            connect = guest.recv(4096)
            level = connect[connect.index(b"MQTT") + 4]
            self.levels.append(level)
            if level != 4:
                guest.sendall(REFUSED_311)
                return
            with socket.create_connection((HOST, self._broker_port)) as broker:
                broker.sendall(connect)
                back = threading.Thread(target=_pass_on, args=(broker, guest), daemon=True)
                back.start()
                _pass_on(guest, broker)
                back.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while chunk := source.recv(65536):
            target.sendall(chunk)
    except OSError:
        pass  # reset: the other side is told that it is over
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
