"""What [mqtt] must fulfil beyond the types of its keys: who may listen on the way, files, topics.

Notes problems in the document and changes nothing. A `credential:` is not looked for: only the service has it.
"""

import os
import re
import ssl
import stat

from .convert import Fields
from .document import Document
from .hosts import check_host, is_loopback, mode_of, resolved
from .types import CREDENTIAL

PLAIN_PORT, TLS_PORT = 1883, 8883
SECRETS = {"password_file": "the password", "username_file": "the user's name"}


def check_mqtt(document: Document, fields: Fields) -> None:
    """[mqtt], as far as it was understood."""
    host = fields.text("host")
    if host == "":
        document.add(("mqtt", "host"), "host is empty", 'name the broker, such as "localhost"')
    elif host is not None and check_host(document, ("mqtt", "host"), host):
        _check_way(document, fields, host)
    _check_topics(document, fields)
    _check_login(document, fields)
    _check_tls(document, fields)
    for key, content in SECRETS.items():
        _check_secret_file(document, key, fields.text(key), content)


def _check_way(document: Document, fields: Fields, host: str) -> None:
    """Nobody sends a household's days in clear over a network without having said so."""
    tls, insecure = fields.flag("tls"), fields.flag("insecure")
    if tls is False and not is_loopback(host):
        message = f"{'password and data go' if fields.text('password_file') else 'data goes'} in clear to {host}"
        if insecure is True:
            document.warn(("mqtt", "host"), message, f"tls = true, port = {TLS_PORT}")
        else:
            mend = f"tls = true, port = {TLS_PORT}; or insecure = true, where you trust everybody on that network"
            document.add(("mqtt", "host"), message, mend, value=host)
    if insecure is True and tls is True:
        document.warn(("mqtt", "insecure"), "insecure means nothing with tls = true", "take the line out")
    if tls is True and fields.number("port") == PLAIN_PORT:
        document.warn(("mqtt", "tls"), f"port {PLAIN_PORT} is by custom the one without TLS", f"port = {TLS_PORT}")


def _check_topics(document: Document, fields: Fields) -> None:
    for key in ("base_topic", "discovery_prefix"):
        topic = fields.text(key)
        if topic is not None and not re.fullmatch(r"[^\s+#/$\x00{}][^\s+#\x00{}]{0,127}(?<!/)", topic):
            mend = "no +, #, {, }, blanks, no / at either end, no $ in front"
            document.add(("mqtt", key), f'{key} "{topic}" cannot be used', mend, value=topic)
    for key, needed in (("gateway_topic", ("kind",)), ("meter_topic", ("meter", "kind"))):
        template = fields.text(key)
        if template is None:
            continue
        missing = [name for name in needed if f"{{{name}}}" not in template]
        rest = re.sub(
            r"\{(base|gateway|meter|kind)\}" if "meter" in needed else r"\{(base|gateway|kind)\}", "x", template
        )
        if missing:
            message = f'{key} "{template}" lacks ' + " and ".join(f"{{{name}}}" for name in missing)
            document.add(("mqtt", key), message, "two kinds of messages must not share a topic", value=template)
        elif not re.fullmatch(r"[^\s+#$\x00{}][^\s+#\x00{}]{0,255}", rest):
            mend = "known: {base}, {gateway}, {kind}" + (", {meter}" if "meter" in needed else "")
            document.add(
                ("mqtt", key), f'{key} "{template}" cannot be used', mend + "; no +, #, blanks", value=template
            )
    if fields.flag("retain") is False and fields.flag("discovery") is True:
        message = "Home Assistant forgets the meters whenever it starts, because nothing is retained"
        document.warn(("mqtt", "retain"), message, "discovery = false")
    name = fields.text("consumer")
    if name and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        document.add(("mqtt", "consumer"), f'consumer "{name}" cannot be used', "letters, digits, - and _", value=name)


def _check_login(document: Document, fields: Fields) -> None:
    if fields.text("username") and fields.text("username_file"):
        document.add(("mqtt", "username_file"), "there are a username and a username_file", "take one of them out")
    if fields.text("password_file") and not (fields.text("username") or fields.text("username_file")):
        document.add(("mqtt", "password_file"), "there is a password_file but no username", "add username")


def _check_tls(document: Document, fields: Fields) -> None:
    names = {key: fields.text(key) for key in ("ca_file", "cert_file", "key_file")}
    for key, name in names.items():
        if name and fields.flag("tls") is False:
            document.warn(("mqtt", key), f"{key} means nothing while tls = false", "tls = true")
    if names["key_file"] and not names["cert_file"]:
        document.add(("mqtt", "key_file"), "there is a key_file but no cert_file", "add cert_file")
    here = {key: name for key, name in names.items() if name and not name.startswith(CREDENTIAL)}
    gone = [key for key, name in here.items() if not stat.S_ISREG(mode_of(resolved(document.folder, name)) or 0)]
    for key in gone:
        mend = {"ca_file": "give the CA's certificate (PEM)", "cert_file": "give this gateway's certificate (PEM)"}
        document.add(
            ("mqtt", key), f"there is no file {here[key]}", mend.get(key, "give the private key"), value=here[key]
        )
    if gone:
        return
    _check_ca_file(document, here.get("ca_file"))
    _check_own_certificate(document, here.get("cert_file"), names["key_file"])
    if "key_file" in here:
        _check_rights(document, "key_file", here["key_file"])


def _check_ca_file(document: Document, name: str | None) -> None:
    if not name:
        return
    try:
        ssl.create_default_context(cafile=str(resolved(document.folder, name)))
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        mend = "give the CA's certificate (PEM)"
        document.add(("mqtt", "ca_file"), f"ca_file {name} holds no certificate ({error})", mend, value=name)


def _check_own_certificate(document: Document, name: str | None, key_name: str | None) -> None:
    if not name or (key_name and key_name.startswith(CREDENTIAL)):
        return
    key_path = str(resolved(document.folder, key_name)) if key_name else None
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # A passphrase that OpenSSL would ask for on the terminal is an empty one, which is refused.
        context.load_cert_chain(str(resolved(document.folder, name)), key_path, password="")
    except (OSError, ValueError) as error:
        mend = (
            "certificate and private key (PEM) of one pair, the key without a passphrase; in one file, or key_file too"
        )
        document.add(("mqtt", "cert_file"), f"cert_file {name} cannot be used ({error})", mend, value=name)


def _check_secret_file(document: Document, key: str, name: str | None, content: str) -> None:
    if not name or name.startswith(CREDENTIAL):
        return
    path, place = resolved(document.folder, name), ("mqtt", key)
    try:
        status = path.stat()
    except OSError as error:
        message = f"{key} {name} cannot be read: {os.strerror(error.errno or 0)}"
        document.add(place, message, f"write {content} alone into it, then chmod 600", value=name)
        return
    if not stat.S_ISREG(status.st_mode):
        document.add(place, f"{key} {name} is not a file", f"write {content} alone into a file", value=name)
    elif _check_rights(document, key, name) and not _is_text(document, name):
        document.add(place, f"{key} {name} is no UTF-8 text", f"write {content} alone into it", value=name)


def _check_rights(document: Document, key: str, name: str) -> bool:
    """Whether nobody else can read it; False where that is an error."""
    path, place = resolved(document.folder, name), ("mqtt", key)
    mode = mode_of(path) or 0
    if not os.access(path, os.R_OK):
        document.add(place, f"{key} {name} may not be read by this user", f"ls -l {path}", value=name)
        return False
    if mode & stat.S_IROTH:
        document.add(place, f"{key} {name} can be read by everybody", f"chmod 600 {path}", value=name)
        return False
    if mode & stat.S_IRGRP:
        # Not an error: systemd hands out credentials under an ACL, which shows as a readable group.
        document.warn(place, f"{key} {name} can be read by its group", f"chmod 600 {path}", value=name)
    return True


def _is_text(document: Document, name: str) -> bool:
    try:
        resolved(document.folder, name).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
    return True
