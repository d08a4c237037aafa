"""Other people's tools at the same work, each a few lines as its own documentation writes them; one process a call.

Sources: docs.fast.ai (Learner, fine_tune), lightning.ai/docs (LightningModule), docs.ultralytics.com (classify,
TorchVision module), pytorch.org tutorials (training loop, transfer learning).
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
WORKERS = 2
os.environ["YOLO_OFFLINE"] = "1"


def main() -> None:
    """`_rivals.py TOOL JSON`: do it and print JSON."""
    asked = json.loads(sys.argv[2])
    asked["data"] = Path(asked["data"])
    print(json.dumps(TOOLS[sys.argv[1]](**asked)))


# seconds an epoch ----------------------------------------------------------------------------------------------------


def bare_epochs(data: Path, epochs: int, batch: int) -> dict[str, Any]:
    """A plain PyTorch loop."""
    import torch
    from torch import nn
    from torchvision.models import resnet18

    loader = _loader(data / "train", _train_transform(32, small=True), batch)
    net, loss = resnet18(num_classes=10), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    times = []
    for _ in range(epochs):
        began = time.perf_counter()
        for x, y in loader:
            optimizer.zero_grad()
            loss(net(x), y).backward()
            optimizer.step()
        times.append(time.perf_counter() - began)
    return _epochs(times, "torchvision resnet18")


def goodfit_epochs(data: Path, epochs: int, batch: int) -> dict[str, Any]:
    """Ours, in the form that the probe finds fastest."""
    from _engine import bench

    from goodfit.engine.engine import Engine

    words = ["model.name=torchvision/resnet18", "model.size=32", f"train.batch_size={batch}", "train.optimizer=sgd"]
    ready = bench(data, [*words, "train.lr=0.1", "augment.flip=true", "augment.crop_pad=4"])
    engine = ready.chosen(Engine.start(ready.recipe.engine))
    learner, steps = ready.learner(engine), len(ready.positions) // batch
    times = [len(ready.positions) / ready.images_per_second(engine, learner, steps) for _ in range(epochs)]
    return _epochs(times, f"torchvision resnet18, {engine.precision} {engine.layout}")


def fastai_epochs(data: Path, epochs: int, batch: int) -> dict[str, Any]:
    """fastai with its default augmentation."""
    from fastai.vision.all import (
        Callback,
        CrossEntropyLossFlat,
        ImageDataLoaders,
        Learner,
        aug_transforms,
        defaults,
    )  # fmt: skip
    from torchvision.models import resnet18

    class Clock(Callback):
        times: list[float] = []

        def before_train(self) -> None:
            self.began = time.perf_counter()

        def after_train(self) -> None:
            self.times.append(time.perf_counter() - self.began)

    defaults.use_cuda = False
    dls = ImageDataLoaders.from_folder(
        data, train="train", valid_pct=0.02, batch_tfms=aug_transforms(size=32), bs=batch, num_workers=WORKERS,
        device="cpu",
    )  # fmt: skip
    learner = Learner(dls, resnet18(num_classes=10), loss_func=CrossEntropyLossFlat(), cbs=Clock())
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(epochs)
    per_image = [t / (len(dls.train) * batch) for t in learner.clock.times]
    return _epochs([t * _count(data / "train") for t in per_image], "torchvision resnet18")


def lightning_epochs(data: Path, epochs: int, batch: int) -> dict[str, Any]:
    """Lightning's Trainer, bar and logger off."""
    import lightning as L
    import torch
    import torch.nn.functional as F
    from torchvision.models import resnet18

    class Module(L.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net, self.times = resnet18(num_classes=10), []

        def training_step(self, batch: Any, _: int) -> Any:
            return F.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)

        def on_train_epoch_start(self) -> None:
            self.began = time.perf_counter()

        def on_train_epoch_end(self) -> None:
            self.times.append(time.perf_counter() - self.began)

    module = Module()
    trainer = L.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, _loader(data / "train", _train_transform(32, small=True), batch))
    return _epochs(module.times, "torchvision resnet18")


def ultralytics_epochs(data: Path, epochs: int, batch: int) -> dict[str, Any]:
    """Ultralytics classify with torchvision's resnet18 as backbone and its own head, augmentation and averaging."""
    times, began = [], [0.0]
    trainer = _ultralytics(data, "resnet18", 512, 2, 32, batch, epochs=epochs)
    trainer.add_callback("on_train_epoch_start", lambda _: began.__setitem__(0, time.perf_counter()))
    trainer.add_callback("on_train_epoch_end", lambda _: times.append(time.perf_counter() - began[0]))
    trainer.train()
    return _epochs(times, "torchvision resnet18 + Ultralytics' head")


# best accuracy in a budget -------------------------------------------------------------------------------------------


def careful_budget(data: Path, test: str, weights: str, size: int, batch: int, budget: float) -> dict[str, Any]:
    """A careful user's fine-tuning: head first, then all with a lower rate; one cycle; bf16 where it is faster."""
    import torch
    from _rows import BF16_WORTH, bf16_speedup
    from torch import nn

    start = time.perf_counter()
    torch.manual_seed(0)
    form, fast = torch.channels_last, bf16_speedup() >= BF16_WORTH
    loader = _loader(data / "train", _train_transform(size), batch)
    net = _mobilenet(weights, len(loader.dataset.classes)).to(memory_format=form)
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)

    def one_pass(optimizer: Any, schedule: Any = None, batches: int | None = None) -> float:
        began, done = time.perf_counter(), 0
        for x, y in loader:
            with torch.autocast("cpu", torch.bfloat16, enabled=fast):
                out = net(x.contiguous(memory_format=form))
            loss(out.float(), y).backward()
            optimizer.step()
            optimizer.zero_grad()
            if schedule:
                schedule.step()
            done += 1
            if done == batches:
                break
        return (time.perf_counter() - began) / done

    head = torch.optim.AdamW(net.classifier.parameters(), lr=3e-3, weight_decay=0.01)
    net.features.requires_grad_(False)
    one_pass(head)
    net.requires_grad_(True)
    rates = [{"params": net.features.parameters(), "lr": 3e-4}, {"params": net.classifier.parameters(), "lr": 3e-3}]
    optimizer = torch.optim.AdamW(rates, weight_decay=0.01)
    for group in optimizer.param_groups:
        group["lr"] *= 1e-3  # the first batches only tell the time
    step = one_pass(optimizer, batches=min(8, len(loader)))
    tested = _count(data / test) / batch * step / 2  # about half a training step, decoding included
    epochs = max(1, int((budget - (time.perf_counter() - start) - tested) / (step * len(loader))))
    optimizer = torch.optim.AdamW(rates, weight_decay=0.01)
    peaks = [3e-4, 3e-3]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, peaks, total_steps=epochs * len(loader))
    for _ in range(epochs):
        one_pass(optimizer, schedule)
    net.eval()
    return _scored(lambda x: net(x.contiguous(memory_format=form)), data / test, _plain_transform(size), start, epochs)


def fastai_budget(data: Path, test: str, weights: str, size: int, batch: int, budget: float) -> dict[str, Any]:
    """fastai's fine_tune with its default augmentation; a tenth of the training pictures is its val."""
    from fastai.vision.all import (
        CrossEntropyLossFlat,
        ImageDataLoaders,
        Learner,
        Normalize,
        Resize,
        aug_transforms,
        defaults,
        get_image_files,
        params,
    )  # fmt: skip

    start = time.perf_counter()
    defaults.use_cuda = False
    dls = ImageDataLoaders.from_folder(
        data / "train", valid_pct=0.1, seed=0, item_tfms=Resize(round(size * 1.15)), bs=min(batch, 64),
        batch_tfms=[*aug_transforms(size=size), Normalize.from_stats(MEAN, STD)], num_workers=WORKERS, device="cpu",
    )  # fmt: skip
    net = _mobilenet(weights, len(dls.vocab))
    split = lambda m: [params(m.features), params(m.classifier)]  # noqa: E731
    learner = Learner(dls, net, loss_func=CrossEntropyLossFlat(), splitter=split, model_dir="/tmp")
    with learner.no_bar(), learner.no_logging():
        began = time.perf_counter()
        learner.fit(1, lr=1e-6)  # tells the time of an epoch
        epoch = time.perf_counter() - began
        tested = epoch / 2 * _count(data / test) / _count(data / "train")
        epochs = max(1, int((budget - (time.perf_counter() - start) - tested) / epoch - 1))
        learner.fine_tune(epochs)
        files = get_image_files(data / test)
        probs, _ = learner.get_preds(dl=dls.test_dl(files))
    right = [dls.vocab[int(k)] == f.parent.name for k, f in zip(probs.argmax(1), files, strict=True)]
    return _answer(sum(right) / len(right), len(right), start, epochs)


def ultralytics_budget(data: Path, test: str, weights: str, size: int, batch: int, budget: float) -> dict[str, Any]:
    """Ultralytics classify with its own `time` limit, augmentation, optimiser choice and weight average."""
    start = time.perf_counter()
    trainer = _ultralytics(
        data, "mobilenet_v2", 1280, 1, size, min(batch, 64), weights=weights, epochs=1000, time=0.9 * budget / 3600
    )
    trainer.train()
    from ultralytics.data.augment import classify_transforms  # behind the settings that `_ultralytics` makes

    net = (trainer.ema.ema if trainer.ema else trainer.model).float().eval()
    return _scored(lambda x: net(x)[0], data / test, classify_transforms(size=size), start, trainer.epoch + 1)


# shared --------------------------------------------------------------------------------------------------------------


def _ultralytics(
    data: Path, backbone: str, width: int, cut: int, size: int, batch: int, weights: str | None = None, **options: Any
) -> Any:
    import tempfile

    made = Path(tempfile.mkdtemp(prefix="goodfit-ultralytics-"))
    os.environ["YOLO_CONFIG_DIR"] = str(made)  # the user's own settings stay as they are
    from ultralytics import settings
    from ultralytics.models.yolo.classify import ClassificationTrainer

    settings.update({name: False for name in ("mlflow", "tensorboard", "sync") if name in settings})

    class Trainer(ClassificationTrainer):
        def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> Any:
            model = super().get_model(cfg, None, False)
            if local:
                model.model[0].m.load_state_dict(_under("features.", local))
            return model

    local = weights
    network = made / f"{backbone}-cls.yaml"
    network.write_text(
        f"nc: 10\nbackbone:\n  - [-1, 1, TorchVision, [{width}, {backbone}, null, True, {cut}]]\n"
        "head:\n  - [-1, 1, Classify, [nc]]\n"
    )
    fixed = {"val": False, "plots": False, "save": False, "verbose": False, "workers": WORKERS, "device": "cpu"}
    fixed |= {"exist_ok": True, "project": str(made), "name": "run"}
    return Trainer(
        overrides={"model": str(network), "data": str(data), "imgsz": size, "batch": batch, **fixed, **options}
    )


def _mobilenet(weights: str, classes: int) -> Any:
    from safetensors.torch import load_file
    from torch import nn
    from torchvision.models import mobilenet_v2

    net = mobilenet_v2()
    net.load_state_dict(load_file(weights), strict=False)  # counters of batches are no weights
    net.classifier[1] = nn.Linear(net.last_channel, classes)
    return net


def _under(prefix: str, weights: str) -> dict[str, Any]:
    from safetensors.torch import load_file
    from torchvision.models import mobilenet_v2

    whole = {**mobilenet_v2().state_dict(), **load_file(weights)}
    return {k.removeprefix(prefix): v for k, v in whole.items() if k.startswith(prefix)}


def _train_transform(size: int, small: bool = False) -> Any:
    from torchvision import transforms as T

    crop = T.RandomCrop(size, padding=4) if small else T.RandomResizedCrop(size, (0.35, 1.0))
    return T.Compose([crop, T.RandomHorizontalFlip(), T.ToTensor(), T.Normalize(MEAN, STD)])


def _plain_transform(size: int) -> Any:
    from torchvision import transforms as T

    return T.Compose([T.Resize(round(size * 1.15)), T.CenterCrop(size), T.ToTensor(), T.Normalize(MEAN, STD)])


def _loader(folder: Path, transform: Any, batch: int, shuffle: bool = True) -> Any:
    from torch.utils.data import DataLoader
    from torchvision.datasets import ImageFolder

    return DataLoader(ImageFolder(str(folder), transform), batch, shuffle=shuffle, num_workers=WORKERS)


def _scored(net: Any, folder: Path, transform: Any, start: float, epochs: int) -> dict[str, Any]:
    import torch

    right = count = 0
    with torch.inference_mode():
        for x, y in _loader(folder, transform, 128, shuffle=False):
            right, count = right + int((net(x).argmax(1) == y).sum()), count + len(y)
    return _answer(right / count, count, start, epochs)


def _answer(accuracy: float, n: int, start: float, epochs: int) -> dict[str, Any]:
    return {"test": accuracy, "n": n, "inner_seconds": round(time.perf_counter() - start, 1), "epochs": epochs}


def _epochs(times: list[float], model: str) -> dict[str, Any]:
    """Seconds of each epoch; the first warms up."""
    return {"epochs_s": [round(t, 3) for t in times], "epoch_s": round(min(times[1:] or times), 3), "model": model}


def _count(folder: Path) -> int:
    return sum(1 for p in folder.rglob("*") if p.is_file())


TOOLS = {
    "bare-epochs": bare_epochs,
    "goodfit-epochs": goodfit_epochs,
    "fastai-epochs": fastai_epochs,
    "lightning-epochs": lightning_epochs,
    "ultralytics-epochs": ultralytics_epochs,
    "careful-budget": careful_budget,
    "fastai-budget": fastai_budget,
    "ultralytics-budget": ultralytics_budget,
}

if __name__ == "__main__":
    main()
