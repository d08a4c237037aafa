"""What chance does to training samples; the catalogue of it."""

from __future__ import annotations

from ..core.catalog import Catalog
from .options import ENTRIES, Augmentation

AUGMENTATIONS: Catalog[Augmentation] = Catalog("augmentation", {entry.name: entry for entry in ENTRIES})
