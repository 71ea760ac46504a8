"""[mqtt]: who may listen on the way, secrets, certificates, topic templates. What each mistake says, and where."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from gateway.config.load import examine
from gateway.config.problem import Severity
from gateway.config.types import MqttSection
from gateway.publish.encryption import tls_context

from ..wire.publishing import Authority
from .test_config_load import GOOD

LOCAL, REMOTE = 'host = "localhost"', 'host = "broker.example"'
HEAD, TAIL = GOOD.split(f"{LOCAL}\n")


def problems(folder: Path, *lines: str) -> list[tuple[str, str, str]]:
    """Severity, key and message of each."""
    path = folder / "gateway.toml"
    path.write_text(HEAD + "\n".join(lines) + "\n" + TAIL, encoding="utf-8")
    found = examine(path)
    assert (found.config is None) == any(one.severity is Severity.ERROR for one in found.problems)
    return [(one.severity.value, str(one.key).removeprefix("mqtt."), one.message) for one in found.problems]


def one_problem(folder: Path, *lines: str) -> tuple[str, str, str]:
    (found,) = problems(folder, *lines)
    return found


def test_clear_text_beyond_this_machine_has_to_be_wanted(tmp_path: Path) -> None:
    assert one_problem(tmp_path, REMOTE)[0] == "error"
    assert one_problem(tmp_path, REMOTE, "insecure = true")[0] == "warning"
    assert problems(tmp_path, REMOTE, "tls = true", "port = 8883") == []
    assert one_problem(tmp_path, REMOTE, "tls = true", "port = 8883", "insecure = true")[:2] == ("warning", "insecure")
    assert problems(tmp_path, LOCAL) == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('meter_topic = "{base}/{gateway}/{kind}"', "lacks {meter}"),
        ('meter_topic = "x"', "lacks {meter} and {kind}"),
        ('gateway_topic = "{base}/{gateway}"', "lacks {kind}"),
        ('gateway_topic = "{meter}/{kind}"', "cannot be used"),
        ('gateway_topic = "{kind}/#"', "cannot be used"),
        ('gateway_topic = "a b/{kind}"', "cannot be used"),
        ('gateway_topic = "$SYS/{kind}"', "cannot be used"),
        ('gateway_topic = "{{kind}}"', "cannot be used"),
        ('consumer = "a/b"', "cannot be used"),
    ],
)
def test_a_topic_that_cannot_be_is_refused_at_its_key(tmp_path: Path, line: str, words: str) -> None:
    severity, key, message = one_problem(tmp_path, LOCAL, line)
    assert (severity, key, words in message) == ("error", line.split(" ")[0], True)


def test_templates_for_a_cloud_are_taken(tmp_path: Path) -> None:
    lines = ('gateway_topic = "devices/{gateway}/events/{kind}"', 'meter_topic = "devices/{gateway}/{meter}/{kind}"')
    assert problems(tmp_path, LOCAL, *lines, "retain = false", "discovery = false", "max_qos = 1") == []
    assert one_problem(tmp_path, LOCAL, "retain = false")[:2] == ("warning", "retain")
    assert one_problem(tmp_path, LOCAL, "max_qos = 2")[:2] == ("error", "max_qos")


TLS = (LOCAL, "tls = true", "port = 8883")


def test_a_certificate_and_its_key_must_fit(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    one, other = ca.issue("one"), ca.issue("other")
    assert problems(tmp_path, *TLS, 'ca_file = "test-ca.pem"', 'cert_file = "one.pem"', 'key_file = "one.key"') == []
    wrong = one_problem(tmp_path, *TLS, 'cert_file = "one.pem"', 'key_file = "other.key"')
    assert wrong[:2] == ("error", "cert_file")
    assert one_problem(tmp_path, *TLS, 'cert_file = "one.pem"')[:2] == ("error", "cert_file")
    assert one_problem(tmp_path, *TLS, 'key_file = "one.key"')[:2] == ("error", "key_file")
    gone = one_problem(tmp_path, *TLS, 'cert_file = "gone.pem"', 'key_file = "one.key"')
    assert gone == ("error", "cert_file", "there is no file gone.pem")
    one.key.chmod(0o644)
    open_to_all = one_problem(tmp_path, *TLS, 'cert_file = "one.pem"', 'key_file = "one.key"')
    assert open_to_all == ("error", "key_file", "key_file one.key can be read by everybody")
    both = tmp_path / "both.pem"
    both.write_bytes(other.cert.read_bytes() + other.key.read_bytes())
    assert problems(tmp_path, *TLS, 'cert_file = "both.pem"') == []


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("one")
    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    sealed = serialization.BestAvailableEncryption(b"secret")
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    pair.key.write_bytes(key.private_bytes(pem, pkcs8, sealed))
    pair.key.chmod(0o600)
    wrong = one_problem(tmp_path, *TLS, 'cert_file = "one.pem"', 'key_file = "one.key"')
    assert wrong[:2] == ("error", "cert_file")
    section = MqttSection(host="localhost", tls=True, cert_file=str(pair.cert), key_file=str(pair.key))
    with pytest.raises(ValueError, match="without a passphrase"):
        tls_context(section)


def test_credentials_are_the_service_s_and_not_looked_for(tmp_path: Path) -> None:
    lines = ('username_file = "credential:name"', 'password_file = "credential:mqtt"', 'key_file = "credential:key"')
    Authority(tmp_path).issue("one")
    assert problems(tmp_path, *TLS, *lines, 'cert_file = "one.pem"') == []
    assert one_problem(tmp_path, LOCAL, lines[0], 'username = "me"')[:2] == ("error", "username_file")
    assert one_problem(tmp_path, LOCAL, lines[1])[:2] == ("error", "password_file")
