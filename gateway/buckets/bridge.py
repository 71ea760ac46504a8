"""Crossing the hole between two store epochs: the meter's own register tells what flowed in it, only not when.

Called before the first booking behind the hole. The growth goes to `unassigned`, the law holds, and every edge in the
hole is told as uncertain by what grew, when it closes. Makes no energy and loses none. Plain functions on the
accumulator's state.
"""

from ..energy import AccumulatorState, registers_of
from ..reading.read import Reading
from ..tariff.calendar import UNASSIGNED_NAME

Detail = dict[str, int | str | None]


def bridge(state: AccumulatorState, reading: Reading, counts_on: bool) -> Detail | None:
    """Book what has flowed since the witness's last registers; returns what to tell, None where there is no hole.

    `counts_on`: the reading is of the same registers. Otherwise what flowed is in none, which the new register epoch
    tells by itself; and an account without a witness begins with it.
    """
    if not state.bridge:
        return None
    state.bridge = False
    detail: Detail = {"opening": state.opening.value, "from_utc_us": state.instant_us or None}
    if not counts_on:
        return detail
    for direction, register in registers_of(reading.snapshot).items():
        account = state.directions.get(direction)
        if account is None or not account.present:
            continue
        grown_milliwh = register.milliwh - account.last_milliwh
        # The first register and the last are known to their own digits, and to nothing else that matters here.
        digits_milliwh = account.marks[-1].resolution_milliwh + register.resolution_milliwh if account.marks else 0
        account.add(UNASSIGNED_NAME, grown_milliwh)
        account.doubt(UNASSIGNED_NAME, digits_milliwh)
        account.interval_unassigned_milliwh += grown_milliwh
        account.interval_uncertain_milliwh += grown_milliwh + digits_milliwh
        detail[f"{direction}_previous_milliwh"] = account.last_milliwh
        detail[f"{direction}_reading_milliwh"] = register.milliwh
        account.last_milliwh = register.milliwh
    return detail
