"""Remedies that change what chance may do to a training picture; keys that would change the label are left alone.

Mirroring is never switched on here, nor hue touched: a mirrored letter or a recoloured traffic light is another thing,
and whether that is so is for the plan to know.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ...augment.options import ENTRIES
from ...augment.scene import is_on
from ...core.finding import Remedy
from ...core.recipe import Recipe

SIDE = 32  # px, assumed where the recipe's input side is not settled
JITTER = 0.2  # brightness and contrast, the strength of fastai's lighting
KEPT = ("flip", "crop_pad", "scale")  # entries that weaker augmentation leaves alone
FEWEST_PIXELS = 16  # below this side a blanked square hides the thing itself
STEPS = {"crop_pad": 1 / 8, "erase": 1 / 4}  # share of the side: 4 and 8 px of 32, DeVries and Taylor 2017


def strengthen(recipe: Recipe) -> Recipe:
    """Wider crops (or a smaller least area), a blanked square, mild brightness and contrast; what is stronger stays."""
    if not _is_of_pictures(recipe):
        return recipe
    options, side = recipe.augment, _side(recipe)
    if options.get("scale") and options["scale"] != "auto":
        least, most = options["scale"]
        wanted: dict[str, Any] = {"scale": [round(max(least * 0.5, 0.08), 3), most]}
    else:
        wanted = {"crop_pad": _at_least(options, "crop_pad", round(STEPS["crop_pad"] * side))}
    if side >= FEWEST_PIXELS:
        wanted["erase"] = _at_least(options, "erase", round(STEPS["erase"] * side))
        wanted |= {key: _at_least(options, key, JITTER) for key in ("brightness", "contrast")}
    return _with(recipe, wanted)


def mix(recipe: Recipe) -> Recipe:
    """Mixup with alpha 0.2, where nothing is mixed yet."""
    if not _is_of_pictures(recipe) or recipe.augment.get("mixup") or recipe.augment.get("cutmix"):
        return recipe
    return _with(recipe, {"mixup": 0.2})


def weaken(recipe: Recipe) -> Recipe:
    """Everything off but crops and mirrors."""
    off = {key: value for entry in ENTRIES if entry.name not in KEPT for key, value in entry.off.items()}
    return _with(recipe, {key: value for key, value in off.items() if recipe.augment.get(key)})


def soften(part: float, recipe: Recipe) -> Recipe:
    """Every strength times a part of 1, crops included; what is on or off without a strength stays.

    Args:
        part: 0.5 halves them.
        recipe: resolved.
    """
    if not _is_of_pictures(recipe):
        return recipe
    on = [entry for entry in ENTRIES if is_on(entry.off, recipe.augment)]
    graded = {key: recipe.augment.get(key) for entry in on for key in entry.off}
    return _with(recipe, {key: _times(value, part) for key, value in graded.items() if _has_strength(value)})


MORE_AUGMENTATION = Remedy(
    name="more_augmentation",
    treats=frozenset({"GF-F001"}),
    apply=strengthen,
    cost=1.05,
    source="DeVries and Taylor 2017, arXiv:1708.04552; He et al. 2016, arXiv:1512.03385; fastai's lighting",
)
MIXUP = Remedy(
    name="mixup",
    treats=frozenset({"GF-F001", "GF-F006", "GF-F008"}),
    apply=mix,
    cost=1.02,
    source="Zhang et al. 2018, arXiv:1710.09412, which also shows less memorising of wrong labels",
)
HALF_AUGMENTATION = Remedy(
    name="half_augmentation",
    treats=frozenset({"GF-F009", "GF-A003"}),
    apply=partial(soften, 0.5),
    cost=1.0,
    source="Cubuk et al. 2020, arXiv:1909.13719: one magnitude for all operations, searched in steps",
)
QUARTER_AUGMENTATION = Remedy(
    name="quarter_augmentation",
    treats=frozenset({"GF-F009", "GF-A003"}),
    apply=partial(soften, 0.25),
    cost=1.0,
    source="Cubuk et al. 2020, arXiv:1909.13719: one magnitude for all operations, searched in steps",
)
LESS_AUGMENTATION = Remedy(
    name="less_augmentation",
    treats=frozenset({"GF-F002", "GF-F009", "GF-A003"}),
    apply=weaken,
    cost=1.0,
    source="Cubuk et al. 2020, arXiv:1909.13719: small nets and short training want weaker augmentation",
)


def _has_strength(value: Any) -> bool:
    return bool(value) and not isinstance(value, str | bool)


def _times(value: Any, part: float) -> Any:
    """A strength times a part: the least area of a crop comes nearer to the whole, pixels stay whole."""
    if isinstance(value, tuple | list):
        return [round(1 - part * (1 - float(value[0])), 3), float(value[1])]
    return round(value * part) if isinstance(value, int) else round(value * part, 4)


def _is_of_pictures(recipe: Recipe) -> bool:
    """Whether the plan settled a picture task's augmentation; the task's own name may still be `auto` there."""
    return isinstance(recipe.augment.get("crop_pad"), int)


def _with(recipe: Recipe, wanted: Mapping[str, Any]) -> Recipe:
    for key, value in wanted.items():
        now = recipe.augment.get(key)
        if (list(now) if isinstance(now, tuple) else now) != value:
            recipe = recipe.with_(f"augment.{key}", value)
    return recipe


def _at_least(options: Mapping[str, Any], key: str, value: Any) -> Any:
    now = options.get(key, 0)
    return value if isinstance(now, str) or now is None else max(now, value)


def _side(recipe: Recipe) -> int:
    return SIDE if recipe.model.size == "auto" else recipe.model.size
