"""The judge: a meter's history, as a reader got it, against its truth file.

Shares no code with the gateway (a test says so). Has the last word on a soak, and is itself tried on histories that
are wrong in one way each.
"""

import json

from .history import Content, Digits, Received, Verdict
from .judge_energy import judge_intervals, judge_opening, judge_state, judge_sum
from .judge_records import judge_chain, judge_times, one_content_each
from .true_count import TrueCount


def judge_meter(
    received: list[Received], truth: TrueCount, digits: Digits, *, interval_us: int, unread_us: int
) -> Verdict:
    """The verdict on all messages of one meter, in the order in which they came.

    `unread_us`: the longest house time in which no reading can have been kept; more doubt than belongs to it is none.
    """
    verdict = Verdict()
    intervals = one_content_each(received, "interval", verdict)
    one_content_each(received, "event", verdict)
    states: list[Content] = [json.loads(message.payload) for message in received if message.kind == "state"]
    verdict.counts["states"] += len(states)
    if not intervals or not states:
        verdict.find("nothing", f"{len(intervals)} intervals and {len(states)} states: nothing to judge")
        return verdict
    since_us = intervals[0]["start_utc_us"]
    judge_chain(intervals, verdict)
    judge_times(intervals, truth, interval_us, verdict)
    judge_intervals(intervals, truth, digits, unread_us, verdict)
    judge_sum(intervals, judge_opening(states, since_us, truth, digits, verdict), verdict)
    for state in states:
        judge_state(state, since_us, truth, digits, verdict)
    return verdict
