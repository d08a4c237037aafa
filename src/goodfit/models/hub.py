"""The one door to transformers: where one of its models comes from, a local folder or the hub, and the library itself.

Texts go on in `hub_text`, pictures with boxes in `hub_boxes`. The library: https://huggingface.co/docs/transformers.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import MissingExtra, RecipeError
from ..core.quiet import quiet
from .download import from_hub

PREFIX = "transformers/"
LONGEST = 512  # tokens where the configuration names no limit of its own
_NOT_OF_THE_MODEL = ("torch_dtype", "dtype", "auto_map", "transformers_version")


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a pretrained model comes from.

    Attributes:
        folder: with config.json, and for texts the tokenizer's files.
        weights: whether model.safetensors is to be read from there.
        config: as config.json says.
    """

    folder: Path
    weights: bool
    config: Mapping[str, Any]

    @property
    def name(self) -> str:
        """As model.name shows it."""
        return PREFIX + str(self.config.get("model_type", "unknown"))

    @property
    def longest(self) -> int:
        """Tokens that its positions reach."""
        found = self.config.get("max_position_embeddings") or self.config.get("n_positions") or LONGEST
        return int(found) - (2 if "roberta" in str(self.config.get("model_type")) else 0)  # its first two are reserved


def find(reference: str, weights: bool = True) -> Source:
    """What lies at a folder or under a hub name.

    Args:
        reference: a folder with config.json, or `hub:owner/name@commit`.
        weights: whether its weights are wanted, or the architecture alone.
    Raises: RecipeError if something is missing there.
    """
    key = "model.weights" if weights else "model.name"
    folder = folder_of(reference)
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        if not isinstance(config, dict):
            raise ValueError("it holds no object")
    except (OSError, ValueError) as error:
        raise RecipeError(
            "a model of transformers needs its config.json",
            got=getattr(error, "strerror", None) or error,
            allowed="a folder with config.json, model.safetensors and, for texts, a tokenizer",
            do="name that folder",
            where=f"{key}={reference}",
        ) from None
    if weights and not (folder / "model.safetensors").is_file():
        raise RecipeError(
            "no model.safetensors lies in this folder",
            got=", ".join(sorted(entry.name for entry in folder.iterdir())[:10]),
            allowed="safetensors; a pickle can run foreign code and is not opened",
            do=f"save it so, or train from its configuration alone with model.name={PREFIX}{folder}",
            where=f"{key}={reference}",
        )
    return Source(folder=folder, weights=weights, config=config)


def folder_of(reference: str) -> Path:
    """Where config.json is looked for. Raises: RecipeError if the hub does not answer."""
    if reference.startswith("hub:"):
        return from_hub(reference).parent
    path = Path(reference).expanduser()
    return path if path.is_dir() else path.parent


def network(
    loader: str,
    config: Mapping[str, Any],
    source: Source | None,
    *,
    what: str,
    new: str,
    lacking: float = 0.0,
    **loading: Any,
) -> Any:
    """A network of the library with random weights or those of a folder; nothing is downloaded or run from there.

    Args:
        loader: the library's class that builds it, for example AutoModel.
        config: as config.json says, and what is changed of it.
        source: where its weights lie; None or one without them = random ones.
        what: "text model", for errors.
        new: word in the names of weights that the file need not hold.
        lacking: share of the other weights that it may lack and still be this network's.
        loading: options of the library for reading the file.
    Raises: RecipeError if it cannot be built or the weights are another's; MissingExtra.
    """
    kind, values = values_of(config)
    made_by, filled = library(), source is not None and source.weights
    try:
        with quiet():
            settled = made_by.AutoConfig.for_model(kind, **values)
            if source is None or not source.weights:
                return getattr(made_by, loader).from_config(settled).float()
            net, report = getattr(made_by, loader).from_pretrained(
                str(source.folder),
                config=settled,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
                **loading,
            )
        missing = sorted(name for name in report["missing_keys"] if new not in name)
        if len(missing) > lacking * len(net.state_dict()):
            raise ValueError(f"{len(missing)} weights are not in the file, for example {missing[0]}")
        return net.float()
    except (ValueError, KeyError, OSError, RuntimeError, TypeError, ImportError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        where = "model.weights" if filled else "model.name"
        raise RecipeError(f"this {what} cannot be built", got=first, do="check its config.json", where=where) from None


def values_of(config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """(model type, its other values) of a configuration, ready for the library: nothing that names foreign code."""
    values = {key: value for key, value in config.items() if key not in _NOT_OF_THE_MODEL}
    return str(values.pop("model_type", "")), values


def library() -> Any:
    """The library, silent. Raises: MissingExtra."""
    try:
        import transformers
    except ImportError:
        raise MissingExtra("models of transformers need that library", do="pip install 'goodfit[text]'") from None
    logging.getLogger("transformers").setLevel(logging.ERROR)
    transformers.utils.logging.disable_progress_bar()
    return transformers
