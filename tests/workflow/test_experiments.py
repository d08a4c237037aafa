"""Experiments: verdicts by the rule, the thrifty choice, and A/A trials over several arms."""

import numpy as np
import pytest

from goodfit.core.errors import DataError
from goodfit.core.experiment import Arm, Experiment
from goodfit.core.messages import LANGUAGES, say
from goodfit.core.outcome import Predictions
from goodfit.core.randomness import generator
from goodfit.core.task import Metric
from goodfit.workflow.experiments import Trial, keep, lost_arm, verdict, weigh

ACCURACY = Metric(
    name="accuracy",
    value=lambda t, o: float((o.argmax(axis=1) == t).mean()),
    per_sample=lambda t, o: (o.argmax(axis=1) == t).astype(np.float64),
)


def trial(is_right: np.ndarray, seed: int = 0, seconds: float = 10.0, name: str = "run") -> Trial:
    n = len(is_right)
    confirm = Predictions(
        ids=np.array([str(i) for i in range(n)]),
        target=np.zeros(n, np.int64),
        outputs=np.where(is_right[:, None], [1.0, 0.0], [0.0, 1.0]).astype(np.float32),
        split="confirm",
        run_id=f"{name}-{seed}",
    )
    return Trial(run_id=f"{name}-{seed}", seed=seed, seconds=seconds, confirm=confirm)


def arm(name: str, outcome: str, seconds: float, effect: float = 0.0) -> Arm:
    return Arm(
        name=name, changes={}, runs=(), values=(), effect=effect, low=0, high=0, p=1, verdict=outcome, seconds=seconds
    )


def noisy(random: np.random.Generator, hard: np.ndarray, gain: float, seeds: int = 2) -> list[Trial]:
    return [trial(random.random(len(hard)) > np.clip(hard - gain, 0, 1), s) for s in range(seeds)]


def test_a_large_gain_is_better_and_kept_with_its_numbers() -> None:
    n = np.arange(400)
    base = [trial(n % 10 < 7, s) for s in range(2)]
    better = [trial(n % 10 < 9, s, 12.0, "mixup") for s in range(2)]
    e = weigh("remedy", "GF-F001", base, {"mixup": better}, ACCURACY, changes={"mixup": {"augment.mixup": 0.2}})
    assert (e.kept, e.arms[0].verdict, e.arms[0].changes) == ("mixup", "better", {"augment.mixup": 0.2})
    assert e.arms[0].effect == pytest.approx(0.2)
    assert 0 < e.arms[0].low < 0.2 < e.arms[0].high
    assert (e.n, e.seeds, e.equivalence) == (400, (0, 1), 0.003)
    assert Experiment.from_json(e.to_json()) == e


def test_a_large_loss_is_worse_and_the_base_stays() -> None:
    n = np.arange(400)
    e = weigh("remedy", "", [trial(n % 10 < 9)], {"l1": [trial(n % 10 < 5, seconds=1.0)]}, ACCURACY)
    assert (e.kept, e.arms[0].verdict) == ("base", "worse")


def test_fifteen_samples_cannot_tell() -> None:
    n = np.arange(15)
    e = weigh("remedy", "", [trial(n < 10)], {"dropout": [trial(n < 13)]}, ACCURACY)
    assert (e.kept, e.arms[0].verdict) == ("base", "cannot tell")


def test_the_same_predictions_on_5000_samples_have_no_effect_and_the_cheaper_is_kept() -> None:
    same = np.arange(5000) % 10 < 9
    e = weigh("remedy", "", [trial(same)], {"smaller_model": [trial(same, seconds=4.0)]}, ACCURACY)
    assert (e.kept, e.arms[0].verdict) == ("smaller_model", "no effect")


def test_the_best_proven_arm_wins_over_cheaper_ones() -> None:
    arms = [arm("a", "better", 20, 0.02), arm("b", "better", 30, 0.04), arm("c", "no effect", 1)]
    assert keep(arm("base", "no effect", 10), arms) == "b"


def test_cheaper_by_timing_noise_or_against_the_effect_is_not_kept() -> None:
    base = arm("base", "no effect", 10)
    assert keep(base, [arm("a", "no effect", 9.5)]) == "base"
    assert keep(base, [arm("a", "cannot tell", 2, -0.01)]) == "base"
    assert keep(base, [arm("a", "worse", 2, -0.1)]) == "base"
    assert keep(base, [arm("a", "cannot tell", 2, 0.01)]) == "a"
    assert keep(base, []) == "base"


def test_verdicts_by_their_rule() -> None:
    assert verdict(0.001, 0.002, 0.003) == "better"
    assert verdict(-0.002, -0.001, 0.003) == "worse"
    assert verdict(-0.002, 0.003, 0.003) == "no effect"
    assert verdict(-0.004, 0.002, 0.003) == "cannot tell"


def test_three_equal_arms_bring_a_false_win_in_at_most_5_percent() -> None:
    random, wins = generator(20), 0
    for _ in range(150):
        hard = random.beta(0.25, 1.0, 300)
        arms = {name: noisy(random, hard, 0) for name in "abc"}
        wins += any(a.verdict == "better" for a in weigh("remedy", "", noisy(random, hard, 0), arms, ACCURACY).arms)
    assert wins <= 7


def test_a_gain_of_10_points_is_found_among_three_arms_in_most_trials() -> None:
    random, found = generator(21), 0
    for _ in range(40):
        hard = random.beta(0.5, 1.0, 500)
        arms = {name: noisy(random, hard, 0.15 * (name == "a"), seeds=3) for name in "abc"}
        found += weigh("remedy", "", noisy(random, hard, 0, seeds=3), arms, ACCURACY).kept == "a"
    assert found >= 32


def test_only_shared_seeds_are_compared() -> None:
    n = np.arange(100)
    e = weigh("remedy", "", [trial(n < 80, 0), trial(n < 80, 1)], {"a": [trial(n < 90, 1)]}, ACCURACY)
    assert e.arms[0].values == (0.9,)
    with pytest.raises(DataError, match="shares no seed"):
        weigh("remedy", "", [trial(n < 80, 0)], {"a": [trial(n < 90, 1)]}, ACCURACY)
    with pytest.raises(DataError, match="base run"):
        weigh("remedy", "", [], {}, ACCURACY)


def test_no_arms_keep_the_base() -> None:
    e = weigh("remedy", "", [trial(np.arange(10) < 5)], {}, ACCURACY)
    assert (e.kept, e.arms) == ("base", ())


def test_lost_arm_tells_its_runs_and_that_nothing_can_be_told() -> None:
    lost = lost_arm("lr_up", ["lr_up-1", "lr_up-2"], [10.0, 2.0], ACCURACY, {"train.lr": 0.5})
    assert (lost.runs, lost.values, lost.seconds, lost.verdict) == (("lr_up-1", "lr_up-2"), (), 6.0, "cannot tell")
    assert (lost.effect, lost.low, lost.high, lost.p) == (0.0, -1.0, 1.0, 1.0)


def test_questions_can_be_asked_in_both_languages() -> None:
    assert all(say(f"experiment.{q}", lang, finding="GF-F001") for q in ("remedy", "compare") for lang in LANGUAGES)
