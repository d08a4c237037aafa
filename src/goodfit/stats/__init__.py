"""Judgement in numbers: intervals, paired comparisons, calibration, curves; numpy only, seeds passed."""

from .calibration import expected_calibration_error, fit_temperature, nll, reliability
from .intervals import interval, wilson
from .paired import Effect, corrected_intervals, holm, mcnemar, paired_effect

__all__ = [
    "Effect",
    "corrected_intervals",
    "expected_calibration_error",
    "fit_temperature",
    "holm",
    "interval",
    "mcnemar",
    "nll",
    "paired_effect",
    "reliability",
    "wilson",
]
