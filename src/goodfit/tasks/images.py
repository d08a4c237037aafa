"""What all picture tasks share: loaders, learners, costs, answers; one task adds its metric and its kind of target."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..augment.images import ImagePreparer, test_time_views
from ..augment.options import ImageAugment
from ..core import randomness
from ..core.errors import CheckpointError
from ..core.finding import Finding
from ..core.recipe import Recipe, build
from ..core.samples import Dataset, Schema, TargetKind
from ..core.task import Loader, Metric, Rung, Task
from ..data.cache import build_cache, would_fit
from ..data.decoded import DecodedCache
from ..data.images import open_image
from ..data.loader import CachedLoader, StreamLoader, decode_rate, workers_needed
from ..data.preprocess import CENTRE, Preprocess, planned_short_side
from ..engine.cachefolder import cache_folder
from ..engine.engine import Engine
from ..models.profile import memory as training_memory
from ..models.profile import profile
from ..models.small import SMALL, SmallNet
from ..models.vision import build as build_vision
from ..models.vision import head_of
from ..models.weights import inspect_weights
from ..stats.calibration import fit_temperature
from ..train.learners import TorchLearner
from ..train.losses import make_loss
from ..train.optim import roles_of
from .image_plan import Counts, is_pretrained, is_thumbnail, settle_images

WHITEN = 5000  # pictures whose patches set the stem
EVALUATE_BATCH = 500
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # torchvision's reference weights
MIRROR_SHARE = 0.85  # share of accuracy that must survive mirroring for flips to count as label-safe


def image_task(name: str, kind: TargetKind, metric: Metric, metrics: Mapping[str, Metric]) -> Task:
    """A picture task.

    Args:
        name: name in TASKS.
        kind: what the target is.
        metric: leading metric.
        metrics: all of them.
    """
    return Task(
        name=name,
        metric=metric.name,
        metrics=metrics,
        augment_options=ImageAugment,
        settle=settle_images,
        ladder=ladder,
        warm=warm,
        loader=loader,
        learner=partial(learner, metric),
        trial=partial(trial, metric),
        rebuild=partial(rebuild, metric),
        probs=partial(probs, kind),
        answer=partial(answer, kind),
        open_sample=open_image,
        show=show,
        remember=remember,
        label_safe=label_safe if kind != "number" else None,
        cost=partial(cost, metric),
        memory=partial(memory, metric),
        temperature=fit_temperature if kind != "number" else None,
    )


# ladder ------------------------------------------------------------------------------------------------------------


def ladder(recipe: Recipe, schema: Schema, counts: Counts) -> tuple[Rung, ...]:
    """Rungs from small to large; with pretrained weights first the head alone, then the whole net."""
    if is_pretrained(recipe):
        whole = {"train.freeze": 0.3, "train.backbone_lr": 0.1}
        head = {"train.freeze": 0.999, "train.epochs": 12.0, "train.lr": 3e-3, "train.label_smoothing": 0.05}
        return (_rung("head", "pretrained", head, "rung.head"), _rung("whole", "pretrained", whole, "rung.whole"))
    if recipe.model.name != "auto":
        return (_rung(recipe.model.name, "named", {}, "rung.named"),)
    names = tuple(SMALL) if is_thumbnail(schema) else tuple(SMALL)[1:]
    if counts["train"] < 2000:
        names = names[:3]  # a small data set starts with a light model, and cannot feed a wide one
    return tuple(_rung(n, "resnet", {"model.name": n}, "rung.small") for n in names)


def _rung(name: str, family: str, changes: Mapping[str, Any], why: str) -> Rung:
    return Rung(name=name, family=family, apply=partial(_change, changes), why=why)


def _change(changes: Mapping[str, Any], recipe: Recipe) -> Recipe:
    for key, value in changes.items():
        if key == "model.name" or recipe.get(key) in ("auto", Recipe().get(key)):
            recipe = recipe.with_(key, value)
    return recipe


# data --------------------------------------------------------------------------------------------------------------


def preprocess(recipe: Recipe, schema: Schema) -> Preprocess:
    """How a picture becomes an input when nothing is left to chance."""
    size = int(recipe.model.size)
    crop = 1.0 if is_thumbnail(schema) else CENTRE
    side = planned_short_side(size, crop, int(schema.facts["height"]), int(schema.facts["width"]))
    mean, std = _normalisation(recipe, schema)
    return Preprocess(size=size, crop=crop, short_side=side, mean=mean, std=std)


def _normalisation(recipe: Recipe, schema: Schema) -> tuple[Any, Any]:
    """Mean and std of a stored model, else of the weights file, else the middle of the range."""
    if "mean" in schema.facts:
        return tuple(schema.facts["mean"]), tuple(schema.facts["std"])
    if recipe.model.weights is not None:
        known = inspect_weights(recipe.model.weights)
        return known.mean or IMAGENET_MEAN, known.std or IMAGENET_STD
    return (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


def loader(dataset: Dataset, positions: np.ndarray, recipe: Recipe, engine: Engine, training: bool) -> Loader:
    """Batches of some samples, from the decoded cache where it fits, else from the files."""
    plain = preprocess(recipe, dataset.schema)
    options = ImageAugment(**recipe.augment)
    prepare = ImagePreparer(
        options=options,
        plain=plain,
        seed=recipe.seed,
        classes=len(dataset.schema.classes),
        device=engine.device,
        dtype=engine.dtype if engine.precision == "bf16" else torch.float32,
        layout="channels_last" if engine.layout == "channels_last" else "contiguous",
    )
    batch = int(recipe.train.batch_size)
    shared: dict[str, Any] = {
        "batch_size": batch if training else max(1, min(EVALUATE_BATCH, batch * 4)),
        "seed": recipe.seed,
        "training": training,
        "prepare": prepare,
    }
    cache = _decoded(dataset, plain, recipe)
    if cache is not None:
        return CachedLoader(cache, dataset.index.target, positions, **shared)
    workers = recipe.engine.workers
    if workers == "auto":
        rate = decode_rate(dataset, positions, plain.short_side)
        workers = workers_needed(rate, rate, engine.threads, engine.device == "cpu")
    return StreamLoader(dataset, positions, short_side=plain.short_side, workers=workers, **shared)


_CACHES: dict[tuple[str, int | None], DecodedCache] = {}  # of this process, by data and stored side


def warm(dataset: Dataset, recipe: Recipe, progress: Callable[[int, int], None]) -> list[Finding]:
    """Decode the whole data set once, as far as it fits.

    Args:
        dataset: the samples.
        recipe: resolved.
        progress: called with (pictures done, pictures in all).
    Returns: a Finding where it does not fit and is streamed, and one where files could not be decoded.
    """
    plain = preprocess(recipe, dataset.schema)
    if recipe.engine.loader == "stream" or (dataset.fingerprint, plain.short_side) in _CACHES:
        return []
    folder = cache_folder() / "decoded"
    cap = None if recipe.engine.cache_mb == "auto" else float(recipe.engine.cache_mb)
    everything = np.arange(len(dataset))
    room = would_fit(dataset, everything, plain.short_side, folder, cap)
    if recipe.engine.loader == "auto" and not room.fits:
        numbers = {"expected_mb": room.expected_mb, "cap_mb": room.cap_mb}
        return [Finding(code="GF-P005", severity="warning", numbers=numbers)]
    cache = build_cache(dataset, everything, plain.short_side, folder, cap, progress=progress)
    _CACHES[(dataset.fingerprint, plain.short_side)] = cache
    if not cache.failed:
        return []
    names = tuple(str(dataset.index.id[p]) for p in cache.failed)
    return [Finding(code="GF-P006", severity="warning", numbers={"n": len(names)}, ids=names)]


def _decoded(dataset: Dataset, plain: Preprocess, recipe: Recipe) -> DecodedCache | None:
    """The decoded cache that `warm` made, if it made one."""
    return None if recipe.engine.loader == "stream" else _CACHES.get((dataset.fingerprint, plain.short_side))


# learner -----------------------------------------------------------------------------------------------------------


def learner(metric: Metric, recipe: Recipe, schema: Schema, engine: Engine, examples: Loader | None) -> TorchLearner:
    """A learner that is ready to fit.

    Args:
        metric: leading metric, scored on training batches too where it has per-sample values.
        recipe: resolved.
        schema: of the data.
        engine: where to compute.
        examples: training samples without augmentation, for the whitened stem; None where weights follow anyway.
    """
    torch.manual_seed(randomness.key(recipe.seed, 0x1417))
    net, family = build_net(recipe, schema)
    inner = net.net if isinstance(net, _Scaled) else net
    if isinstance(inner, SmallNet) and examples is not None:
        inner.whiten(_some(examples))
    options = ImageAugment(**recipe.augment)
    views = None if options.test_time in ("none", "auto") else partial(_views, how=options.test_time)
    head = None if isinstance(inner, SmallNet) else head_of(inner)
    return TorchLearner(
        net=net,
        family=family,
        loss=_loss(recipe, schema),
        score=partial(_batch_score, schema.target_kind),
        engine=engine,
        train=recipe.train,
        seed=recipe.seed,
        size=int(recipe.model.size),
        views=views,
        roles=None if head is None else roles_of(net, head),
        checkpoint_seconds=recipe.engine.checkpoint_seconds,
    )


def build_net(recipe: Recipe, schema: Schema) -> tuple[nn.Module, str]:
    """The network of a resolved recipe, and its family."""
    model = recipe.model
    number = lambda value: None if value == "auto" else int(value)  # noqa: E731
    built = build_vision(
        model.name,
        1 if schema.target_kind == "number" else len(schema.classes),
        model.weights,
        model.dropout,
        model.drop_path,
        size=number(model.size),
        width=number(model.width),
        depth=number(model.depth),
    )
    if schema.target_kind == "number":
        form = _ScaledSmall if isinstance(built.net, SmallNet) else _Scaled
        return form(built.net, float(schema.facts["target_mean"]), float(schema.facts["target_std"])), built.family
    return built.net, built.family


class _Scaled(nn.Module):
    """A network whose output is in the target's own units."""

    def __init__(self, net: nn.Module, mean: float, std: float) -> None:
        super().__init__()
        self.net, self.mean, self.std = net, mean, std

    def forward(self, x: Tensor) -> Tensor:
        """(B, ...) -> (B, 1)."""
        return torch.as_tensor(self.net(x).float() * self.std + self.mean)


class _ScaledSmall(_Scaled):
    """One of our own nets so scaled: it names its roles, and so trains as our own nets do."""

    def roles(self) -> dict[str, list[nn.Parameter]]:
        """Those of the net inside."""
        assert isinstance(self.net, SmallNet)
        return self.net.roles()


def _loss(recipe: Recipe, schema: Schema) -> Callable[[Tensor, Tensor], Tensor]:
    loss = make_loss(recipe.train)
    if schema.target_kind != "number":
        return loss
    mean, std = float(schema.facts["target_mean"]), float(schema.facts["target_std"])
    return lambda outputs, target: loss((outputs - mean) / std, (target - mean) / std)


def _batch_score(kind: TargetKind, outputs: Tensor, target: Tensor) -> Tensor:
    """(B,) per-sample score of a training batch: right or wrong; shares of right labels; absolute error."""
    if kind == "number":
        return (outputs[:, 0] - target).abs()
    if kind == "multilabel":
        return ((outputs > 0) == (target > 0.5)).float().mean(1)
    hard = target.argmax(1) if target.ndim == 2 else target
    return (outputs.argmax(1) == hard).float()


def _views(inputs: Tensor, how: Any) -> tuple[list[Tensor], list[float]]:
    pairs = test_time_views(inputs, how)
    return [view for view, _ in pairs], [weight for _, weight in pairs]


def _some(examples: Loader) -> Tensor:
    taken, count = [], 0
    for batch in examples.epoch(0):
        taken.append(batch.inputs.float().cpu())
        count += len(batch.positions)
        if count >= WHITEN:
            break
    return torch.cat(taken)[:WHITEN]


def trial(metric: Metric, recipe: Recipe, schema: Schema, samples: int) -> Callable[[Engine], Callable[[], float]]:
    """For the probe: engine -> a function that takes one training step on made-up samples and returns the loss."""

    def make_step(engine: Engine) -> Callable[[], float]:
        fitted = learner(metric, recipe, schema, engine, None)
        side = int(recipe.model.size)
        torch.manual_seed(0)
        dtype = engine.dtype if engine.precision == "bf16" else torch.float32
        inputs = engine.tensor(torch.randn(samples, 3, side, side).to(dtype))
        return fitted.trial(inputs, engine.tensor(_made_up_target(schema, samples)))

    return make_step


def _made_up_target(schema: Schema, samples: int) -> Tensor:
    if schema.target_kind == "class":
        return torch.arange(samples) % len(schema.classes)
    if schema.target_kind == "multilabel":
        return (torch.rand(samples, len(schema.classes)) < 0.3).float()
    return torch.randn(samples) * float(schema.facts["target_std"]) + float(schema.facts["target_mean"])


def rebuild(metric: Metric, tree: Mapping[str, Any], engine: Engine) -> tuple[TorchLearner, Recipe, Schema]:
    """Learner (weights still to be loaded), recipe and schema of a stored model."""
    try:
        recipe = build(tree["recipe"])
        stored = dict(tree["schema_of_data"])
        schema = Schema(**{**stored, "classes": tuple(stored["classes"])})
    except (KeyError, TypeError) as error:
        raise CheckpointError("this model.json is incomplete", got=error, do="train again") from None
    bare = recipe.model_copy(update={"model": recipe.model.model_copy(update={"weights": None})})
    return learner(metric, bare, schema, engine, None), recipe, schema


# costs, answers, pictures ------------------------------------------------------------------------------------------


def cost(metric: Metric, recipe: Recipe, schema: Schema, engine: Engine) -> Mapping[str, float]:
    """parameters, macs, size_bytes, latency_ms (test-time views counted) and memory_mb of training."""
    fitted = learner(metric, recipe, schema, engine, None)
    side = int(recipe.model.size)
    example = torch.zeros(1, 3, side, side)
    found = profile(fitted.net, example, engine, batch=int(recipe.train.batch_size))
    views = {"flip": 2, "flip_shift": 6}.get(str(ImageAugment(**recipe.augment).test_time), 1)
    return {
        "parameters": found.parameters,
        "macs": found.macs * views,
        "size_bytes": found.size_bytes,
        "latency_ms": found.latency_ms * views,
        "memory_mb": found.memory_mb,
    }


def memory(metric: Metric, recipe: Recipe, schema: Schema, engine: Engine) -> Callable[[int], float]:
    """Samples a step -> predicted training memory in MB."""
    fitted = learner(metric, recipe, schema, engine, None)
    side = int(recipe.model.size)
    example = engine.tensor(torch.zeros(1, 3, side, side))
    one, two = (training_memory(fitted.net, example, engine, n, str(recipe.train.optimizer)) for n in (1, 2))
    return lambda samples: one + (two - one) * (samples - 1)


def remember(recipe: Recipe, schema: Schema) -> dict[str, Any]:
    """The schema's facts with mean and std of the input."""
    mean, std = _normalisation(recipe, schema)
    return {**schema.facts, "mean": list(mean), "std": list(std)}


def probs(kind: TargetKind, outputs: np.ndarray, temperature: float) -> np.ndarray:
    """(N, K) calibrated probabilities; numbers come back as they are."""
    if kind == "number":
        return outputs.astype(np.float64)
    scaled = outputs.astype(np.float64) / temperature
    if kind == "multilabel":
        return np.asarray(0.5 + 0.5 * np.tanh(scaled / 2))  # the logistic function, without overflow
    e = np.exp(scaled - scaled.max(1, keepdims=True))
    return np.asarray(e / e.sum(1, keepdims=True))


def answer(kind: TargetKind, row: np.ndarray, classes: tuple[str, ...]) -> dict[str, Any]:
    """What `predict` says of one picture."""
    if kind == "number":
        return {"value": float(row[0])}
    if kind == "multilabel":
        said = [i for i in np.argsort(-row) if row[i] > 0.5]
        return {
            "labels": [classes[i] for i in said],
            "probabilities": {c: float(p) for c, p in zip(classes, row, strict=True)},
        }
    top = np.argsort(-row)[:5]
    return {
        "label": classes[int(top[0])],
        "probability": float(row[top[0]]),
        "top": [{"label": classes[int(i)], "probability": float(row[i])} for i in top],
    }


def show(sample: np.ndarray, side: int = 96) -> dict[str, str]:
    """A sample as the report shows it: a small PNG, base64."""
    from PIL import Image

    image = Image.fromarray(sample)
    image.thumbnail((side, side))
    if max(image.size) < 32:
        image = image.resize((image.width * 4, image.height * 4), Image.Resampling.NEAREST)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return {"png": base64.b64encode(file.getvalue()).decode("ascii")}


def label_safe(learner: TorchLearner, loader: Loader, target: np.ndarray) -> tuple[dict[str, Any], dict[str, float]]:
    """Whether mirroring keeps labels: judged by a net that never saw a mirrored picture.

    Args:
        learner: trained without flips.
        loader: select, plain.
        target: (N,) class index or (N, K) multilabel, in the loader's order.
    Returns: changes under `augment.`, and the numbers behind them.
    """
    share = {}
    for view, views in (("plain", lambda x: ([x], [1.0])), ("mirrored", lambda x: ([x.flip(-1)], [1.0]))):
        outputs = learner.predict(loader, views)
        right = outputs.argmax(1) == target if target.ndim == 1 else (outputs > 0) == (target > 0)
        share[view] = float(right.mean())
    safe = share["mirrored"] >= MIRROR_SHARE * share["plain"]
    numbers = {**share, "share": MIRROR_SHARE}
    return ({"flip": True} if safe else {"flip": False, "test_time": "none"}), numbers
