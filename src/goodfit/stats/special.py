"""Distribution functions that the tests here need, in plain Python, so that the floor stays free of scipy.

Source: the incomplete beta function by Lentz's continued fraction, Press et al. 2007, "Numerical Recipes", 6.4.
"""

from __future__ import annotations

import math
from statistics import NormalDist

NORMAL = NormalDist()


def normal_quantile(p: float) -> float:
    """z with P(Z <= z) = p, for p in (0, 1)."""
    return NORMAL.inv_cdf(p)


def student_cdf(t: float, df: float) -> float:
    """P(T <= t) of Student's t with df > 0 degrees of freedom; fractions allowed, infinity is the normal."""
    if df > 1e7:
        return NORMAL.cdf(t)
    tail = 0.5 * incomplete_beta(df / 2, 0.5, df / (df + t * t))
    return 1 - tail if t > 0 else tail


def student_quantile(p: float, df: float) -> float:
    """t with P(T <= t) = p, for p in (0, 1), by bisection to 1e-10 of its size."""
    if p < 0.5:
        return -student_quantile(1 - p, df)
    low, high = 0.0, 2.0
    while student_cdf(high, df) < p and high < 1e12:
        high *= 2
    while high - low > 1e-10 * (1 + high):
        middle = (low + high) / 2
        low, high = (middle, high) if student_cdf(middle, df) < p else (low, middle)
    return (low + high) / 2


def binomial_tail(k: int, n: int, p: float) -> float:
    """P(X >= k) for X ~ Binomial(n, p)."""
    if k <= 0:
        return 1.0
    if k > n:
        return 0.0
    return incomplete_beta(k, n - k + 1, p)


def hypergeometric_tail(k: int, n: int, marked: int, total: int) -> float:
    """P(X >= k) of the marked ones among n drawn without replacement: Fisher's exact test, one-sided; Fisher 1922."""
    top = min(n, marked)
    if k > top:
        return 0.0
    choose = lambda a, b: math.lgamma(a + 1) - math.lgamma(b + 1) - math.lgamma(a - b + 1)  # noqa: E731
    whole = choose(total, n)
    least = max(k, n - (total - marked))
    logs = [choose(marked, i) + choose(total - marked, n - i) - whole for i in range(least, top + 1)]
    return min(1.0, math.fsum(math.exp(value) for value in logs))


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), x in [0, 1]."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    if x < (a + 1) / (a + b + 2):
        return math.exp(log_front) * _beta_fraction(a, b, x) / a
    return 1 - math.exp(log_front) * _beta_fraction(b, a, 1 - x) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1), tiny)
    result = d
    for m in range(1, 500):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away_from_zero(1 + term * d, tiny)
            c = _away_from_zero(1 + term / c, tiny)
            result *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return result


def _away_from_zero(x: float, tiny: float) -> float:
    return x if abs(x) > tiny else tiny
