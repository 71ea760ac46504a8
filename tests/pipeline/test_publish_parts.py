"""The publisher's parts without a broker: what goes first, what waits, what is dropped, and when it is tried again."""

import json
import random
import socket

import pytest

from gateway.ledger.records import OutboxRow
from gateway.publish.backoff import LONGEST_PAUSE_S, TWIN_GONE_US, TWINS_AFTER, YOUNG_US, Backoff
from gateway.publish.dialect import Dialect
from gateway.publish.encryption import explain
from gateway.publish.message import Topics
from gateway.publish.past import IN_FLIGHT_MOST, RECORDS_A_REQUEST, REQUESTS_WAIT_MOST, Past, PastPage, Range
from gateway.publish.requests import BackfillRequest, RequestError, read_acknowledgement, read_backfill
from gateway.publish.retained import Retained
from gateway.publish.rows import PAGE, REFUSED_AGAIN_US, Rows

S = 1_000_000


class Outbox:
    """Rows 1..n of two meters in turns; answers a question when it is told to."""

    def __init__(self, count: int) -> None:
        self.rows = [OutboxRow(n, ("grid", "array")[n % 2], "interval", n, "") for n in range(1, count + 1)]
        self.asked: list[tuple[int, int]] = []
        self.lane = Rows(lambda after_id, limit: self.asked.append((after_id, limit)), lambda row: row.meter)

    def answer(self, in_flight: set[int] = frozenset()) -> None:  # type: ignore[assignment]
        after_id, limit = self.asked.pop(0)
        self.lane.take([row for row in self.rows if row.outbox_id > after_id][:limit], in_flight)

    def drain(self, now_us: int = 0) -> list[int]:
        """All that may go out now, asked for page by page."""
        out: list[int] = []
        while True:
            self.lane.keep_asking(now_us)
            if self.asked:
                self.answer()
            row = self.lane.next()
            if row is None and not self.asked:
                return out
            if row is not None:
                out.append(row.outbox_id)


def test_a_backlog_goes_out_oldest_first_and_never_more_than_two_pages_are_kept() -> None:
    outbox = Outbox(1000)
    outbox.lane.begin()
    kept_most = 0
    out: list[int] = []
    while len(out) < 1000:
        outbox.lane.keep_asking(0)
        if outbox.asked:
            outbox.answer()
        kept_most = max(kept_most, len(outbox.lane._waiting))
        row = outbox.lane.next()
        assert row is not None
        out.append(row.outbox_id)
    assert out == list(range(1, 1001))
    assert kept_most <= 2 * PAGE


def test_nothing_is_asked_of_an_empty_outbox_until_it_grows() -> None:
    outbox = Outbox(3)
    outbox.lane.begin()
    assert outbox.drain() == [1, 2, 3]
    outbox.lane.keep_asking(0)
    assert outbox.asked == []
    outbox.rows.append(OutboxRow(4, "grid", "interval", 4, ""))
    outbox.lane.hear_growth()
    assert outbox.drain() == [4]


def test_what_is_in_flight_or_was_acknowledged_meanwhile_is_not_sent_twice() -> None:
    outbox = Outbox(4)
    outbox.lane.begin()
    outbox.lane.keep_asking(0)
    outbox.lane.hear_taken(1, "array")  # after the question, and the answer is from before
    outbox.answer(in_flight={2})
    assert outbox.drain() == [3, 4]


def test_a_new_connection_begins_at_the_oldest() -> None:
    outbox = Outbox(5)
    outbox.lane.begin()
    assert outbox.drain() == [1, 2, 3, 4, 5]
    outbox.lane.begin()
    assert outbox.drain() == [1, 2, 3, 4, 5]


def test_a_refused_topic_is_tried_with_one_row_and_ever_more_slowly() -> None:
    outbox = Outbox(10)
    outbox.lane.begin()
    assert outbox.drain() == list(range(1, 11))
    outbox.lane.hear_refused(2, "grid", 0)
    outbox.rows = [row for row in outbox.rows if row.meter == "grid"]  # the others were taken
    outbox.lane.hear_growth()
    assert outbox.drain(REFUSED_AGAIN_US - 1) == []
    assert outbox.drain(REFUSED_AGAIN_US) == [2]
    outbox.lane.hear_refused(2, "grid", REFUSED_AGAIN_US)
    assert outbox.drain(2 * REFUSED_AGAIN_US) == []  # twice as long now
    assert outbox.drain(3 * REFUSED_AGAIN_US) == [2]
    assert outbox.lane.held == ("grid",)
    outbox.rows.pop(0)
    outbox.lane.hear_taken(2, "grid")
    assert outbox.drain(3 * REFUSED_AGAIN_US) == [4, 6, 8, 10]
    assert outbox.lane.held == ()


def test_what_was_not_even_sent_waits_as_long_as_its_reason_does_and_no_longer() -> None:
    outbox = Outbox(2)
    outbox.lane.begin()
    assert outbox.drain() == [1, 2]
    opens_us = 5 * REFUSED_AGAIN_US
    outbox.rows.pop(0)  # the other was taken
    outbox.lane.hear_refused(2, "grid", 0, opens_us)
    assert outbox.drain(opens_us - 1) == []
    assert outbox.drain(opens_us) == [2]
    outbox.lane.hear_refused(2, "grid", opens_us, opens_us + 7)  # nor twice as long for a trial that was none
    assert outbox.drain(opens_us + 7) == [2]
    outbox.lane.hear_refused(2, "grid", opens_us + 7, 3 * opens_us)
    assert outbox.drain(2 * opens_us) == []
    outbox.lane.try_all()
    assert outbox.drain(2 * opens_us) == [2]


def test_the_pause_grows_is_drawn_from_all_of_it_and_a_puback_makes_it_short() -> None:
    random.seed(1)
    backoff = Backoff()
    means = []
    for _ in range(3):
        pauses = [backoff.pause_us() for _ in range(40)]
        assert max(pauses) <= LONGEST_PAUSE_S * S
        means.append(sum(pauses[10:]) / 30)
        assert pauses[0] <= S
        backoff.hear_puback()
    # Full jitter: the mean of a uniform draw from 0 to 60 s is 30 s; thirty draws are within 12 s of it.
    assert all(abs(mean - 30 * S) < 12 * S for mean in means)


def test_a_puback_does_not_hurry_two_clients_of_one_name() -> None:
    backoff = Backoff()
    for _ in range(TWINS_AFTER):
        backoff.pause_us()
        backoff.note_end(YOUNG_US - 1)
    assert backoff.are_twins
    attempt = backoff._attempt
    backoff.hear_puback()
    assert backoff._attempt == attempt
    backoff.note_end(YOUNG_US)  # one that lived
    backoff.hear_puback()
    assert (backoff.are_twins, backoff._attempt) == (False, 0)


def test_two_gateways_of_one_id_take_ever_longer_turns() -> None:
    random.seed(1)
    two, now_us, swaps = (Backoff(), Backoff()), 0, []
    inside, back_us = 0, {1: 0}  # the second comes
    while now_us < 24 * 3600 * S:
        comes = 1 - inside
        connected_us, now_us = now_us, now_us + back_us[comes]
        two[inside].note_end(now_us - connected_us, taken_over=True)
        two[inside].hear_puback()
        swaps.append(now_us)
        back_us = {inside: two[inside].pause_us()}
        inside = comes
    # They begin as fast as a mistake is mended; a day later each turn is of a quarter to half an hour.
    assert swaps[2] - swaps[0] <= 2 * S
    assert all(900 * S <= after - before <= 1800 * S for before, after in zip(swaps[-40:], swaps[-39:], strict=False))
    assert len(swaps) < 24 * 4 + 20
    assert all(one.are_twins for one in two)


def test_a_twin_is_forgotten_when_a_connection_has_stood_for_an_hour() -> None:
    backoff = Backoff()
    backoff.note_end(100 * S, taken_over=True)
    assert backoff.thrown_out == 1
    assert not backoff.hear_standing(TWIN_GONE_US - 1)
    assert backoff.hear_standing(TWIN_GONE_US)
    assert (backoff.thrown_out, backoff.are_twins) == (0, False)
    assert not backoff.hear_standing(TWIN_GONE_US)  # told once
    backoff.note_end(100 * S)
    assert backoff.pause_us() <= S


def silent_to_five(times: int) -> Dialect:
    dialect = Dialect()
    for _ in range(times):
        assert dialect.name == "5"
        dialect.hear_silence()
    return dialect


def test_a_silence_or_two_say_nothing_about_the_version() -> None:
    assert silent_to_five(2).name == "5"
    assert silent_to_five(3).name == "3.1.1"


def test_who_is_silent_to_both_versions_is_away() -> None:
    dialect = silent_to_five(3)
    dialect.hear_silence()  # to 3.1.1
    assert dialect.name == "5"
    for _ in range(2):  # it has to be proven anew
        dialect.hear_silence()
        assert dialect.name == "5"


def test_where_5_has_stood_silences_are_counted_anew() -> None:
    dialect = silent_to_five(2)
    dialect.hear_accepted(0)
    dialect.hear_end()
    for _ in range(2):
        dialect.hear_silence()
        assert dialect.name == "5"


def test_3_1_1_that_rests_on_silence_is_doubted_after_1_2_and_4_minutes_up_to_a_day() -> None:
    dialect, now_us, stood_s = silent_to_five(3), 0, []
    for _ in range(13):
        dialect.hear_accepted(now_us)
        began_us = now_us
        while not dialect.is_five_due(now_us):
            now_us += 30_000_000
        stood_s.append((now_us - began_us) // 1_000_000)
        dialect.hear_end()
        assert dialect.name == "5"
        dialect.hear_silence()  # once more is enough
        assert dialect.name == "3.1.1"
    assert stood_s == [60, 120, 240, 480, 960, 1920, 3840, 7680, 15360, 30720, 61440, 86400, 86400]


def test_3_1_1_by_the_brokers_own_word_stands_until_the_connection_ends() -> None:
    dialect = Dialect()
    dialect.hear_unsupported()
    dialect.hear_accepted(0)
    assert dialect.name == "3.1.1"
    assert not dialect.is_five_due(10**15)
    dialect.hear_end()
    assert dialect.name == "5"
    dialect.hear_silence()
    assert dialect.name == "5"  # what it said then proves nothing now


def test_of_a_retained_topic_only_the_newest_goes_out() -> None:
    retained = Retained()
    for n in range(1_000):
        retained.keep(f"t{n % 2}", str(n), None)
    out = []
    while retained.is_due:
        out.append(retained.next().payload)
    assert out == ["998", "999"]
    retained.repeat_all()
    assert [retained.next().payload, retained.next().payload] == ["998", "999"]
    assert not retained.is_due


class Archive:
    """Records 1..n of one series, and what the answers were."""

    def __init__(self, newest: int) -> None:
        self.held, self.calls = Range(1, newest, None), 0
        self.past = Past()
        self.past.serve("g", Topics("t", "g"), self._ask)

    def _ask(self, request: BackfillRequest, from_seq: int, limit: int, answer: object) -> None:
        self.calls += 1
        to_seq = min(self.held.newest_seq, from_seq + limit - 1, request.to_seq or self.held.newest_seq)
        assert callable(answer)
        answer(PastPage(self.held, tuple(f'{{"seq":{n}}}' for n in range(from_seq, to_seq + 1))))

    def request(self, name: str = "a", from_seq: int = 1, to_seq: int | None = None) -> None:
        text = {"schema": 1, "id": name, "meter": "m", "store_epoch": "e", "kind": "interval"}
        self.past.add(read_backfill(json.dumps(text | {"from": from_seq, "to": to_seq}).encode()))

    def out(self, now_us: int = 0) -> tuple[list[dict[str, object]], int]:
        """All messages, and the time at which the last went out."""
        out = []
        while True:
            message = self.past.next(0, now_us)
            if message is not None:
                out.append(json.loads(message.payload))
            elif not self.past._waiting:
                return out, now_us
            now_us += 1000


def test_a_request_gets_so_many_records_and_is_told_where_to_go_on() -> None:
    archive = Archive(2500)
    archive.request()
    out, at_us = archive.out()
    assert [one.get("seq") for one in out[:-1]] == list(range(1, RECORDS_A_REQUEST + 1))
    assert (out[-1]["answer"], out[-1]["to"], out[-1]["newest_seq"]) == ("end", RECORDS_A_REQUEST, 2500)
    assert at_us >= RECORDS_A_REQUEST * 5000  # 200 a second at most
    archive.request(from_seq=2401)
    out, _ = archive.out(at_us)
    assert (out[0]["seq"], out[-1]["to"], out[-1]["count"]) == (2401, 2500, 100)


def test_of_answers_only_so_many_are_in_flight() -> None:
    archive = Archive(50)
    archive.request()
    assert archive.past.next(IN_FLIGHT_MOST, 0) is None
    assert archive.past.next(IN_FLIGHT_MOST - 1, 0) is not None


def test_requests_are_answered_in_turn_and_too_many_are_sent_away() -> None:
    archive = Archive(2)
    for n in range(REQUESTS_WAIT_MOST + 5):
        archive.request(str(n))
    out, _ = archive.out()
    # The first is read at once; of the others so many wait.
    ends = [(one["id"], one["answer"]) for one in out if "answer" in one]
    assert sorted(name for name, answer in ends if answer == "busy") == ["65", "66", "67", "68"]
    assert [name for name, answer in ends if answer == "end"] == [str(n) for n in range(REQUESTS_WAIT_MOST + 1)]


def test_a_connection_that_ends_takes_the_requests_along() -> None:
    archive = Archive(500)
    archive.request()
    assert archive.past.next(0, 0) is not None
    archive.past.forget()
    assert archive.past.next(0, 10 * S) is None
    archive.request("b", 7, 7)
    out, _ = archive.out(10 * S)
    assert [one.get("seq") for one in out] == [7, None]


BACKFILL = {"schema": 1, "id": "a", "meter": "m", "store_epoch": "e", "kind": "interval", "from": 1, "to": None}
WORD = {"schema": 1, "consumer": "c", "meter": "m", "store_epoch": "e", "kind": "event", "upto": 0}


def test_a_command_that_is_right_is_read() -> None:
    request, word = read_backfill(json.dumps(BACKFILL).encode()), read_acknowledgement(json.dumps(WORD).encode())
    assert (request.from_seq, request.to_seq, word.upto) == (1, None, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"schema": 2}, {"id": ""}, {"id": "a b"}, {"id": "a\n"}, {"id": "x" * 65}, {"meter": "a/b"}, {"meter": "+"}),
        *({"kind": "state"}, {"from": 0}, {"from": 2**63}, {"from": "1"}, {"from": 1.5}, {"from": 3, "to": 2}),
        *({"to": -1}, {"store_epoch": None}),
    ],
    ids=str,
)
def test_a_command_that_is_not_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(RequestError):
        read_backfill(json.dumps(BACKFILL | wrong).encode())


def test_a_port_where_no_broker_listens_and_a_name_that_is_none_say_what_to_look_at() -> None:
    """The kernel's and the resolver's own errors. RFC 6761: no name under `invalid` is ever found."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # taken, so nobody else gets it, and nobody listens
        with pytest.raises(OSError, match="refused") as refused:
            socket.create_connection(taken.getsockname(), timeout=30)
    assert explain(refused.value) == "connection refused; does a broker listen there, and is the port right?"
    with pytest.raises(socket.gaierror) as unknown:
        socket.getaddrinfo("broker.invalid", 1884)
    assert explain(unknown.value).endswith("; is the broker's name spelt right, or give its IP address")
