"""The catalogue of remedies, the most promising for a finding first; a new one is a value in a file here and a line."""

from ...core.catalog import Catalog
from ...core.finding import Remedy
from . import augment, inputs, labels, optimise, rebalance, regularise

REMEDIES: Catalog[Remedy] = Catalog(
    "remedy",
    {
        r.name: r
        for r in (
            optimise.LR_DOWN,
            optimise.CLIP,
            optimise.LR_UP,
            labels.LEAVE_OUT,
            labels.RELABEL,
            augment.MORE_AUGMENTATION,
            augment.MIXUP,
            regularise.WEIGHT_DECAY_UP,
            regularise.LABEL_SMOOTHING,
            regularise.DROPOUT,
            regularise.DROP_PATH,
            optimise.SHORTER_TRAINING,
            regularise.L1,
            optimise.LONGER_TRAINING,
            optimise.LR_TRIPLED,
            augment.HALF_AUGMENTATION,
            augment.QUARTER_AUGMENTATION,
            augment.LESS_AUGMENTATION,
            inputs.DECODE_ONCE,
            rebalance.NO_REBALANCING,
            rebalance.LOGIT_ADJUSTMENT,
            rebalance.BALANCED_SAMPLER,
            rebalance.CLASS_WEIGHTS,
            rebalance.FOCAL,
        )
    },
)
__all__ = ["REMEDIES"]
