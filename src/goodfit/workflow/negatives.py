"""Train on as many samples of nothing as `data.negatives` asks for; val and test keep their real shares."""

from __future__ import annotations

from dataclasses import replace

from ..core.errors import DataError
from ..core.finding import Finding
from ..core.recipe import Recipe
from ..core.samples import Dataset, Split
from ..data.negatives import MOST_A_POSITIVE, is_background, thinned


def with_fewer_negatives(split: Split, dataset: Dataset, asked: Recipe) -> tuple[Split, list[Finding]]:
    """The split whose train holds at most so many negatives a positive, and what to say of it.

    Args:
        split: as drawn.
        dataset: that it indexes.
        asked: `data.negatives`, `data.background` and `seed` are read.
    Raises: DataError where a number is asked for and the data know no samples of nothing.
    """
    wanted = asked.data.negatives
    negative = is_background(dataset.index.target, dataset.schema, asked.data.background)
    if wanted == "all":
        return split, []
    if negative is None or not negative.any():
        if wanted == "auto":
            return split, []
        raise DataError(
            "there are no samples of nothing to choose from",
            got=f"data.negatives={wanted:g}",
            allowed="pictures without boxes, or a class that stands for nothing",
            where="data.negatives",
            do="leave it out, or name the class: data.background=NAME",
        )
    ratio = MOST_A_POSITIVE if wanted == "auto" else float(wanted)
    train = thinned(split.train, negative, ratio, asked.seed)
    if len(train) == len(split.train):
        return split, []
    before, after = int(negative[split.train].sum()), int(negative[train].sum())
    numbers = {"count": before, "used": after, "asked": wanted, "ratio": ratio, "positive": len(train) - after}
    found = Finding(code="GF-D093", severity="info", numbers=numbers)
    return replace(split, train=train, how=(*split.how, "fewer negatives")), [found]
