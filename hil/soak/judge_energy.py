"""What must hold between a meter's records and what truly flowed.

Every figure is held against the truth file's bounds, widened by what the meter's digits hide and by what the record
itself tells as uncertain, and by nothing else.
"""

from .history import Content, Digits, Verdict
from .price_hours import bucket_at, stretches
from .true_count import DIRECTIONS, TrueCount

BUCKETS = ("summer_peak", "summer_off_peak", "winter_peak", "winter_off_peak")


def judge_intervals(
    intervals: list[Content], truth: TrueCount, digits: Digits, unread_us: int, verdict: Verdict
) -> None:
    """Booked is true within told; told is no more than can have flowed unread around the two edges.

    `unread_us`: the longest stretch of house time in which no reading was kept. Close behind the first reading of all
    an edge may lack one before it, and tell all that the service carries: told is not judged there.
    """
    settled_us = intervals[0]["start_utc_us"] + unread_us
    for interval in intervals:
        start_us, end_us = interval["start_utc_us"], interval["end_utc_us"]
        for direction in DIRECTIONS:
            booked = _figure(interval, f"{direction}_milliwh")
            told = _figure(interval, f"{direction}_uncertain_milliwh")
            low, high = truth.between(direction, start_us, end_us)
            outside = max(low - told - booked, booked - told - high, 0)
            verdict.uncertain_told += told
            if outside:
                verdict.misplaced_milliwh += outside
                verdict.find(
                    "untrue", f"{_name(interval)} {direction}: booked {booked} +- {told}, true {low} .. {high} mWh"
                )
            most = sum(_most_told(truth, direction, edge_us, digits, unread_us) for edge_us in (start_us, end_us))
            if told > most and start_us > settled_us:
                verdict.find("told_too_much", f"{_name(interval)} {direction}: told {told}, at most {most} mWh")


def _most_told(truth: TrueCount, direction: str, edge_us: int, digits: Digits, unread_us: int) -> int:
    """An edge's doubt lies between the readings around it: what flowed from one to the other, and their digits."""
    from_us, to_us = max(edge_us - unread_us, truth.first_us), min(edge_us + unread_us, truth.last_us)
    return truth.between(direction, from_us, to_us)[1] + 2 * (digits.below_milliwh + digits.above_milliwh)


def judge_sum(intervals: list[Content], first: dict[str, int], verdict: Verdict) -> None:
    """Each interval's energy is the step of its register, and all together the growth since the first: to the mWh.

    `first`: the registers with which the account was opened.
    """
    for direction in DIRECTIONS:
        register = first[direction]
        for interval in intervals:
            if interval[f"{direction}_milliwh"] is None:
                continue
            step = interval[f"{direction}_register_milliwh"] - register
            _compare(interval[f"{direction}_milliwh"], step, step, f"{_name(interval)} {direction}", verdict)
            register = interval[f"{direction}_register_milliwh"]


def judge_opening(
    states: list[Content], since_us: int, truth: TrueCount, digits: Digits, verdict: Verdict
) -> dict[str, int]:
    """The account has one opening, which never changes and is the meter's true count at `since_us`."""
    window_us = states[0]["window_us"]
    first: dict[str, int] = {}
    for direction in DIRECTIONS:
        key = f"{direction}_epoch_first_milliwh"
        first[direction] = _figure(states[0], key)
        changed = {state[key] for state in states} - {first[direction]}
        if changed:
            verdict.find("other_opening", f"{direction}: {first[direction]}, later {sorted(map(str, changed))}")
        low = truth.bounds(direction, since_us - window_us)[0] - digits.below_milliwh
        high = truth.bounds(direction, since_us + window_us)[1] + digits.above_milliwh
        # A register taken too late has lost what came before it; one taken too early counts it once more.
        _compare(-first[direction], -high, -low, f"opening of {direction}", verdict)
    epochs = {state["register_epoch"] for state in states}
    if epochs != {1}:
        verdict.find("other_epoch", f"register epochs {sorted(epochs)}")
    return first


def judge_state(state: Content, since_us: int, truth: TrueCount, digits: Digits, verdict: Verdict) -> None:
    """One live account: the law, its register against the truth, its buckets against the truth."""
    latest_us, earliest_us = state["time_utc_us"], state["time_utc_us"] - state["window_us"]
    for direction in DIRECTIONS:
        register = state[f"{direction}_register_milliwh"]
        if register is None:
            verdict.find("no_register", f"{_at(state)} has no {direction}")
            continue
        booked = state[f"{direction}_unassigned_milliwh"] + sum(
            milliwh for key, milliwh in state.items() if key.startswith(f"{direction}_bucket_")
        )
        grown = state[f"{direction}_earlier_epochs_milliwh"] + register - state[f"{direction}_epoch_first_milliwh"]
        _compare(booked, grown, grown, f"{_at(state)} {direction} buckets", verdict)
        low = truth.bounds(direction, earliest_us)[0] - digits.below_milliwh
        high = truth.bounds(direction, latest_us)[1] + digits.above_milliwh
        _compare(register, low, high, f"{_at(state)} {direction} register", verdict)
        # While an edge lies within the reading's window its doubt is not reckoned yet.
        if bucket_at(earliest_us) == bucket_at(latest_us) and earliest_us > since_us:
            _judge_buckets(state, direction, since_us, truth, digits, verdict)


def _judge_buckets(
    state: Content, direction: str, since_us: int, truth: TrueCount, digits: Digits, verdict: Verdict
) -> None:
    latest_us, earliest_us = state["time_utc_us"], state["time_utc_us"] - state["window_us"]
    lows, highs = dict.fromkeys(BUCKETS, 0), dict.fromkeys(BUCKETS, 0)
    for from_us, to_us, bucket in stretches(since_us, earliest_us):
        lows[bucket] += truth.between(direction, from_us, to_us)[0]
    for from_us, to_us, bucket in stretches(since_us, latest_us):
        highs[bucket] += truth.between(direction, from_us, to_us)[1]
    running = bucket_at(latest_us)
    lows[running] -= digits.below_milliwh
    highs[running] += digits.above_milliwh
    spare = _figure(state, f"{direction}_unassigned_milliwh")
    for bucket in BUCKETS:
        booked = _figure(state, f"{direction}_bucket_{bucket}_milliwh")
        told = _figure(state, f"{direction}_uncertain_{bucket}_milliwh")
        outside = max(lows[bucket] - told - spare - booked, booked - told - highs[bucket], 0)
        if outside:
            verdict.misplaced_milliwh = max(verdict.misplaced_milliwh, outside)
            verdict.find(
                "untrue_bucket",
                f"{_at(state)} {direction} {bucket}: {booked} +- {told}, true {lows[bucket]} .. {highs[bucket]} mWh",
            )


def _compare(found: int, low: int, high: int, what: str, verdict: Verdict) -> None:
    """Too little is lost, too much is doubled. A shortfall that stands in many records is one: the largest counts."""
    if found < low:
        verdict.lost_milliwh = max(verdict.lost_milliwh, low - found)
        verdict.find("lost", f"{what}: {found}, expected {low} .. {high} mWh")
    elif found > high:
        verdict.doubled_milliwh = max(verdict.doubled_milliwh, found - high)
        verdict.find("doubled", f"{what}: {found}, expected {low} .. {high} mWh")


def _figure(record: Content, key: str) -> int:
    """A figure of a record; one that is null or not there says nothing and so counts as none."""
    return int(record.get(key) or 0)


def _name(interval: Content) -> str:
    return f"{interval['meter']} interval {interval['seq']}"


def _at(state: Content) -> str:
    return f"{state['meter']} state at {state['time_utc_us']}"
