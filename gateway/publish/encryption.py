"""TLS to the broker: the host's name is always checked, and nothing less is ever tried. (RFC 8446, RFC 5280 4.1.2.5)

Tells how many days each certificate is still valid. A certificate that is not valid yet is most often our own clock
before it was set: that is told so, and tried again for ever.
"""

import socket
import ssl
from pathlib import Path

from ..config.types import MqttSection
from .certificate import not_after_s
from .secret import secret_path

DAY_S = 86_400
NOT_YET_VALID, EXPIRED = 9, 10  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED


def tls_context(section: MqttSection) -> ssl.SSLContext:
    """Checks the broker, and shows our certificate where there is one. Raises OSError, ValueError."""
    ca_file = str(secret_path(section.ca_file)) if section.ca_file else None
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if section.cert_file:
        key_file = str(secret_path(section.key_file)) if section.key_file else None
        context.load_cert_chain(secret_path(section.cert_file), key_file, password=_no_password)
    return context


def broker_days(sock: object, wall_us: int) -> int | None:
    """Days for which the certificate that the broker showed is still valid; None where there is none."""
    shown = sock.getpeercert() if isinstance(sock, ssl.SSLSocket) else None
    end = shown.get("notAfter") if shown else None
    return None if not isinstance(end, str) else _days(ssl.cert_time_to_seconds(end), wall_us)


def client_days(section: MqttSection, wall_us: int) -> int | None:
    """The same of our own certificate; None where we have none, or it cannot be read now."""
    if not section.cert_file:
        return None
    try:
        end_s = not_after_s(Path(secret_path(section.cert_file)).read_text(encoding="ascii", errors="replace"))
    except (OSError, ValueError):
        return None
    return None if end_s is None else _days(end_s, wall_us)


def explain(error: Exception) -> str:
    """A failure to connect, with its mend where it is known."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code == NOT_YET_VALID:
            return (
                "the broker's certificate is not valid yet: either this machine's clock is not set (it is tried"
                " again until it is), or the certificate was made for later"
            )
        if error.verify_code == EXPIRED:
            return "the broker's certificate has expired, or this machine's clock is ahead; renew it on the broker"
        return f"the broker's certificate is not trusted: {error.verify_message}"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused; does a broker listen there, and is the port right?"
    if isinstance(error, socket.gaierror):
        return f"{error.strerror}; is the broker's name spelt right, or give its IP address"
    return str(error)


def _days(end_s: float, wall_us: int) -> int:
    return int((end_s * 1_000_000 - wall_us) // (DAY_S * 1_000_000))


def _no_password() -> str:
    # Else OpenSSL would ask on the terminal, for ever.
    raise ValueError("the private key in key_file is encrypted: give one without a passphrase, chmod 600")
