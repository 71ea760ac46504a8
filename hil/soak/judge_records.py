"""What must hold between a meter's records, whatever flowed: identity, sequence, chain, time.

Judges bytes as they came to a reader. Knows the public contract (docs/messages.md) and nothing of who wrote them.
"""

import hashlib
import json
from collections.abc import Iterable
from itertools import pairwise

from .history import Content, Received, Verdict
from .price_hours import bucket_at, stretches
from .true_count import DIRECTIONS, TrueCount


def one_content_each(received: Iterable[Received], kind: str, verdict: Verdict) -> list[Content]:
    """The records of a kind, one of each identity, by seq. A second content under an identity is doubled energy."""
    first: dict[tuple[str, str, int], Content] = {}
    for message in received:
        if message.kind != kind:
            continue
        content = json.loads(message.payload)
        identity = (content["meter"], content["store_epoch"], content["seq"])
        known = first.setdefault(identity, content)
        verdict.counts[f"{kind}s_received"] += 1
        if known != content or _canonical(content) != message.payload:
            changed = [key for key in content if known.get(key) != content[key]]
            verdict.find("other_content", f"{kind} {identity} came again with other {', '.join(changed) or 'bytes'}")
            verdict.doubled_milliwh += sum(abs(_energy(content, d) - _energy(known, d)) for d in DIRECTIONS)
    records = sorted(first.values(), key=lambda content: (content["store_epoch"], content["seq"]))
    verdict.counts[f"{kind}s"] += len(records)
    _one_store(records, kind, verdict)
    return records


def _one_store(records: list[Content], kind: str, verdict: Verdict) -> None:
    """One store from the first to the last record, and its numbers from 1 without a hole."""
    epochs = {content["store_epoch"] for content in records}
    if len(epochs) > 1:
        verdict.find("other_store", f"{kind}s of stores {sorted(epochs)}")
    numbers = [content["seq"] for content in records]
    missing = sorted(set(range(1, max(numbers, default=0) + 1)) - set(numbers))
    if missing:
        verdict.find("hole", f"{kind} seq {missing[:10]} never came")


def judge_chain(intervals: list[Content], verdict: Verdict) -> None:
    """Each record's hash covers the one before it and its own content; the first begins at the meter's genesis."""
    if not intervals:
        return
    opening = {"meter": intervals[0]["meter"], "store_epoch": intervals[0]["store_epoch"]}
    previous = hashlib.sha256(b"netmeter chain v1\0" + _canonical(opening)).hexdigest()
    for interval in intervals:
        body = {key: value for key, value in interval.items() if key not in ("previous_hash", "hash")}
        head = b"netmeter interval v1\0" + bytes.fromhex(interval["previous_hash"])
        if interval["previous_hash"] != previous:
            verdict.find("chain", f"{_name(interval)} does not follow the record before it")
        if hashlib.sha256(head + _canonical(body)).hexdigest() != interval["hash"]:
            verdict.find("chain", f"{_name(interval)} does not hash to what it says")
        previous = interval["hash"]


def judge_times(intervals: list[Content], truth: TrueCount, interval_us: int, verdict: Verdict) -> None:
    """Intervals touch, end on the grid, and lie in one bucket each, the right one."""
    for earlier, later in pairwise(intervals):
        end_us, start_us = earlier["end_utc_us"], later["start_utc_us"]
        if start_us > end_us:
            verdict.find("gap_in_time", f"{_name(later)} begins {start_us - end_us} us after the one before it")
            verdict.lost_milliwh += _flowed(truth, end_us, start_us)
        elif start_us < end_us:
            verdict.find("overlap", f"{_name(later)} begins {end_us - start_us} us before the one before it ends")
            verdict.doubled_milliwh += _flowed(truth, start_us, end_us)
    for interval in intervals:
        start_us, end_us = interval["start_utc_us"], interval["end_utc_us"]
        if end_us % interval_us or not 0 < end_us - start_us <= interval_us:
            verdict.find("off_grid", f"{_name(interval)} is {start_us} .. {end_us}")
        wrong = [piece for piece in stretches(start_us, end_us) if piece[2] != interval["bucket"]]
        if wrong:
            verdict.find("wrong_bucket", f"{_name(interval)} says {interval['bucket']}, it was {bucket_at(start_us)}")
            verdict.misplaced_milliwh += sum(_flowed(truth, piece[0], piece[1]) for piece in wrong)


def _flowed(truth: TrueCount, from_us: int, to_us: int) -> int:
    return sum(truth.between(direction, from_us, to_us)[1] for direction in DIRECTIONS)


def _energy(content: Content, direction: str) -> int:
    return int(content.get(f"{direction}_milliwh") or 0)


def _canonical(content: Content) -> bytes:
    """JSON with sorted keys and no blanks."""
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _name(interval: Content) -> str:
    return f"{interval['meter']} interval {interval['seq']}"
