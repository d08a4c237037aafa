"""Paired comparison: by hand where a hand can, and A/A trials for the rest."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from goodfit.core.errors import DataError
from goodfit.core.randomness import generator
from goodfit.stats.paired import Effect, corrected_intervals, holm, mcnemar, paired_effect, sign_flip


def runs(kit: SimpleNamespace, random: np.random.Generator, hard: np.ndarray, sd: float, gain: float = 0.0) -> list:
    """A base and an arm of one seed: each errs with the sample's own probability, shifted by the run's own luck."""
    weight = hard * (1 - hard) / (hard * (1 - hard)).mean()
    shifts = random.normal(0, sd, 2) - [0, gain]
    return [kit.two_class(random.random(len(hard)) > np.clip(hard + s * weight, 0, 1)) for s in shifts]


def rate_of(kit: SimpleNamespace, n: int, seeds: int, ratio: float, trials: int, gain: float = 0.0) -> float:
    """Share of trials in which the arm is called better; `ratio` = true seed variance over sample variance."""
    random, wins = generator(n, seeds, round(100 * ratio)), 0
    for _ in range(trials):
        hard = random.beta(0.25, 1.0, n)  # 20 % errors, most samples easy
        sd = math.sqrt(ratio * (hard * (1 - hard)).mean() / n)
        pairs = [runs(kit, random, hard, sd, gain) for _ in range(seeds)]
        effect = paired_effect([p[0] for p in pairs], [p[1] for p in pairs], kit.accuracy)
        wins += effect.interval()[0] > 0
    return wins / trials


@pytest.mark.parametrize(("n", "seeds"), [(30, 1), (30, 3), (400, 1), (400, 2), (400, 3)])
@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_equal_arms_are_called_better_in_at_most_5_percent(
    kit: SimpleNamespace, n: int, seeds: int, ratio: float
) -> None:
    assert rate_of(kit, n, seeds, ratio, trials=150) <= 0.05  # expected at most 0.02; 150 trials have an error of 0.01


def test_a_planted_gain_of_8_points_is_found_with_three_seeds(kit: SimpleNamespace) -> None:
    assert rate_of(kit, 400, 3, 0.25, trials=60, gain=0.08) >= 0.8


def test_effect_is_the_mean_difference_and_the_interval_holds_it(kit: SimpleNamespace) -> None:
    base, arm = kit.two_class(np.arange(100) < 80), kit.two_class(np.arange(100) < 90)
    effect = paired_effect([base, base], [arm, arm], kit.accuracy)
    low, high = effect.interval()
    assert effect.effect == pytest.approx(0.10)
    assert low < 0.10 < high
    assert (effect.n, effect.seeds) == (100, 2)


def test_lower_error_counts_as_positive_effect(kit: SimpleNamespace) -> None:
    target = generator(4).normal(size=80)
    base, arm = (kit.predictions(target, (target + e)[:, None]) for e in (0.5, 0.1))
    assert paired_effect([base], [arm], kit.mae).effect == pytest.approx(0.4, abs=1e-6)
    assert paired_effect([base], [arm], kit.rmse).effect == pytest.approx(0.4, abs=1e-6)


def test_three_disagreements_prove_nothing_however_one_sided(kit: SimpleNamespace) -> None:
    base, arm = kit.two_class(np.arange(15) < 10), kit.two_class(np.arange(15) < 13)
    effect = paired_effect([base], [arm], kit.accuracy)
    assert effect.p >= 0.25  # McNemar: 2 x 1/8
    assert effect.interval()[0] < 0


def test_identical_predictions_on_few_samples_leave_room_for_doubt(kit: SimpleNamespace) -> None:
    same = kit.two_class(np.arange(15) < 10)
    effect = paired_effect([same], [same], kit.accuracy)
    low, high = effect.interval()
    assert effect.p == 1.0
    assert low < -0.1
    assert high > 0.1


def test_bootstrap_error_of_f1_is_near_that_of_accuracy_on_balanced_classes(kit: SimpleNamespace) -> None:
    random = generator(6)
    target = random.integers(0, 2, 500)
    flip = lambda share: np.eye(2)[np.where(random.random(500) < share, 1 - target, target)]  # noqa: E731
    base, arm = kit.predictions(target, flip(0.3)), kit.predictions(target, flip(0.2))
    by_mean, by_bootstrap = (paired_effect([base], [arm], m) for m in (kit.accuracy, kit.f1))
    assert by_bootstrap.effect == pytest.approx(by_mean.effect, abs=0.01)
    assert by_bootstrap.error == pytest.approx(by_mean.error, rel=0.15)  # 400 draws: error good to 5 %


def test_seeds_with_different_samples_are_paired_within_a_seed(kit: SimpleNamespace) -> None:
    base = [kit.two_class(np.arange(n) < n // 2) for n in (40, 60)]
    arm = [kit.two_class(np.arange(n) < n // 2 + 10) for n in (40, 60)]
    assert paired_effect(base, arm, kit.accuracy).effect == pytest.approx((10 / 40 + 10 / 60) / 2)


def test_unpaired_samples_are_refused(kit: SimpleNamespace) -> None:
    with pytest.raises(DataError, match="different samples"):
        paired_effect([kit.two_class(np.ones(4, bool))], [kit.two_class(np.ones(5, bool))], kit.accuracy)
    with pytest.raises(DataError, match="paired by seed"):
        paired_effect([], [], kit.accuracy)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


def test_corrected_interval_excludes_zero_exactly_where_the_corrected_p_is_small() -> None:
    random = generator(7)
    for _ in range(200):
        effects = [
            Effect(effect=z, error=1.0, df=1e9, p=math.erfc(abs(z) / math.sqrt(2)), n=10, seeds=1)
            for z in random.normal(0, 2, 3)
        ]
        p, low, high = corrected_intervals(effects)
        assert ((low > 0) | (high < 0)).tolist() == (p < 0.05).tolist()


def test_mcnemar_of_1_against_9_is_exact() -> None:
    base, arm = np.array([True] * 1 + [False] * 9), np.array([False] * 1 + [True] * 9)
    assert mcnemar(base, arm) == pytest.approx(2 * 11 / 1024)
    assert mcnemar(base, base) == 1.0


def test_sign_flip_of_unit_differences_is_mcnemars_test() -> None:
    assert sign_flip(np.array([1.0] * 9 + [-1.0] + [0.0] * 40)) == pytest.approx(22 / 1024)
    assert sign_flip(np.zeros(5)) == 1.0
    assert sign_flip(np.ones(20)) < 0.001
