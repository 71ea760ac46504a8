"""Until when an X.509 certificate in PEM is valid. Reads no more than that; proves nothing. (RFC 5280, 4.1)

The standard library tells this only of the other side's certificate, and a library for it would cost the daemon 9 MB.
"""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

SEQUENCE, CONTEXT_0 = 0x30, 0xA0
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def not_after_s(pem: str) -> int | None:
    """Seconds since 1970 of the first certificate's end; None where there is none in the text. Raises ValueError."""
    begin, end = pem.find(_BEGIN), pem.find(_END)
    if begin < 0 or end < begin:
        return None
    der = ssl.PEM_cert_to_DER_cert(pem[begin : end + len(_END)])
    certificate = _content(der, SEQUENCE)
    parts = [part for part in _parts(_content(certificate, SEQUENCE)) if part[0] != CONTEXT_0]
    # serialNumber, signature, issuer, validity
    if len(parts) < 4 or parts[3][0] != SEQUENCE:
        raise ValueError("no validity in the certificate")
    times = list(_parts(parts[3][1]))
    if len(times) != 2:
        raise ValueError("no validity in the certificate")
    return _seconds(*times[1])


def _parts(der: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements of a DER sequence's content: tag, content. (X.690, 8.1)"""
    at = 0
    while at < len(der):
        if at + 2 > len(der):
            raise ValueError("cut off")
        tag, size, at = der[at], der[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            size, at = int.from_bytes(der[at : at + count], "big"), at + count
        if at + size > len(der):
            raise ValueError("cut off")
        yield tag, der[at : at + size]
        at += size


def _content(der: bytes, wanted: int) -> bytes:
    tag, content = next(_parts(der), (0, b""))
    if tag != wanted:
        raise ValueError(f"tag 0x{tag:02x}, expected 0x{wanted:02x}")
    return content


def _seconds(tag: int, content: bytes) -> int:
    text = content.decode("ascii")
    if tag == UTC_TIME:
        # Two digits: 50 and more are of the last century (4.1.2.5.1).
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    elif tag != GENERALIZED_TIME:
        raise ValueError(f"tag 0x{tag:02x} is no time")
    return int(datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp())
