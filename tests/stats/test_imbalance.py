"""Uneven classes in numbers, against figures computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from goodfit.stats.imbalance import effective_weight, inverse_share, log_prior, unevenness


def test_unevenness_is_largest_over_smallest_class_that_has_samples() -> None:
    assert unevenness([30, 5, 0]) == 6.0
    assert unevenness([7, 7]) == 1.0
    assert unevenness([]) == 1.0


def test_inverse_share_of_a_tenth_is_10_and_of_nine_tenths_1_11() -> None:
    np.testing.assert_allclose(inverse_share([10, 90, 0]), [10, 1 / 0.9, 0])


def test_effective_weight_goes_from_alike_at_beta_0_to_inverse_count() -> None:
    np.testing.assert_allclose(effective_weight([3, 300], 0.0), [1, 1])
    few, many = effective_weight([3, 300], 1 - 1e-9)
    assert few / many == pytest.approx(100, rel=1e-3)
    np.testing.assert_allclose(effective_weight([2, 0], 0.5), [0.5 / 0.75, 0])


def test_log_prior_is_the_logarithm_of_the_share_and_finite_without_samples() -> None:
    np.testing.assert_allclose(log_prior([1, 3]), np.log([0.25, 0.75]))
    np.testing.assert_allclose(np.exp(log_prior([0, 9.5])), [0.05, 0.95])
