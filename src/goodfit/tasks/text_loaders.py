"""Texts on their way into a model: which tokenizer, the tokens kept, batches of like length."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from ..augment.text_options import TextAugment
from ..augment.texts import TextAlterer, count_words
from ..core.errors import RecipeError
from ..core.finding import Finding
from ..core.recipe import Recipe
from ..core.samples import Dataset, Schema
from ..core.task import Loader
from ..data.text_loader import Encoded, Tokenizer, TokenLoader, WordsLoader
from ..data.token_cache import encode_all, encoded
from ..engine.cachefolder import cache_folder
from ..engine.engine import Engine
from ..models import hub_text
from ..models.hash_words import HashWords
from .text_plan import LINEAR, is_pretrained, source_of

PARTS = 8  # of a batch in fine-tuning, which is too short to bear batches of like length
_WORDS = ("words", "words_mean", "words_p95", "words_max")
COUNTED = 20_000  # training texts whose words are counted for replacements: enough for shares of common words


def tokenizer_of(recipe: Recipe, facts: Mapping[str, Any]) -> Tokenizer:
    """The tokenizer of a recipe's model: the one that a stored model remembers, the folder's, or words."""
    if not is_pretrained(recipe):
        return HashWords()
    if "tokenizer" in facts:
        return _hub_tokens(tuple(sorted(facts["tokenizer"].items())))
    return _hub_tokens(tuple(sorted(hub_text.tokenizer_files(source_of(recipe).folder).items())))


@lru_cache(maxsize=2)
def _hub_tokens(files: tuple[tuple[str, str], ...]) -> hub_text.HubTokens:
    return hub_text.HubTokens(dict(files))


def loader(dataset: Dataset, positions: np.ndarray, recipe: Recipe, engine: Engine, training: bool) -> Loader:
    """Batches of some texts; see `Task.loader`."""
    if recipe.model.name == LINEAR:
        return WordsLoader(dataset, positions)
    tokenizer = tokenizer_of(recipe, dataset.schema.facts)
    tokens = _tokens(dataset, tokenizer, recipe)
    _check_vocabulary(tokens, recipe, dataset.schema.facts)
    return TokenLoader(
        tokens,
        dataset.index.target,
        positions,
        batch_size=int(recipe.train.batch_size),
        most=int(recipe.model.size),
        pad=tokenizer.pad,
        seed=recipe.seed,
        training=training,
        place=engine.tensor,
        parts=PARTS if is_pretrained(recipe) else 1,
        rebalance=recipe.train.rebalance,
        alter=_alterer(tokens, positions, recipe, tokenizer) if training else None,
    )


def _alterer(tokens: Encoded, positions: np.ndarray, recipe: Recipe, tokenizer: Tokenizer) -> TextAlterer | None:
    """What chance does to training texts; None where nothing is asked for."""
    options = TextAugment(**recipe.augment)
    if not options.is_on:
        return None
    words = None
    if options.replace:
        counted = positions[:: max(1, len(positions) // COUNTED)]
        words = count_words([tokens.cut(int(i), int(recipe.model.size)) for i in counted], tokenizer.marks)
    return TextAlterer(options=options, seed=recipe.seed, marks=tokenizer.marks, words=words)


def warm(
    dataset: Dataset, recipe: Recipe, sample_seconds: float, progress: Callable[[int, int], None]
) -> list[Finding]:
    """Tokenise all texts once; see `Task.warm`."""
    if recipe.model.name != LINEAR:
        tokenizer = tokenizer_of(recipe, dataset.schema.facts)
        encoded(dataset, tokenizer, cache_folder() / "tokens", progress)
    return []


def remember(recipe: Recipe, schema: Schema) -> dict[str, Any]:
    """Facts that a stored model needs: scale of a number, typical length, and of a pretrained one what it is."""
    kept = ("target_mean", "target_std", "class_counts", "inputs", "east", "n", *_WORDS)
    facts = {name: schema.facts[name] for name in kept if name in schema.facts}
    if not is_pretrained(recipe):
        return facts
    if "tokenizer" in schema.facts:
        return facts | {name: schema.facts[name] for name in ("tokenizer", "config")}
    source = source_of(recipe)
    return facts | {"tokenizer": hub_text.tokenizer_files(source.folder), "config": dict(source.config)}


def _check_vocabulary(tokens: Encoded, recipe: Recipe, facts: Mapping[str, Any]) -> None:
    """Raises: RecipeError if the tokenizer gives numbers that the model has no vector for."""
    if not is_pretrained(recipe):
        return
    config = facts.get("config") or source_of(recipe).config
    known, largest = config.get("vocab_size"), int(tokens.ids.max(initial=0))
    if isinstance(known, int) and largest >= known:
        raise RecipeError(
            "this tokenizer is not the model's own: it gives numbers that the model has no vector for",
            got=f"token number {largest}",
            allowed=f"below {known}, the vocab_size of config.json",
            do="copy the tokenizer's files from where the weights come from",
            where="model.weights",
        )


def _tokens(dataset: Dataset, tokenizer: Tokenizer, recipe: Recipe) -> Encoded:
    """Kept tokens; those of texts that are seen once (predict, evaluate) are not kept."""
    if recipe.engine.loader == "stream":
        return encode_all(dataset, tokenizer)
    return encoded(dataset, tokenizer, cache_folder() / "tokens")
