"""The first signal raises a flag, the second ends the process; a worker process is left alone by Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from goodfit.core.interrupt import asked_to_stop, install

LOOP = """
import sys, time
from goodfit.core.interrupt import asked_to_stop, install
install(lambda number: print("heard", number, flush=True))
print("ready", flush=True)
until = time.time() + 30
while time.time() < until and not (asked_to_stop() and sys.argv[1] == "polite"):
    time.sleep(0.01)
sys.exit(128 + asked_to_stop())
"""
WORKER = """
import os, signal, time
from goodfit.core.interrupt import asked_to_stop, install
install(lambda number: None)
child = os.fork()
if child == 0:
    time.sleep(30)
    os._exit(0)
time.sleep(0.2)
os.kill(child, signal.SIGINT)
time.sleep(0.2)
assert os.waitpid(child, os.WNOHANG) == (0, 0), "Ctrl-C ended the worker"
os.kill(child, signal.SIGTERM)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), asked_to_stop())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_raises_the_flag_and_work_ends_itself(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", LOOP, "polite"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.readline() == f"heard {int(number)}\n"
        assert process.wait(10) == 128 + number


def test_second_signal_ends_at_once() -> None:
    with subprocess.Popen([sys.executable, "-c", LOOP, "deaf"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "heard 15\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130


def test_worker_ignores_ctrl_c_and_dies_of_sigterm() -> None:
    done = subprocess.run([sys.executable, "-c", WORKER], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["143", "0"]


def test_restore_puts_the_former_handlers_back_and_clears_the_flag() -> None:
    before = signal.getsignal(signal.SIGTERM)
    heard: list[int] = []
    restore = install(heard.append)
    os.kill(os.getpid(), signal.SIGTERM)
    assert (asked_to_stop(), heard) == (15, [15])
    restore()
    assert asked_to_stop() == 0
    assert signal.getsignal(signal.SIGTERM) is before
