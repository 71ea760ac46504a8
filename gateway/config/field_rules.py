"""What the options of an installation must fulfil: ratios, addresses, phases, and which of a device's meters is meant.

Notes problems; changes nothing. What a ratio or an order really is stands on the plate and in the manual: it is never
guessed, only what cannot be is refused.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from drivers.errors import ProfileError
from drivers.fitting import Fitting, fitted
from drivers.modbus.chain import INVERTERS
from drivers.profile import Accumulation, Family, Profile

from .convert import Fields
from .document import Document
from .problem import TomlPath
from .profiles import profile_named
from .types import Role

RATIO = re.compile(r"[1-9][0-9]{0,5}(/[1-9][0-9]{0,5})?", re.ASCII)
MOST_RATIO = 1_000_000
SUNSPEC_KEYS = ("sunspec_base", "sunspec_model", "sunspec_meter")


@dataclass(frozen=True, slots=True)
class _Options:
    document: Document
    path: TomlPath
    fields: Fields

    def add(self, key: str, message: str, mend: str = "") -> None:
        self.document.add((*self.path, key), message, mend, value=self.fields.values.get(key))

    def warn(self, key: str, message: str, mend: str) -> None:
        self.document.warn((*self.path, key), message, mend)


def check_options(document: Document, path: TomlPath, fields: Fields) -> None:
    """The options of one [[meter]]. A profile that is wrong is told elsewhere, and then those that need it are not."""
    options = _Options(document, path, fields)
    ratio = _ratio(options)
    profile = _profile(document, fields.text("profile"))
    if profile is not None:
        _check_family(options, profile)
        _check_fitting(options, profile, ratio)


def _ratio(options: _Options) -> Fraction:
    """The product of the ratios; 1 where one of them cannot be used."""
    fields = options.fields
    found = Fraction(fields.number("ratio") or 1)
    for key in ("ct_ratio", "pt_ratio"):
        text = fields.text(key)
        if not text:
            continue
        if not RATIO.fullmatch(text):
            mend = f'primary and secondary in whole numbers: {key} = "200/5", or their quotient alone: "40"'
            options.add(key, f'{key} = "{text}" is no ratio', mend)
            return Fraction(1)
        if Fraction(text) < 1:
            options.warn(key, f'{key} = "{text}" makes energy less', "the primary's figure comes first")
        if "ratio" in fields.given:
            options.add(key, f"has both ratio and {key}", "say it once: ratio is the product of both")
            return Fraction(1)
        found *= Fraction(text)
    if found > MOST_RATIO:
        key = "ct_ratio" if fields.text("ct_ratio") else "pt_ratio"
        options.add(key, f"energy would be multiplied by {found}", f"at most {MOST_RATIO}")
    return found


def _profile(document: Document, name: str | None) -> Profile | None:
    if name is None:
        return None
    try:
        return profile_named(document.folder, name)
    except ProfileError:
        return None


def _check_family(options: _Options, profile: Profile) -> None:
    """Keys that mean something for one family of profiles alone."""
    fields = options.fields
    if profile.family is Family.SUNSPEC:
        if fields.number("base_address"):
            options.add("base_address", "a SunSpec map is looked for, not moved", "sunspec_base says where it begins")
    else:
        for key in (key for key in SUNSPEC_KEYS if key in fields.given):
            mend = "base_address moves the profile's map" if key == "sunspec_base" else "take the line out"
            options.warn(key, f"{key} means nothing for {profile.name}, which is no SunSpec profile", mend)
    model = fields.number("sunspec_model")
    if model is None or profile.family is not Family.SUNSPEC:
        return
    if profile.model_layout(model) is None:
        known = ", ".join(str(one) for layout in profile.models for one in layout.ids)
        options.add("sunspec_model", f"{profile.name} has no model {model}", f"known: {known}")
    elif model in INVERTERS and fields.values.get("role") not in (None, Role.PRODUCTION):
        message = f"model {model} counts what an inverter has produced"
        options.add("sunspec_model", message, 'role = "production", or a meter\'s model')


def _check_fitting(options: _Options, profile: Profile, ratio: Fraction) -> None:
    fields = options.fields
    if fields.flag("sum_phases") and profile.accumulation is Accumulation.PER_PHASE:
        options.warn("sum_phases", f"{profile.name} counts each phase by itself anyway", "take the line out")
    base = fields.number("base_address") or 0
    for key, fitting in (
        ("base_address", Fitting(base_address=base if profile.family is Family.MODBUS else 0)),
        ("sum_phases", Fitting(ratio=ratio, sum_phases=fields.flag("sum_phases") or False)),
    ):
        try:
            fitted(profile, fitting)
        except ProfileError as error:
            options.add(key, str(error).removeprefix(f"{profile.path}: "))
