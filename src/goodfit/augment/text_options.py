"""The keys under `augment.` for texts, and what a catalogue says of them."""

from __future__ import annotations

from ..core.recipe import Section, Share
from .options import Augmentation


class TextAugment(Section):
    """What chance may do to the tokens of a training text; all off unless asked for."""

    replace: Share = 0.0  # mean share replaced by words of the training texts, telling ones least; Xie et al. 2020
    swap: Share = 0.0  # share of the tokens that change places among each other; Wei and Zou 2019
    drop: Share = 0.0  # chance that a token is left out; Wei and Zou 2019

    @property
    def is_on(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.replace or self.swap or self.drop)


TEXT_ENTRIES = (
    Augmentation(
        name="replace",
        kind="text",
        mild={"replace": 0.1},
        off={"replace": 0.0},
        source="Xie et al. 2020, arXiv:1904.12848 (which words); Xie et al. 2017, arXiv:1703.02573 (by which)",
    ),
    Augmentation(
        name="swap",
        kind="text",
        mild={"swap": 0.1},
        off={"swap": 0.0},
        source="Wei and Zou 2019, arXiv:1901.11196: a tenth of the words",
    ),
    Augmentation(
        name="drop",
        kind="text",
        mild={"drop": 0.1},
        off={"drop": 0.0},
        source="Wei and Zou 2019, arXiv:1901.11196: a tenth of the words",
    ),
)
