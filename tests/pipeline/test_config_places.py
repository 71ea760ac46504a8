"""Where files are found. Expected places: systemd.exec(5), the XDG Base Directory Specification, unix(7)."""

from pathlib import Path

import pytest

from gateway import places
from gateway.config.load import load_config
from gateway.config.types import Config
from gateway.places import PlaceError

ROOT = Path(__file__).parents[2]
VARIABLES = ("STATE_DIRECTORY", "RUNTIME_DIRECTORY", "CONFIGURATION_DIRECTORY")
VARIABLES += ("XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "HOME")


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """No variable is set, and the machine has no config of its own, whatever lies in /etc."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(places, "MACHINE_FOLDER", tmp_path / "etc")
    return monkeypatch.setenv


@pytest.fixture
def config() -> Config:
    return load_config(ROOT / "config" / "gateway.toml")


def test_a_service_lives_in_systemds_folders(environment, config):
    environment("STATE_DIRECTORY", "/var/lib/netmeter-gateway")
    environment("RUNTIME_DIRECTORY", "/run/netmeter-gateway:/run/other")
    environment("HOME", "/root")
    assert places.store_path(config) == Path("/var/lib/netmeter-gateway/home/ledger.sqlite")
    assert places.socket_path(config) == Path("/run/netmeter-gateway/home.sock")


def test_a_user_lives_in_the_xdg_folders(environment, config):
    environment("HOME", "/home/ann")
    assert places.store_path(config) == Path("/home/ann/.local/state/netmeter-gateway/home/ledger.sqlite")
    assert places.socket_path(config) == Path("/home/ann/.local/state/netmeter-gateway/home.sock")
    environment("XDG_STATE_HOME", "/data/state")
    environment("XDG_RUNTIME_DIR", "/run/user/1000")
    assert places.store_path(config) == Path("/data/state/netmeter-gateway/home/ledger.sqlite")
    assert places.socket_path(config) == Path("/run/user/1000/netmeter-gateway/home.sock")


def test_relative_paths_in_the_variables_are_ignored_as_xdg_says(environment, config):
    environment("HOME", "/home/ann")
    environment("XDG_STATE_HOME", "state")
    assert places.store_path(config) == Path("/home/ann/.local/state/netmeter-gateway/home/ledger.sqlite")


def test_a_command_also_looks_where_the_service_has_its_socket(environment, config):
    environment("HOME", "/home/ann")
    environment("XDG_RUNTIME_DIR", "/run/user/1000")
    assert places.socket_candidates(config) == (
        Path("/run/user/1000/netmeter-gateway/home.sock"),
        Path("/run/netmeter-gateway/home.sock"),
        Path("/home/ann/.local/state/netmeter-gateway/home.sock"),
    )


def test_without_any_folder_the_message_says_what_to_set(environment, config):
    with pytest.raises(PlaceError, match=r"set HOME or XDG_STATE_HOME, or write \[store\] path"):
        places.store_path(config)


def test_a_socket_path_is_at_most_107_bytes(environment, config):
    tail = len("/netmeter-gateway/home.sock")
    environment("XDG_RUNTIME_DIR", "/" + "r" * (107 - tail - 1))
    assert len(str(places.socket_path(config))) == 107
    environment("XDG_RUNTIME_DIR", "/" + "r" * (108 - tail - 1))
    with pytest.raises(PlaceError, match="has 108 bytes, Linux takes 107: set XDG_RUNTIME_DIR"):
        places.socket_path(config)
    assert places.socket_candidates(config) == (Path("/run/netmeter-gateway/home.sock"),)


def test_the_machines_config_lies_in_etc():
    assert places.config_candidates()[-1] == Path("/etc/netmeter-gateway/gateway.toml")


def test_the_config_is_looked_for_in_the_users_then_the_machines_folder(environment, tmp_path):
    environment("HOME", str(tmp_path))
    with pytest.raises(PlaceError) as missing:
        places.find_config()
    mine = tmp_path / ".config/netmeter-gateway/gateway.toml"
    machines = tmp_path / "etc/netmeter-gateway/gateway.toml"
    assert f"looked for {mine}, {machines};" in str(missing.value)
    for path in (machines, mine):
        path.parent.mkdir(parents=True)
        path.touch()
        assert places.find_config() == path


def test_a_config_in_this_folder_is_named_and_never_taken(environment, tmp_path, monkeypatch):
    environment("XDG_CONFIG_HOME", str(tmp_path / "none"))
    environment("HOME", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PlaceError, match=r"`netmeter scan --write gateway.toml` makes one"):
        places.find_config()
    (tmp_path / "gateway.toml").touch()
    with pytest.raises(PlaceError, match=r"there is one in this folder, for which: --config gateway\.toml"):
        places.find_config()


def test_shipped_files_are_found_and_missing_ones_told():
    assert places.data_file("config/tariffs/pge-e-tou-c.toml").is_file()
    with pytest.raises(PlaceError, match=r"config/tariffs/none\.toml is not installed"):
        places.data_file("config/tariffs/none.toml")
