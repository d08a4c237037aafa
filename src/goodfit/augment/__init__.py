"""What chance does to training samples; the catalogue of it."""

from __future__ import annotations

from ..core.catalog import Catalog
from .options import ENTRIES, Augmentation
from .text_options import TEXT_ENTRIES

AUGMENTATIONS: Catalog[Augmentation] = Catalog("augmentation", {entry.name: entry for entry in ENTRIES})
TEXT_AUGMENTATIONS: Catalog[Augmentation] = Catalog("augmentation", {entry.name: entry for entry in TEXT_ENTRIES})
