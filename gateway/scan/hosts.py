"""Hosts that the user names: one, or a range of his own network. None is ever asked unasked.

A range is refused where it is nobody's private network, or longer than a scan should be.
"""

import ipaddress
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

MOST_HOSTS = 1024
AT_ONCE = 32
CONNECT_S = 1.0


def hosts_of(text: str) -> tuple[str, ...]:
    """`192.168.1.40`, `meter.lan`, `192.168.1.0/24`, `192.168.1.10-60`. Raises ValueError with what to write."""
    if "/" in text:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError as error:
            raise ValueError(f"{text!r} is no network: write it like 192.168.1.0/24") from error
        return _range(text, [*network.hosts()] if network.num_addresses <= MOST_HOSTS + 2 else [], network)
    first, dash, last = text.partition("-")
    if dash and first.count(".") == 3 and first.replace(".", "").isdecimal():
        return _from_to(text, first, last)
    if not text or text != text.strip() or any(sign in text for sign in " ,;@?#"):
        raise ValueError(f"{text!r} is no host: write an address like 192.168.1.40, a name, or a range")
    if text.count(":") == 1:  # two and more are an IPv6 address
        raise ValueError(f"{text!r} is no host: the port is told by --tcp-port {text.partition(':')[2]}")
    return (text,)


def reachable(hosts: Sequence[str], tcp_port: int) -> tuple[str, ...]:
    """Those that take a connection, in their order. Each is asked once and let go at once; sends nothing."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = pool.map(lambda host: _takes_connection(host, tcp_port), hosts)
        return tuple(host for host, answer in zip(hosts, answers, strict=True) if answer)


def _takes_connection(host: str, tcp_port: int) -> bool:
    try:
        socket.create_connection((host, tcp_port), CONNECT_S).close()
    except OSError:
        return False
    return True


def _from_to(text: str, first: str, last: str) -> tuple[str, ...]:
    try:
        begin = ipaddress.IPv4Address(first)
        end = ipaddress.IPv4Address(last if "." in last else f"{first.rpartition('.')[0]}.{last}")
    except ValueError as error:
        raise ValueError(f"{text!r} is no range: write it like 192.168.1.10-60") from error
    count = int(end) - int(begin) + 1
    if count < 1:
        raise ValueError(f"{text!r} ends before it begins")
    addresses = [begin + n for n in range(count)] if count <= MOST_HOSTS else []
    return _range(text, addresses, begin, end)


def _range(
    text: str,
    addresses: Sequence[ipaddress.IPv4Address | ipaddress.IPv6Address],
    *ends: ipaddress.IPv4Address | ipaddress.IPv6Address | ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> tuple[str, ...]:
    if not addresses:
        raise ValueError(f"{text!r} has more than {MOST_HOSTS} addresses: name a smaller range")
    if not all(end.is_private for end in ends):
        raise ValueError(f"{text!r} is no private network: only single hosts are asked outside of one's own")
    return tuple(str(address) for address in addresses)
