"""The engine: devices asked for are there or refused, precision and layout do what they say."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
import torch
from torch import nn

from goodfit.core.errors import DeviceError
from goodfit.core.recipe import EngineSection
from goodfit.engine.engine import Engine, devices, find_device, precisions


def started(**keys: object) -> Engine:
    return Engine.start(EngineSection(**{"device": "cpu", "threads": 1, "allocator": False, **keys}))  # type: ignore[arg-type]


def test_auto_takes_the_best_device() -> None:
    assert find_device("auto") == devices()[0]
    assert devices()[-1] == "cpu"


def test_absent_device_is_refused_with_what_is_there() -> None:
    with pytest.raises(DeviceError, match="no device 'cuda:7' here.*cpu"):
        find_device("cuda:7")


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a GPU")
def test_cuda_without_a_gpu_is_refused_with_exit_code_1() -> None:
    with pytest.raises(DeviceError) as caught:
        started(device="cuda")
    assert caught.value.exit_code == 1


def test_mistyped_device_is_refused() -> None:
    with pytest.raises(DeviceError, match="no device 'gpu'"):
        started(device="gpu")


def test_fp16_on_a_cpu_is_refused() -> None:
    with pytest.raises(DeviceError, match="engine.precision"):
        started(precision="fp16")


def test_auto_starts_safe_and_leaves_both_to_the_probe() -> None:
    engine = started()
    assert (engine.precision, engine.layout, engine.settled) == ("fp32", "contiguous", frozenset())


def test_what_the_recipe_says_is_settled() -> None:
    engine = started(precision="bf16", layout="channels_last")
    assert (engine.dtype, engine.layout) == (torch.bfloat16, "channels_last")
    assert engine.settled == {"precision", "layout"}


def test_with_changes_only_what_is_named() -> None:
    engine = started(layout="channels_last").with_(precision="bf16")
    assert (engine.precision, engine.layout) == ("bf16", "channels_last")
    assert engine.settled == {"precision", "layout"}


def test_threads_are_set() -> None:
    before = torch.get_num_threads()
    try:
        assert started(threads=2).threads == torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_autocast_computes_in_bf16_and_keeps_weights_in_fp32() -> None:
    net = nn.Linear(4, 4)
    with started(precision="bf16").autocast():
        assert net(torch.ones(1, 4)).dtype == torch.bfloat16
    assert net.weight.dtype == torch.float32
    with started().autocast():
        assert net(torch.ones(1, 4)).dtype == torch.float32


def test_channels_last_reaches_weights_and_inputs() -> None:
    engine = started(layout="channels_last")
    net = engine.place(nn.Conv2d(3, 8, 3))
    assert net.weight.is_contiguous(memory_format=torch.channels_last)
    x = engine.tensor(torch.rand(2, 3, 5, 5))
    assert x.is_contiguous(memory_format=torch.channels_last)


def test_tensor_keeps_values_and_dtype() -> None:
    x = torch.arange(6, dtype=torch.uint8).view(2, 3)
    assert torch.equal(started(layout="channels_last").tensor(x.numpy()), x)


def test_alone_nothing_is_distributed_or_reduced() -> None:
    engine, net = started(), nn.Linear(1, 1)
    assert engine.distribute(net) is net
    assert engine.reduce({"loss": 0.5}) == {"loss": 0.5}
    assert (engine.rank, engine.world) == (0, 1)


def test_description_is_json() -> None:
    import json

    said = json.loads(json.dumps(started().describe()))
    assert said["device"] == "cpu"
    assert said["precision"] == "fp32"


def test_cpu_offers_fp32_and_bf16() -> None:
    assert precisions("cpu") == ("fp32", "bf16")


TWO = """
import torch
from torch import nn
from goodfit.core.recipe import EngineSection
from goodfit.engine.engine import Engine
engine = Engine.start(EngineSection(device="cpu", threads=1))
torch.manual_seed(engine.rank)
net = engine.distribute(engine.place(nn.Linear(2, 1, bias=False)))
net(torch.full((1, 2), float(engine.rank + 1))).sum().backward()
grad = next(net.parameters()).grad.tolist()
weights = engine.reduce({"sum": float(next(net.parameters()).sum()), "rank": float(engine.rank)})
assert engine.world == 2
assert grad == [[1.5, 1.5]], grad  # the mean of 1 and 2
assert weights["rank"] == 0.5
torch.distributed.destroy_process_group()
print("same", round(weights["sum"], 6))
"""


@pytest.mark.slow
def test_two_processes_average_gradients_and_figures() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", TWO],
            env={**common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    ended = [p.communicate(timeout=120) for p in running]
    assert [p.returncode for p in running] == [0, 0], ended[0][1] + ended[1][1]
    assert ended[0][0] == ended[1][0]
