"""Another master's requests become news: at once, then folded for ten minutes, none forgotten."""

from dataclasses import dataclass

from gateway.reading.overheard import Overheard

from .test_line import TickingClock

MIN_US = 60_000_000


@dataclass
class RealClock(TickingClock):
    real: int = 0

    def real_us(self) -> int:
        return self.real


def test_news_comes_at_once_and_then_once_in_ten_minutes_with_all_that_was_heard() -> None:
    heard, clock = [0], RealClock()
    overheard = Overheard(lambda: heard[0], clock)
    assert overheard.news() is None
    heard[0] = 3
    assert overheard.news() == 3
    heard[0] = 8
    clock.real = 9 * MIN_US
    assert overheard.news() is None
    heard[0] = 10
    clock.real = 10 * MIN_US
    assert overheard.news() == 7
    clock.real = 60 * MIN_US
    assert overheard.news() is None
