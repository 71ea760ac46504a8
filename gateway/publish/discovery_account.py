"""An account as a device of Home Assistant: what its `account` message holds, as entities. (MQTT rules of 2026.11.0)

Money is `device_class: monetary` without a state class: a running bill begins anew with each period, so it is no
counter, and a statistic over it would be a wrong sum. What is not known is no entity, or unknown, and never 0.
"""

from collections.abc import Callable, Mapping

from ..ledger.records import Record
from .account import BANK_PREFIX
from .discovery import holds
from .entities import CENTS, LONGEST_TEXT, PROGRAM, Entities, Json, device_payload, identifier, number
from .message import Topics, render

MONEY = {
    # entity: (its name, the message's key)
    "due": ("Due so far", "due_cents"),
    "true_up": ("True-up so far", "true_up_cents"),
    "carried": ("Carried by this bill", "carried_cents"),
    "carried_in_year": ("Carried in the year", "carried_in_year_cents"),
    "last_bill": ("Last bill", "last_bill_due_cents"),
    "projected_bill": ("Projected bill", "projected_bill_cents"),
    "projected_true_up": ("Projected closing bill", "projected_true_up_cents"),
    "projected_year": ("Projected year", "projected_year_cents"),
    "projected_year_low": ("Projected year, lowest", "projected_year_low_cents"),
    "projected_year_high": ("Projected year, highest", "projected_year_high_cents"),
}
ENERGY = {"import": ("Imported in this bill", "import_milliwh"), "export": ("Exported in this bill", "export_milliwh")}
TEXTS = {
    "since": ("Bill since", "period_first_day"),
    "next_date": ("Next date", "next_date"),
    "next_date_what": ("Next date is", "next_date_what"),
}


class AccountAnnouncer:
    """The announcements of one gateway's accounts. One thread calls it."""

    def __init__(
        self, prefix: str, gateway: str, version: str, topics: Topics, offer: Callable[[str, str], None]
    ) -> None:
        """`offer(topic, payload)`: sends it, and has the broker keep it."""
        self._prefix, self._gateway, self._version = prefix, gateway, version
        self._topics, self._offer = topics, offer
        self._told: dict[str, tuple[str, dict[str, bool]]] = {}

    def announce(self, account: str, record: Record) -> None:
        """Announce an account by the message that goes out, unless all of it has been told."""
        told = self._told.get(account)
        currency_before, held_before = told or ("", {})
        now = (str(record["currency"] or currency_before), holds(record, held_before))
        if now == told:
            return
        self._told[account] = now
        currency, held = now
        payload = account_payload(self._topics, self._gateway, account, self._version, currency, held)
        self._offer(account_topic(self._prefix, self._gateway, account), render(payload))


def account_topic(prefix: str, gateway: str, account: str) -> str:
    """Where an account's payload is kept. No meter's name has a capital letter in it, so none shares its topic."""
    return f"{prefix}/device/netmeter-{gateway}/ACCOUNT-{account}/config"


def account_payload(
    topics: Topics, gateway: str, account: str, version: str, currency: str, held: Mapping[str, bool]
) -> Json:
    """An account as a device, with the entities that its messages can fill (`held`, see `discovery.holds`)."""
    name = identifier(gateway, "account", account)
    entities = Entities(name, f"{gateway}_account_{account}")
    trouble = f"{{{{ value_json.why_not[:{LONGEST_TEXT}] if value_json.why_not else 'ok' }}}}"
    entities.add("reckoning", "Reckoning", trouble, ent_cat="diagnostic")
    for key, (title, source) in MONEY.items():
        if held.get(source):
            _add_money(entities, key, title, source, currency)
    if held.get("uncertain_cents"):
        _add_money(entities, "uncertain", "Uncertain at the most", "uncertain_cents", currency, ent_cat="diagnostic")
    for key, (title, source) in ENERGY.items():
        if held.get(source):
            entities.add_energy(key, title, f"value_json.{source}")
    for source in sorted(one for one in held if one.startswith(BANK_PREFIX)):
        _add_bank(entities, source, currency)
    for key, (title, source) in TEXTS.items():
        if held.get(source):
            entities.add(key, title, f"{{{{ value_json.{source} }}}}")
    if held.get("is_whole"):
        whole = "{{ {1: 'yes', 0: 'no'}.get(value_json.is_whole) }}"
        entities.add("whole", "All energy known", whole, ent_cat="diagnostic")
    device: Json = {
        "ids": [name],
        "name": f"{gateway} account {account}",
        "mdl": PROGRAM,
        "via_device": identifier(gateway),
    }
    return device_payload(device, version, (topics.status,), topics.gateway(f"account/{account}"), entities)


def _add_bank(entities: Entities, source: str, currency: str) -> None:
    stem, _, unit = source.removeprefix(BANK_PREFIX).rpartition("_")
    title = f"Bank {stem.replace('_', ' ')}"
    if unit == "cents":
        _add_money(entities, f"bank_{stem}", title, source, currency)
    else:
        entities.add_energy(f"bank_{stem}_energy", title, f"value_json.{source}")


def _add_money(entities: Entities, key: str, title: str, source: str, currency: str, **options: object) -> None:
    options = {"dev_cla": "monetary", "unit_of_meas": currency, "sug_dsp_prc": 2, **options}
    entities.add(key, title, number(f"value_json.{source}", f"value_json.{source}", CENTS, 2), **options)
