"""Spans of time as people write and read them."""

from __future__ import annotations

import pytest

from goodfit.core.duration import parse_seconds, show_seconds
from goodfit.core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("10m", 600),
        ("2h", 7200),
        ("1h30m", 5400),
        ("1h 30m 5s", 5405),
        ("1.5h", 5400),
        ("10 min", 600),
        ("1d", 86400),
        ("90", 90),
        (12.5, 12.5),
        (" 20M ", 1200),
    ],
)
def test_span_of_time_in_seconds(text: str | float, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "fast", "10 parsecs", "m", "0", "0s", "-5m", "-3", "nan", "inf", "1e9", "400d", "５m", "3m x"]
)
def test_no_span_of_time_is_refused_with_the_allowed_forms(text: str) -> None:
    with pytest.raises(UsageError, match="budget: .*allowed: 90s, 10m, 2h, 1h30m.*write for example 20m"):
        parse_seconds(text)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.84, "0.8 s"),
        (-3, "0.0 s"),
        (42.4, "42 s"),
        (59.6, "1 min"),
        (185, "3 min 05 s"),
        (600, "10 min"),
        (7200, "2 h"),
        (7800, "2 h 10 min"),
        (3599.7, "1 h"),
    ],
)
def test_span_of_time_as_read(seconds: float, shown: str) -> None:
    assert show_seconds(seconds) == shown
