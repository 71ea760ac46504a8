"""Which module makes which programme. The only file of the account that knows every programme by name.

Modules are loaded when an account names their programme.
"""

import importlib
from typing import Any

from .setting import Ready, Setting
from .terms import AccountTerms

PLAIN = "plain"
SOLD_APART = frozenset({"buy_all_sell_all", "feed_in"})
"""Programmes of two meters: the load from one, the production from another."""
MCE = "mce"
PENNSYLVANIA = "pennsylvania"
PAID_AHEAD = frozenset({"nem1", "nem2", "nem_fc", MCE})
"""Programmes whose true-up counts what was paid before it."""
WITH_SUPPLIER = frozenset({MCE})
"""Programmes that bill what another supplier charges too."""
ALIASES = {"nem3": "nbt"}
"""What an account may write instead."""
MAKERS = {
    # programme: module:maker, below gateway.account
    PLAIN: "programmes.plain:make_plain",
    "nem1": "programmes.nem_maker:make_nem",
    "nem2": "programmes.nem_maker:make_nem",
    "nem_fc": "programmes.nem_fc:make_nem_fc",
    "nbt": "programmes.nbt_maker:make_nbt",
    MCE: "programmes.mce_maker:make_mce",
    PENNSYLVANIA: "programmes.pa_maker:make_pennsylvania",
    "net_metering_kwh": "programmes.generic_maker:make_kwh",
    "net_metering_usd": "programmes.generic_maker:make_usd",
    "net_billing": "programmes.generic_maker:make_billing",
    "net_billing_carryover": "programmes.generic_maker:make_carryover",
    "buy_all_sell_all": "programmes.generic_maker:make_buy_all",
    "feed_in": "programmes.feed_in:make_feed_in",
}


def sells_transmission(terms: AccountTerms) -> bool:
    """Whether another supplier of this account sells transmission too, as in Pennsylvania: before net metering too."""
    return terms.pennsylvania is not None and all(one.name in (PENNSYLVANIA, PLAIN) for one in terms.programme)


def make_programme(setting: Setting) -> Ready[Any]:
    """The programme of `setting.file`. KeyError: it has a file and no maker, a fault of ours."""
    module, _, name = MAKERS[setting.file.id].partition(":")
    maker = getattr(importlib.import_module(f"..{module}", __name__), name)
    ready = maker(setting)
    assert isinstance(ready, Ready)
    return ready
