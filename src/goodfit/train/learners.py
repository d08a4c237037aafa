"""The learner that trains a torch network: net, loss, optimiser, schedule and average bound together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..core import randomness
from ..core.errors import CheckpointError
from ..core.recipe import TrainSection
from ..core.task import Batch, Loader, Record, State
from . import schedule
from .average import Average
from .loop import Loop, Position, plan_course
from .losses import Loss
from .optim import Optimizers, Roles, build_optimizer, depth_of, number, roles_of
from .step import ScoreFunction, Step, Tally

Views = Callable[[Any], tuple[Sequence[Any], Sequence[float]]]
Decode = Callable[[Tensor, Any], Tensor]
STATE_VERSION = 1
_STREAM_STEP = 0x57E9  # keeps the step's random numbers apart from the loader's


class TorchLearner:
    """Trains one network as a resolved train section says, and predicts with it.

    Args:
        net: the network; takes a batch's inputs, gives (B, K) outputs.
        family: family of the architecture.
        loss: (outputs, target) -> (B,).
        score: (outputs, target) -> (B,), the leading metric on training batches; None = not scored.
        engine: engine.engine.Engine: gives place, autocast, precision, distribute, reduce and world.
        train: resolved: no value is `auto`.
        seed: the recipe's seed.
        size: planned input side, 0 where it has no meaning.
        views: inputs -> (views, weights) averaged at prediction; None = the inputs alone.
        decode: (outputs (B, ...), inputs) -> answers (B, ...), what `predict` gives; None = the outputs themselves.
        roles: kernels, offsets, stem_bias, head -> parameters; None = the net's own, else by shape.
        checkpoint_seconds: longest time between interval records.
        interval: steps between interval records; None = measured at the start and kept in the state.
    """

    def __init__(
        self,
        *,
        net: nn.Module,
        family: str,
        loss: Loss,
        score: ScoreFunction | None,
        engine: Any,
        train: TrainSection,
        seed: int,
        size: int,
        views: Views | None = None,
        decode: Decode | None = None,
        roles: Roles | None = None,
        checkpoint_seconds: float = 60.0,
        interval: float | None = None,
    ) -> None:
        self.family, self.engine, self.train = family, engine, train
        self._own = callable(getattr(net, "roles", None))
        self.net: nn.Module = engine.place(net)
        self._roles = roles if roles is not None else roles_of(self.net)
        self._loss, self._score, self._views, self._decode = loss, score, views, decode
        self._seed, self._size, self._checkpoint_seconds = seed, size, checkpoint_seconds
        self._names = {p: name for name, p in self.net.named_parameters()}
        self._learnable = [p for p in self.net.parameters() if p.requires_grad]
        self._tally = Tally(next(self.net.parameters()).device, scored=score is not None)
        self._average = Average(self.net, train.ema) if train.ema else None
        self._optimizer: Optimizers | None = None
        self._scaler = torch.amp.GradScaler(self._device.type) if engine.precision == "fp16" else None
        self._phase: tuple[int, bool] | None = None
        self._select_losses: list[float | None] = []
        self.position = Position(interval=interval)

    @property
    def _device(self) -> torch.device:
        return self._tally.sums.device

    @property
    def steps_taken(self) -> int:
        """Optimiser steps taken so far."""
        return self.position.step

    # training ------------------------------------------------------------------------------------------------------

    def fit(
        self,
        loader: Loader,
        evaluate: Callable[[], Mapping[str, float]],
        resume: State | None,
        should_stop: Callable[[], bool],
    ) -> Iterator[Record]:
        """Train; see `core.task.Learner.fit`.

        Raises: CheckpointError if `resume` is of another model.
        """
        optimizer = self._start(loader, resume)
        course = plan_course(
            loader,
            number(self.train.epochs, "train.epochs"),
            self.train.accumulate * loader.parts,
            side=self._side,
            size=self._size,
            checkpoint_seconds=self._checkpoint_seconds,
        )
        yield from Loop(
            loader=loader,
            course=course,
            at=self.position,
            step=self._step(optimizer, course.accumulate),
            before_step=lambda step: self._before_step(optimizer, step, course.steps),
            after_step=self._after_step,
            evaluate=lambda: self._evaluated(evaluate),
            should_stop=self._agreed(should_stop),
            reduce=self.engine.reduce,
        ).run()

    def _start(self, loader: Loader, resume: State | None) -> Optimizers:
        accumulate = min(self.train.accumulate * loader.parts, max(1, loader.steps_per_epoch))
        self._optimizer = self._build(self.train, loader.batch_size * accumulate)
        self._tally.reset()
        self._select_losses = []
        self.position = Position(interval=self.position.interval)
        if resume is not None:
            self.restore(resume)
        self._phase = None
        return self._optimizer

    def _build(self, train: TrainSection, batch_size: int) -> Optimizers:
        dtype = torch.bfloat16 if self.engine.precision == "bf16" else torch.float32
        return build_optimizer(self._roles, train, batch_size=batch_size, own=self._own, fast_dtype=dtype)

    def _step(self, optimizer: Optimizers, accumulate: int) -> Step:
        return Step(
            forward=self.engine.distribute(self.net),
            params=self._learnable,
            kernels=self._roles["kernels"],
            loss=self._loss,
            score=self._score,
            optimizer=optimizer,
            autocast=self.engine.autocast,
            tally=self._tally,
            accumulate=accumulate,
            clip=self.train.clip,
            l1=self.train.l1,
            scaler=self._scaler,
        )

    def _before_step(self, optimizer: Optimizers, step: int, steps: int) -> float:
        """Set phase, rates and the random numbers of dropout for this step; returns lr."""
        progress = step / steps
        factor = self._factor(progress, 1 / steps)
        self._enter_phase(progress)
        optimizer.set_factor(factor, progress)
        torch.manual_seed(randomness.key(self._seed, _STREAM_STEP, step))
        return number(self.train.lr, "train.lr") * factor

    def _after_step(self) -> None:
        if self._average:
            self._average.update(self.net, self.position.step)

    def _evaluated(self, evaluate: Callable[[], Mapping[str, float]]) -> Mapping[str, float]:
        """Measure on select, and keep its loss for the plateau rule; a refit has none, and nothing stands still."""
        select = evaluate()
        if "loss" in select:
            loss = float(select["loss"])
            self._select_losses.append(loss if np.isfinite(loss) else None)
        return select

    def _agreed(self, should_stop: Callable[[], bool]) -> Callable[[], bool]:
        """All processes stop at the same step, if one of them wants to."""
        if self.engine.world == 1:
            return should_stop
        return lambda: self.engine.reduce({"stop": float(should_stop())})["stop"] > 0

    def _factor(self, progress: float, one_step: float) -> float:
        train = self.train
        warmup = number(train.warmup, "train.warmup")
        shape = schedule.factor(progress, train.schedule, warmup=warmup, gamma=train.step_gamma, one_step=one_step)
        if train.schedule != "plateau":
            return shape
        losses = [float("inf") if v is None else v for v in self._select_losses]
        patience = schedule.plateau_patience(int(number(train.patience, "train.patience")))
        planned = sum(progress >= drop for drop in train.drops)
        return shape * schedule.plateau(losses, train.step_gamma, patience, planned)

    def _enter_phase(self, progress: float) -> None:
        """Only the head learns in the frozen share, then layers thaw from the top; a stem's bias stops at 3/8."""
        thawed = self._thawed(progress)
        stem_done = progress >= schedule.STEM_SHARE
        if self._phase != (thawed, stem_done):
            self._phase = (thawed, stem_done)
            for role, params in self._roles.items():
                learns = role == "head" or depth_of(role) < thawed
                for p in params:
                    p.requires_grad_(learns and not (role == "stem_bias" and stem_done))
                    p.grad = None
            self._training_mode()

    def _thawed(self, progress: float) -> int:
        """How many layers below the head learn at this progress, counted from the top."""
        layers = 1 + max(map(depth_of, self._roles))
        frozen = 0.0 if self.train.freeze == "auto" else self.train.freeze
        span = 0.0 if self.train.unfreeze == "auto" else self.train.unfreeze
        if progress < frozen:
            return 0
        return layers if progress >= frozen + span else min(layers, 1 + int((progress - frozen) / span * layers))

    def _training_mode(self) -> None:
        self.net.train()
        if self._phase is not None and not self._phase[0]:
            for module in self.net.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()  # statistics of frozen layers stay as they came

    def _side(self, progress: float) -> int:
        """Input side at this progress: the last (progress, side) pair that has begun; 0 = the planned side."""
        begun = [side for start, side in sorted(self.train.sizes) if start <= progress]
        return begun[-1] if begun else 0

    # trials, before training -----------------------------------------------------------------------------------------

    def prober(self, batch_size: int) -> Callable[[Batch, float | None], float]:
        """A function that takes one training step at a given rate (None = the planned one) and returns its loss.

        It changes the weights: `restore` an earlier `state` afterwards.

        Args:
            batch_size: samples a step.
        """
        planned = self.train.lr
        peak = planned if isinstance(planned, float) else 1.0
        optimizer = self._build(self.train.model_copy(update={"lr": peak}), batch_size)
        step = self._step(optimizer, 1)

        def probe(batch: Batch, lr: float | None = None) -> float:
            self._training_mode()
            optimizer.set_lr(peak if lr is None else lr, peak)
            self._tally.reset()
            step([batch])
            return self._tally.means()["loss"]

        return probe

    def trial(self, inputs: Any, target: Tensor) -> Callable[[], float]:
        """A function that takes one training step on the same batch again and again and returns its loss."""
        batch = Batch(inputs=inputs, target=target, positions=np.arange(len(target)))
        probe = self.prober(len(target))
        self._enter_phase(0.5)  # what is frozen for most of the run costs nothing here either
        return lambda: probe(batch, None)

    # prediction ----------------------------------------------------------------------------------------------------

    def predict(self, loader: Loader, plain: bool = False) -> np.ndarray:
        """(N, K) float32 outputs in the loader's order, by the weight average where there is one.

        Args:
            loader: batches without augmentation.
            plain: the inputs alone, without the views that this learner averages.
        """
        return self.predict_views(loader, None if plain else self._views)

    def predict_views(self, loader: Loader, views: Views | None) -> np.ndarray:
        """As `predict`, averaged over any views: inputs -> (views, weights); None = the inputs alone."""
        net = self._average.net if self._average else self.net
        outputs = []
        with _evaluating(net), torch.inference_mode(), self.engine.autocast():
            for batch in loader.epoch(0):
                found = _averaged(net, batch.inputs, views)
                outputs.append(found if self._decode is None else self._decode(found, batch.inputs))
        return torch.cat(outputs).cpu().numpy() if outputs else np.zeros((0, 0), dtype=np.float32)

    # state ---------------------------------------------------------------------------------------------------------

    def state(self) -> State:
        """A copy of all that `fit` needs to go on bit for bit; take it while the generator waits at a record."""
        tensors: dict[str, Tensor] = {f"net/{k}": v for k, v in self.net.state_dict().items()}
        if self._average:
            tensors |= {f"average/{k}": v for k, v in self._average.net.state_dict().items()}
        if self._optimizer:
            tensors |= {f"optimizer/{k}": v for k, v in self._optimizer.tensors(self._names).items()}
        tensors["tally"] = self._tally.sums
        meta = {
            "version": STATE_VERSION,
            "family": self.family,
            "position": self.position.to_json(),
            "select_losses": list(self._select_losses),
            "scaler": self._scaler.state_dict() if self._scaler else None,
        }
        return State(tensors={k: _snapshot(v) for k, v in tensors.items()}, meta=meta)

    def weights(self) -> State:
        """The model as it should be used: the average where there is one."""
        net = self._average.net if self._average else self.net
        meta = {"version": STATE_VERSION, "family": self.family, "steps": self.position.step}
        return State(tensors={k: _snapshot(v) for k, v in net.state_dict().items()}, meta=meta)

    def load_weights(self, state: State) -> None:
        """Take over what `weights` gave.

        Raises: CheckpointError if a tensor is missing, unknown or of another shape.
        """
        load_strictly(self.net, state.tensors)
        if self._average:
            load_strictly(self._average.net, state.tensors)

    def own_costs(self) -> Mapping[str, float]:
        """None: a network's costs follow from its recipe."""
        return {}

    def restore(self, state: State) -> None:
        """Take over what `state` gave.

        Raises: CheckpointError if it is of another model or version.
        """
        if state.meta.get("version") != STATE_VERSION:
            raise CheckpointError(
                "this checkpoint is of another version",
                got=state.meta.get("version"),
                allowed=STATE_VERSION,
                do="use --new",
            )
        load_strictly(self.net, _under(state.tensors, "net/"))
        if self._average:
            load_strictly(self._average.net, _under(state.tensors, "average/"))
        if self._optimizer:
            self._optimizer.load(_under(state.tensors, "optimizer/"), self._names)
        self._tally.sums.copy_(_tensor(state.tensors["tally"]))
        self.position = Position(**state.meta["position"])
        self._select_losses = list(state.meta["select_losses"])
        if self._scaler and state.meta["scaler"]:
            self._scaler.load_state_dict(state.meta["scaler"])


@torch.no_grad()
def load_strictly(net: nn.Module, tensors: Mapping[str, Any]) -> None:
    """Copy tensors into a net in place, keeping its layout.

    Raises: CheckpointError if names or shapes differ; the net is then untouched.
    """
    own = net.state_dict()
    if own.keys() != tensors.keys():
        differ = sorted(own.keys() ^ tensors.keys())
        raise CheckpointError("these weights are of another model", got=", ".join(differ[:5]), do="use the model's own")
    for name, mine in own.items():
        if tuple(mine.shape) != tuple(tensors[name].shape):
            raise CheckpointError(
                f"weights of another shape: {name}",
                got=tuple(tensors[name].shape),
                allowed=tuple(mine.shape),
                do="use the model's own",
            )
    for name, mine in own.items():
        mine.copy_(_tensor(tensors[name]))


def _averaged(net: nn.Module, inputs: Any, views: Views | None) -> Tensor:
    """(B, K) float32: outputs averaged over the views, by their weights."""
    if views is None:
        return net(inputs).float()
    shown, weights = views(inputs)
    total = sum(net(view).float() * weight for view, weight in zip(shown, weights, strict=True))
    return total / sum(weights)


@contextlib.contextmanager
def _evaluating(net: nn.Module) -> Iterator[None]:
    """Every module in evaluation mode, and each back to its own mode afterwards."""
    modes = [(m, m.training) for m in net.modules()]
    net.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def _snapshot(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", copy=True)


def _tensor(value: Any) -> Tensor:
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value


def _under(tensors: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {k[len(prefix) :]: _tensor(v) for k, v in tensors.items() if k.startswith(prefix)}
