"""Runs osee-host and reads what it printed and stored; for the steps of `.ci/gpu run`.

What a step needs to know is in the environment, which `.ci/gpu` sets:
OSEE_GPU_KIT (the unpacked kit), OSEE_GPU_WORK (an empty folder), OSEE_GPU_DEVICE,
OSEE_GPU_SMOKE (1: one or two units of everything).
"""

import csv
import io
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

KIT = pathlib.Path(os.environ["OSEE_GPU_KIT"])
WORK = pathlib.Path(os.environ["OSEE_GPU_WORK"])
DEVICE = os.environ["OSEE_GPU_DEVICE"]
SMOKE = os.environ.get("OSEE_GPU_SMOKE") == "1"
CORES = len(os.sched_getaffinity(0))

ESTIMATORS = (
    "params,flops,relu,l2_norm,synflow,synflow_bn,grad_norm,snip,plain,fisher,grasp,"
    "jacob_cov,relu_logdet"
)

# Where the device is the CPU, its side of a comparison takes the plainest kernels, so
# that the two sides sum in another order, as on a GPU.
PLAIN_KERNELS = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}

# Which side of a comparison a command is.
CPU, OTHER = "cpu", "device"


# What a figure calls the side that is not the CPU's.
OTHER_NAME = "cpu with plain kernels" if DEVICE == "cpu" else DEVICE


def smaller(usual, smoke):
    return smoke if SMOKE else usual


class Failed(Exception):
    """A command that failed, with the last it said."""


def command(args, side=OTHER):
    """The program with these arguments, and its environment."""
    environment = dict(os.environ, OSEE_DATA=str(WORK / "no-data"))
    if side == OTHER and DEVICE == "cpu":
        environment.update(PLAIN_KERNELS)
    return [str(KIT / "bin/osee-host"), *map(str, args)], environment


def device(side):
    """Arguments that choose the device of this side."""
    name = "cpu" if side == CPU else DEVICE
    # The library of CUDA alone is a gigabyte or two of a worker's memory.
    limit = ["--memory-limit", "16384"] if name.startswith("cuda") else []
    return ["--device", name], limit


def said(text):
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return " / ".join(lines[:1] + lines[1:][-3:])


def osee(args, side=OTHER, cwd=None, codes=(0,), more=None):
    """Runs a command to its end, with `more` in its environment, and returns what it
    printed, what it said on standard error, and its seconds."""
    words, environment = command(args, side)
    environment.update(more or {})
    start = time.monotonic()
    done = subprocess.run(
        words, env=environment, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    seconds = time.monotonic() - start
    if done.returncode not in codes:
        raise Failed(f"osee-host {args[0]} ended with {done.returncode}: {said(done.stderr)}")
    return done.stdout, done.stderr, seconds


class Study:
    """A study of one space on noise."""

    def __init__(self, space, archs, batch, small):
        self.space = space
        self.archs = smaller(archs, 2)
        self.args = ["--space", space, "--archs", self.archs, "--seeds", 20, "--data", "noise"]
        self.args += ["--batch-size", smaller(batch, 16), "--estimators", ESTIMATORS]
        if SMOKE:
            for setting in [*small, "image_size=16"]:
                self.args += ["--set", setting]

    def over(self, archs):
        """The same study over so many architectures."""
        self.archs = archs
        self.args[self.args.index("--archs") + 1] = archs
        return self

    def run(self, out, workers, side=OTHER):
        """The arguments of a run."""
        chosen, limit = device(side)
        args = ["run", *self.args, *chosen, *limit, "--workers", workers, "--out", out]
        return [*args, "--progress", "none"]


# The studies that are compared, with settings that make their networks small.
STUDIES = [
    Study("nb201", 48, 64, ["channels=4", "cells=1"]),
    Study("nb301", 12, 32, ["channels=4", "layers=4"]),
    Study("nds-resnet", 12, 32, ["width_scale=0.25"]),
    Study("nds-resnext-a", 12, 32, ["width_scale=0.25"]),
    Study("nb101-1shot1", 6, 32, ["channels=8", "modules=1"]),
]


def export(out):
    """The table of a run, without times, as text."""
    return osee(["export", out, "--format", "csv", "--no-timing"], side=CPU)[0]


def rows(text):
    return csv.DictReader(io.StringIO(text))


def score(arch, settings, weights, side):
    """What `score` says of one network with this file of weights: numbers by name
    (None where the definition gives none), and its seconds."""
    chosen, _ = device(side)
    args = ["score", "--arch", arch, "--weights", weights, *chosen]
    for setting in settings:
        args += ["--set", setting]
    printed, _, seconds = osee(args, side)
    found = json.loads(printed)
    scores = {name: found[name] for name in ("params", "loss", "logits_sum_abs")}
    scores.update(found["scores"])
    for name, reason in found["failures"].items():
        if not reason.startswith(("undefined", "not-finite")):
            raise Failed(f"{name} of {arch}: {reason}")
        scores[name] = None
    return scores, seconds


def descendants(root=None):
    """Ids of the running processes that this one, or `root`, started, and theirs."""
    parents = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            # The name in brackets may have anything in it.
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if state != "Z":
            parents[int(folder.name)] = int(parent)
    found, level = set(), {root or os.getpid()}
    while level:
        level = {pid for pid, parent in parents.items() if parent in level} - found
        found |= level
    return found


def resident(pid):
    """Memory of its own that a process holds, in MiB: no pages of files."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    sizes = (line.split()[1] for line in lines if line.startswith(("RssAnon:", "RssShmem:")))
    return sum(map(int, sizes)) / 1024


class Watch(threading.Thread):
    """Looks every `seconds` what processes hold, until it is stopped: the most that
    one process had, and the most of each column of `nvidia-smi`."""

    COLUMNS = ("memory.used", "utilization.gpu")

    def __init__(self, seconds, gpu):
        super().__init__(daemon=True)
        self.seconds, self.gpu = seconds, gpu
        self.resident = 0.0
        self.columns = {}
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(self.seconds):
            for pid in descendants():
                self.resident = max(self.resident, resident(pid))
            if self.gpu:
                for name, value in zip(self.COLUMNS, nvidia(self.COLUMNS)):
                    # Some cards do not know it: [N/A].
                    if value.isdecimal():
                        self.columns[name] = max(self.columns.get(name, 0), int(value))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join(10)


def nvidia(columns):
    """What nvidia-smi says of the first GPU; nothing where it cannot be asked."""
    words = ["nvidia-smi", f"--query-gpu={','.join(columns)}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return []
    lines = done.stdout.splitlines() if done.returncode == 0 else []
    return [cell.strip() for cell in lines[0].split(",")] if lines else []


def python_with_torch():
    """A Python that can import torch, or None; and its environment, without the
    libraries that are on the path for osee-host."""
    environment = dict(os.environ)
    environment.pop("LD_LIBRARY_PATH", None)
    if "OSEE_GPU_LD_LIBRARY_PATH" in environment:
        environment["LD_LIBRARY_PATH"] = environment["OSEE_GPU_LD_LIBRARY_PATH"]
    for python in filter(None, [os.environ.get("OSEE_PYTHON"), "python3", sys.executable]):
        try:
            done = subprocess.run(
                [python, "-c", "import torch"], env=environment, capture_output=True
            )
        except OSError:
            continue
        if done.returncode == 0:
            return python, environment
    return None, environment
