"""What `goodfit env` tells: versions, devices, processor, optional libraries, and known clashes."""

from __future__ import annotations

from importlib import metadata
from importlib.util import find_spec
from typing import Any

# Extra of the package -> the module that it brings.
EXTRAS = {"parquet": ("pyarrow",), "track": ("tensorboard", "mlflow")}


def env() -> dict[str, Any]:
    """Everything that a report of a fault needs, as JSON values."""
    from ..engine.cachefolder import cache_folder
    from ..engine.hardware import machine

    extras = {name: all(find_spec(module) is not None for module in modules) for name, modules in EXTRAS.items()}
    return {"goodfit": metadata.version("goodfit"), **machine(), "extras": extras, "cache": str(cache_folder())}
