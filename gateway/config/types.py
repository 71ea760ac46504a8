"""What a person may write in gateway.toml, as frozen types. Units end the names. Parsing is in `load`.

A range written in a type is checked by the parser; what needs more than one key is in `rules`.

No default stands for what the user must choose; an optional key's default is written here and in config/gateway.toml.
"""

from enum import StrEnum
from fractions import Fraction
from typing import Annotated

import msgspec
from msgspec import Meta

from drivers.decode import WordOrder

Port = Annotated[int, Meta(ge=1, le=65535)]


class ClockSource(StrEnum):
    """Who is trusted for the time of day."""

    NTP = "ntp"
    RTC = "rtc"
    METER = "meter"
    OPERATOR = "operator"


class Role(StrEnum):
    """What a meter measures."""

    GRID = "grid"
    PRODUCTION = "production"
    CONSUMPTION = "consumption"
    TENANT = "tenant"


class RegisterOwner(StrEnum):
    """Whose register it is: the one the utility bills by, or the owner's own beside it."""

    UTILITY = "utility"
    OWN = "own"


class GapPolicy(StrEnum):
    """Where energy goes that flowed during a gap longer than `max_gap_s` over a bucket edge."""

    PRO_RATA = "pro_rata"
    UNASSIGNED = "unassigned"


class ProjectionMethod(StrEnum):
    """How the days to come of an account's year are filled."""

    TO_DATE = "to_date"
    SAME_DAYS_LAST_YEAR = "same_days_last_year"
    PROFILE = "profile"


class Parity(StrEnum):
    NONE = "N"
    EVEN = "E"
    ODD = "O"


class OpticalMode(StrEnum):
    """How a meter on an optical port is talked to (IEC 62056-21)."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class Framing(StrEnum):
    """How requests to a host are wrapped."""

    TCP = "tcp"
    RTU = "rtu"


class GatewaySection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[gateway]"""

    id: str
    clock: ClockSource
    clock_error_s: Annotated[int, Meta(ge=0, le=3600)] = 0
    """0: what `gateway.clock` assumes for the source; NTP's bound is asked of the kernel."""


class StoreSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[store]; an empty path means the state directory (systemd's as a service, XDG's otherwise)."""

    path: str = ""
    commit_every_s: Annotated[int, Meta(ge=1, le=600)] = 60
    keep_days: Annotated[int, Meta(ge=1, le=36_500)] = 40
    """Raw readings; then they are thinned."""
    max_size_mb: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    """In use in the file; 0: no bound."""


GATEWAY_TOPIC, METER_TOPIC = "{base}/{gateway}/{kind}", "{base}/{gateway}/meter/{meter}/{kind}"
CREDENTIAL = "credential:"
"""Before the name of a file that systemd hands to the service (LoadCredential=)."""
SECRET_FILES = ("username_file", "password_file", "ca_file", "cert_file", "key_file")


class MqttSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[mqtt]"""

    host: str
    port: Port = 1883
    base_topic: str = "netmeter"
    username: str = ""
    username_file: str = ""
    password_file: str = ""
    tls: bool = False
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    insecure: bool = False
    """Plaintext over a network is wanted."""
    max_qos: Annotated[int, Meta(ge=0, le=1)] = 1
    retain: bool = True
    gateway_topic: str = GATEWAY_TOPIC
    meter_topic: str = METER_TOPIC
    consumer: str = ""
    """Whose acknowledgement makes a record delivered; empty: the broker's word is all that is waited for."""
    state_every_s: Annotated[int, Meta(ge=1, le=3600)] = 10
    discovery: bool = True
    discovery_prefix: str = "homeassistant"


class AccountingSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[accounting]; `tariff` is the id of a shipped tariff or the path of a tariff file."""

    tariff: str
    interval_min: Annotated[int, Meta(ge=5, le=60)] = 15
    gap: GapPolicy = GapPolicy.PRO_RATA
    max_gap_s: Annotated[int, Meta(ge=1, le=31 * 86400)] = 3600


class AccountSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[[account]]: a net-metering account that is reckoned and published while the gateway runs."""

    name: str
    file: str
    project: ProjectionMethod = ProjectionMethod.TO_DATE
    """The default assumes nothing."""
    profile: str = ""
    every_min: Annotated[int, Meta(ge=5, le=1440)] = 60
    """Between two edges of buckets."""


class CounterSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[[meter.counter]]: one of the meter's own tariff counters, and the buckets whose energy it counts."""

    name: str
    buckets: tuple[str, ...]


class MeterSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[[meter]]: either `port` (a serial line, Modbus RTU) or `host` (Modbus TCP, or RTU frames over TCP)."""

    name: str
    profile: str
    role: Role
    register: RegisterOwner
    service_amps: Annotated[int, Meta(ge=1, le=10_000)]
    service_volts: Annotated[int, Meta(ge=1, le=100_000)]
    service_phases: Annotated[int, Meta(ge=1, le=3)] = 1
    unit: Annotated[int, Meta(ge=0, le=255)] = 1
    port: str = ""
    baud_bd: Annotated[int, Meta(ge=300, le=921_600)] = 9600
    parity: Parity = Parity.NONE
    stop_bits: Annotated[int, Meta(ge=1, le=2)] = 1
    host: str = ""
    tcp_port: Port = 502
    framing: Framing = Framing.TCP
    poll_s: Annotated[int, Meta(ge=1, le=3600)] = 5
    timeout_ms: Annotated[int, Meta(ge=20, le=60_000)] = 1000
    swap_direction: bool = False
    ratio: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    """What energy and power are multiplied by: of transformers that the meter does not know of."""
    ct_ratio: str = ""
    """The same as current transformers have it on their plate: "200/5". Times `pt_ratio`."""
    pt_ratio: str = ""
    base_address: Annotated[int, Meta(ge=-65535, le=65535)] = 0
    """Added to every address of the profile."""
    word_order: WordOrder | None = None
    """None: what the profile says."""
    sum_phases: bool = False
    """Energy is the sum of the phases' registers, instead of the meter's own total."""
    pause_ms: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    """Silence before every request; None: what the profile says."""
    connect_pause_ms: Annotated[int, Meta(ge=0, le=30_000)] = 0
    """Silence between the opening of the port or connection and the first request."""
    sunspec_base: Annotated[int, Meta(ge=0, le=65535)] | None = None
    sunspec_model: Annotated[int, Meta(ge=1, le=65534)] | None = None
    sunspec_meter: Annotated[int, Meta(ge=1, le=100)] | None = None
    """Which of several meters in one map, in its order."""
    max_registers: Annotated[int, Meta(ge=2, le=125)] | None = None
    """None: what the profile says."""
    mode: OpticalMode | None = None
    """Of an optical port; None: what the profile says."""
    meter_address: str = ""
    """Of an optical meter; empty: whichever answers."""
    password_file: str = ""
    """Of an optical meter that wants one."""
    switch_delay_ms: Annotated[int, Meta(ge=0, le=500)] | None = None
    """Of an optical head, before it changes its rate; None: as adapters of its kind need."""
    identity_every_s: Annotated[int, Meta(ge=0, le=86_400)] = 3600
    """0: only after the meter was away."""
    counter: tuple[CounterSection, ...] = ()
    """The meter's own tariff counters that are held against ours."""

    @property
    def whole_ratio(self) -> Fraction:
        """What energy and power are multiplied by, exactly."""
        return self.ratio * Fraction(self.ct_ratio or 1) * Fraction(self.pt_ratio or 1)

    @property
    def sunspec_choice(self) -> dict[str, int]:
        """What was said of which registers of a SunSpec device are meant."""
        said = {"base": self.sunspec_base, "model": self.sunspec_model, "meter": self.sunspec_meter}
        return {key: value for key, value in said.items() if value is not None}

    @property
    def limit_milliw(self) -> int:
        """The service limit P, milliwatts: nominal power and 25 % more, because a breaker carries that for minutes."""
        return self.service_amps * self.service_volts * self.service_phases * 1250


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    gateway: GatewaySection
    mqtt: MqttSection
    accounting: AccountingSection
    meter: tuple[MeterSection, ...]
    store: StoreSection = StoreSection()
    account: tuple[AccountSection, ...] = ()
