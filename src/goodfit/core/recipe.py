"""The recipe: all that decides a run, as one frozen value with typed sections; `auto` is for the plan to resolve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from .errors import RecipeError, did_you_mean

Auto = Literal["auto"]
Rebalance = Literal[
    "none",
    "weights",  # of the loss, by inverse share
    "effective",  # of the loss, by effective number of samples; Cui et al. 2019
    "oversample",  # classes drawn equally often, the rare ones repeated
    "interpolate",  # the same, repeats blended with another sample of their class; Chawla et al. 2002
    "undersample",  # of each class only as many samples as the rarest has
    "sampler",  # each class equally often in every batch
    "logit_adjustment",  # log share added to the logits in the loss; Menon et al. 2021
    "posthoc",  # log share taken off the logits at prediction; Menon et al. 2021
]
Scalar = str | int | float | bool | None
SCHEMA_VERSION: Final = 1

Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Names = Annotated[tuple[str, ...], BeforeValidator(lambda v: v.split(",") if isinstance(v, str) else v)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A frozen group of keys; an unknown key is an error with the nearest name."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class DataSection(Section):
    path: str = ""  # folder, file, archive, or a built-in name such as `digits`
    format: str = "auto"  # name in READERS; auto = recognised and printed
    target: str = "auto"  # column of the target; auto = guessed, an error if ambiguous
    input: str = "auto"  # column of the samples: paths of pictures, or texts; auto = guessed
    group: str | None = None  # column whose equal values must not be split apart (person, patient, video)
    time: str | None = None  # column of a date or number; val and test are then the latest rows
    annotator: str | None = None  # column of who gave a label, where samples have several; None = guessed
    ignore: Names = ()  # columns of a table that are left out, joined by commas: those that tell the target
    query: str | None = None  # SQLite: the select whose rows are the samples; None = the only table
    test: str | None = None  # file or folder that is the test set; None = as the layout gives it, else drawn
    negatives: NonNegative | Literal["auto", "all"] = "all"  # samples of nothing a positive in train; auto = at most 3
    background: str | None = None  # class that stands for nothing; None = the one called background, none, ...
    limit: Positive | None = None  # use at most so many training samples, stratified; None = all


class SplitSection(Section):
    val: float | Auto = "auto"  # share of the training samples held out as val; auto by data volume
    test: float | Auto = "auto"  # share of all samples drawn as test where none is given; auto by data volume
    confirm: Annotated[float, Field(gt=0, lt=1)] = 0.5  # share of val that chooses nothing and proves what helped


class SceneSection(Section):
    """What can happen to the things in the pictures, in plain words; auto = found out from the data."""

    mirrors: bool | Auto = "auto"  # may a thing appear with left and right swapped and still be the same
    upside_down: bool | Auto = "auto"  # may it appear upside down
    rotates: bool | Auto = "auto"  # may it be turned by any angle: seen from above, under a microscope, on a belt
    tilts: bool | Auto = "auto"  # may the camera be held a little askew
    size_matters: bool | Auto = "auto"  # does the size in the picture decide what it is
    colour_matters: bool | Auto = "auto"  # does the colour decide what it is
    outdoor: bool | Auto = "auto"  # does the light change: outdoors, day and night, several lamps


class ModelSection(Section):
    name: str = "auto"  # rung or architecture, for example small_m, torchvision/resnet18, timm/vit_tiny_patch16_224
    weights: str | None = None  # safetensors file, folder with config.json, or `hub:owner/name@commit`; None = scratch
    size: Positive | Auto = "auto"  # side of the input in samples of its own kind (image: pixels)
    width: Positive | Auto = "auto"  # width of the widest layer where the family is scalable
    depth: Positive | Auto = "auto"  # layers or blocks a stage where the family is scalable
    dropout: Share | Auto = "auto"  # of features dropped before the head; auto = the family's; Srivastava et al. 2014
    drop_path: Share = 0.0  # stochastic depth of the last block, growing linearly from 0; Huang et al. 2016

    @property
    def dropped(self) -> float:
        """The share of features dropped; 0 while it is still to be planned."""
        return 0.0 if self.dropout == "auto" else self.dropout


class TrainSection(Section):
    epochs: Annotated[float, Field(gt=0)] | Auto = "auto"  # passes over train; parts of one are allowed
    batch_size: Positive | Auto = "auto"  # samples a step
    accumulate: Positive = 1  # micro-batches summed into one step
    optimizer: Literal["auto", "sgd", "adam", "adamw", "rmsprop", "muon", "lbfgs"] = "auto"  # auto = the family's
    lr: Rate | Auto = "auto"  # peak learning rate; muon: of the kernels alone; auto = default or range test
    momentum: Share | Auto = "auto"  # SGD, RMSprop and Muon; beta1 of Adam
    nesterov: bool = True  # SGD only
    weight_decay: NonNegative | Auto = "auto"  # decoupled for adamw and muon, L2 for the others
    l1: NonNegative = 0.0  # weight of the sum of absolute weights (kernels only)
    loss: Literal["auto", "ce", "focal", "bce", "mse", "mae", "huber", "quantile"] = "auto"  # auto = the target's
    focal_gamma: NonNegative = 2.0  # of the focal loss: larger = more weight on hard samples; Lin et al. 2017
    huber_delta: Rate = 1.0  # residual at which squared turns into absolute, in the target's standard deviations
    quantile: Annotated[float, Field(gt=0, lt=1)] = 0.5  # that the quantile loss estimates; Koenker and Bassett 1978
    rebalance: Rebalance | Auto = "auto"  # cure for uneven classes; auto = none, or by rule where they are very uneven
    rebalance_strength: NonNegative = 1.0  # 0 = no effect, 1 = as the rule says; exponent of weights, tau of logits
    label_smoothing: Share | Auto = "auto"  # uniform mass mixed into the target; Szegedy et al. 2016
    schedule: Literal["auto", "constant", "cosine", "linear", "step", "one_cycle", "plateau"] = "auto"  # of lr
    warmup: Share | Auto = "auto"  # share of all steps over which lr rises from 0
    step_gamma: Share = 0.1  # `step` and `plateau`: factor on lr at each drop
    drops: tuple[Share, ...] = ()  # `plateau`: shares of all steps at which lr drops anyway; a refit's are its winner's
    clip: Rate | None = None  # largest gradient norm; None = no clipping
    ema: Share = 0.0  # decay a step of the weight average; 0 = none
    patience: Positive | Auto = "auto"  # epochs without a better select score before stopping
    sizes: tuple[tuple[Share, Positive], ...] = ()  # growing inputs: from this share on, this side; Howard 2018
    freeze: Share | Auto = "auto"  # share of all steps during which only the head learns; auto = 0, or the rung's
    unfreeze: Share | Auto = "auto"  # share of steps over which layers below the head thaw, top first; Howard 2018
    layer_decay: Annotated[float, Field(gt=0, le=1)] | Auto = "auto"  # factor on lr a layer downwards; Howard 2018
    backbone_lr: Annotated[float, Field(gt=0, le=1)] | Auto = "auto"  # factor on lr below head; auto = 1, or the rung's
    wrong_labels: Literal["keep", "leave_out", "relabel"] = "keep"  # training labels that small models contradict
    refit: bool | Auto | Literal["warm"] = "auto"  # on train + val: true = anew, warm = briefly on; auto = fit decides
    range_test: bool | Auto = "auto"  # find lr by a rising sweep first, Smith 2017; auto = where no default is known


class EngineSection(Section):
    device: str = "auto"  # cpu, cuda, cuda:1, mps; auto = the best there is
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"  # auto = by probe
    layout: Literal["auto", "channels_last", "contiguous"] = "auto"  # auto = by probe
    threads: Positive | Auto = "auto"  # compute threads; auto = by probe, all cores or one
    workers: Annotated[int, Field(ge=0)] | Auto = "auto"  # decoding processes of the streaming loader
    loader: Literal["auto", "cached", "stream"] = "auto"  # auto = cached when it fits
    cache_mb: Positive | Auto = "auto"  # largest decoded cache on disk
    allocator: bool = True  # keep freed memory in the heap (Linux, CPU); see engine/allocator
    compile: bool = False  # torch.compile; no gain measured on short CPU runs
    checkpoint_seconds: Annotated[float, Field(gt=0, le=60)] = 60.0  # longest time between checkpoints


class TargetSection(Section):
    latency_ms: Rate | None = None  # largest time for one sample on this machine
    size_mb: Rate | None = None  # largest model file
    memory_mb: Rate | None = None  # largest memory while training


class TrackSection(Section):
    tensorboard: bool = False  # also write TensorBoard events into the run folder
    mlflow: bool = False  # also log to MLflow (its own environment variables say where)


class Recipe(Section):
    """All that decides a run.

    `augment` belongs to the task: its keys are checked by the task's own typed model, so this file knows none of them.
    """

    version: Literal[1] = SCHEMA_VERSION  # of this form of recipe
    task: str = "auto"  # name in TASKS; auto = as the data suggest
    metric: str = "auto"  # leading metric; auto = the task's
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0  # of every random draw
    data: DataSection = DataSection()
    split: SplitSection = SplitSection()
    scene: SceneSection = SceneSection()
    augment: Mapping[str, Any] = Field(default_factory=dict)
    model: ModelSection = ModelSection()
    train: TrainSection = TrainSection()
    engine: EngineSection = EngineSection()
    target: TargetSection = TargetSection()
    track: TrackSection = TrackSection()

    def with_(self, key: str, value: object) -> Recipe:
        """A copy with one key changed, checked again.

        Args:
            key: dotted, for example "train.lr".
            value: anything that the key accepts.
        Raises: RecipeError for an unknown key or an impossible value.
        """
        tree = self.model_dump(mode="python")
        _place(tree, key, value)
        return build(tree)

    def get(self, key: str) -> Any:
        """The value at a dotted key. Raises RecipeError for an unknown key."""
        here: Any = self
        for name in key.split("."):
            here = here.get(name) if isinstance(here, Mapping) else getattr(here, name, _MISSING)
            if here is _MISSING:
                raise _unknown(key)
        return here

    def diff(self, other: Recipe) -> dict[str, tuple[Any, Any]]:
        """Keys whose values differ: key -> (mine, other's)."""
        mine, theirs = flatten(self), flatten(other)
        return {
            k: (mine.get(k), theirs.get(k)) for k in sorted(mine.keys() | theirs.keys()) if mine.get(k) != theirs.get(k)
        }


_MISSING = object()


def build(tree: Mapping[str, Any]) -> Recipe:
    """A recipe from nested plain values (as YAML gives them).

    Raises: RecipeError naming the key, the value and what is allowed.
    """
    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        raise _explain(error) from None


def build_part(name: str, model: type[Section], values: Mapping[str, Any]) -> Section:
    """A task's own section, for example `augment`, from its keys.

    Args:
        name: of the section, for the message.
        model: that the task declares.
        values: key -> value.
    Raises: RecipeError naming the key, the value and what is allowed.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise _explain(error, name, tuple(f"{name}.{key}" for key in model.model_fields)) from None


def flatten(recipe: Recipe) -> dict[str, Any]:
    """Dotted key -> value, in the order of the sections."""
    flat: dict[str, Any] = {}
    for name, value in recipe.model_dump(mode="json").items():
        if isinstance(value, dict):
            flat.update({f"{name}.{k}": v for k, v in value.items()})
        else:
            flat[name] = value
    return flat


def known_keys() -> tuple[str, ...]:
    """Every dotted key of core; keys under `augment.` belong to the task."""
    keys: list[str] = []
    for name, info in Recipe.model_fields.items():
        section = info.annotation
        if isinstance(section, type) and issubclass(section, Section):
            keys += [f"{name}.{key}" for key in section.model_fields]
        elif name != "augment":
            keys.append(name)
    return tuple(keys)


def _place(tree: dict[str, Any], key: str, value: object) -> None:
    section, _, name = key.partition(".")
    if section == "augment" and name:
        tree["augment"] = {**tree["augment"], name: value}
    elif key not in known_keys():
        raise _unknown(key)
    elif name:
        tree[section][name] = value
    else:
        tree[section] = value


def _unknown(key: str, known: Iterable[str] = ()) -> RecipeError:
    names = tuple(known) or known_keys()
    section = key.partition(".")[0]
    nearby = [k for k in names if k.startswith(section + ".")] or list(names)
    tails = {k.partition(".")[2]: k for k in names}
    guess = did_you_mean(key, names)
    if not guess and (tail := did_you_mean(key, tails)):
        guess = f"Did you mean '{tails[tail.split(chr(39))[1]]}'?"
    return RecipeError(
        f"no recipe key named '{key}'", allowed=", ".join(nearby), do=guess or "see `goodfit plan DATA` for every key"
    )


def _explain(error: ValidationError, section: str = "", known: tuple[str, ...] = ()) -> RecipeError:
    first = error.errors()[0]
    inside = [section] if section else []
    path = [*inside, *(str(p) for p in first["loc"])]
    keys = known or known_keys()
    depth = max((n for n in range(1, len(path) + 1) if ".".join(path[:n]) in keys), default=len(path))
    key = ".".join(path[:depth])
    if first["type"] == "extra_forbidden":
        return _unknown(key, known)
    allowed = "; ".join(
        dict.fromkeys(
            e["msg"].replace("Input should be ", "")
            for e in error.errors()
            if [*inside, *(str(p) for p in e["loc"])][:depth] == path[:depth]
        )
    )
    return RecipeError(
        "this value is not possible", got=repr(first["input"]), allowed=allowed, do="change it", where=key
    )
