"""Steps of `.ci/gpu run` that do harm: training (killed and resumed) and
misbehaving (a plugin that goes wrong)."""

import csv
import io
import os
import signal
import subprocess
import time

import host

TRAINING = """
name = "gpu"
seeds = [1]
data = "noise"
[architectures]
count = 2
[training]
preset = "{preset}"
epochs = {epochs}
keep_every = 1
images = {images}
batch_size = {batch}
validation_images = 256
validation_batch_size = 128
{space}
[[estimators]]
id = "one_shot"
"""
NARROW = "[training.space]\nchannels = 2\ncells = 1\nimage_size = 8"


def written(name, **fields):
    file = host.WORK / f"{name}.toml"
    file.write_text(TRAINING.format(**fields))
    return file


def train(study, out, side=host.OTHER):
    chosen, limit = host.device(side)
    return ["train", "--study", study, "--out", out, *chosen, *limit, "--workers", 1]


def curve(text):
    return list(csv.DictReader(io.StringIO(text)))


def training(figures):
    """A training that is killed twice comes to the weights of one that is not."""
    if host.SMOKE:
        study = written("killed", preset="small", epochs=8, images=512, batch=32, space=NARROW)
    else:
        study = written("killed", preset="paper", epochs=6, images=10_240, batch=512, space="")
    whole, killed = host.WORK / "whole", host.WORK / "killed"
    name = "a training killed twice: last.safetensors"
    with figures.attempt(name):
        printed, _, seconds = host.osee(train(study, whole))
        figures.add("a training", round(seconds, 1), "s")
        fastest = max(float(row["images_per_s"]) for row in curve(printed))
        figures.add("a training: fastest epoch", round(fastest), "images/s")
        kept = [kill_after(train(study, killed), killed, epoch) for epoch in (1, 2)]
        why = f"killed with {kept[0]} and {kept[1]} epochs stored"
        host.osee(train(study, killed))
        ours, theirs = weights(killed), weights(whole)
        last = [name for name in theirs if name.endswith("/last.safetensors")]
        holds = len(last) == 1 and ours.get(last[0]) == theirs[last[0]]
        size = len(theirs[last[0]]) if last else 0
        figures.check(name, holds, size, "bytes", f"equal to an undisturbed one's; {why}")
        differ = [name for name in theirs if ours.get(name) != theirs[name]]
        why = f"{len(theirs)} files, {len(differ)} differ"
        figures.check("a training killed twice: all checkpoints", not differ, why=why)
    losses(figures)
    against_eager(figures)


def against_eager(figures):
    """Training steps and evaluations in the time that eager PyTorch takes."""
    name = "supernets against eager PyTorch"
    python, _ = host.python_with_torch()
    if host.DEVICE == "cpu" or python is None:
        why = "steps use the CPU" if python else "no Python here can import torch"
        figures.skip(name, why)
        return
    with figures.attempt(name):
        args = ["bench", "--only", "supernets", "--device", host.DEVICE]
        printed = host.osee(args, more={"OSEE_PYTHON": python})[0]
        for line in printed.splitlines():
            if " times the time" in line:
                what, _, rest = line.partition("  ")
                ratio = float(rest.split()[0])
                holds = ratio <= 1.0
                figures.add(f"{name}: {what}", ratio, "times the time", holds, False, rest.strip())


def weights(out):
    files = (out / "supernets").glob("*/*.safetensors")
    return {str(file.relative_to(out)): file.read_bytes() for file in files}


def stored(out):
    return len(list(out.glob("supernets/*/epoch-*.safetensors")))


def kill_after(args, out, epochs):
    """Starts a training, kills it when it has stored so many epochs, and returns how
    many it had then."""
    words, environment = host.command(args)
    log = open(f"{out}.log", "ab")
    with log, subprocess.Popen(
        words, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
    ) as running:
        while running.poll() is None and stored(out) < epochs:
            time.sleep(0.002)
        if running.poll() is not None:
            raise host.Failed(f"it ended with {running.returncode} before it could be killed")
        workers = host.descendants(running.pid)
        os.kill(running.pid, signal.SIGKILL)
    # Its workers end by themselves; until then they hold the run.
    end = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{pid}") for pid in workers):
        if time.monotonic() > end:
            raise host.Failed("its workers outlive it by more than 10 s")
        time.sleep(0.02)
    return stored(out)


def losses(figures):
    """The loss of ten steps on the device, and on the CPU."""
    name = f"loss of the first steps on {host.OTHER_NAME} against cpu"
    with figures.attempt(name):
        steps = host.smaller(10, 2)
        study = written(
            "first-steps", preset="small", epochs=1, images=128 * steps, batch=128,
            space=NARROW if host.SMOKE else "",
        )  # fmt: skip
        found = []
        for side in (host.OTHER, host.CPU):
            printed = host.osee(train(study, host.WORK / f"first-steps-{side}", side), side)[0]
            found.append(float(curve(printed)[0]["loss"]))
        difference = abs(found[0] - found[1]) / abs(found[1])
        why = f"mean of {steps} steps, {found[0]:.6f} for {found[1]:.6f}; at most 0.01"
        figures.check(name, difference <= 0.01, difference, why=why)


# Modes of tests/fixtures/misbehaving.rs, with a word of the reason that is given.
MODES = [
    ("segfault", "SIGSEGV"),
    ("hang", "no score after"),
    ("device-fault", "CUDA error"),
    ("bad-index", "CUDA error" if host.DEVICE != "cpu" else "out of range"),
    ("huge-tensor", "out of memory" if host.DEVICE != "cpu" else "memory"),
    ("panic", "as asked"),
    ("abort", "SIGABRT"),
    ("eat-memory", "held more than"),
    ("overwrite", "in place"),
    ("leave-state", None),
]
OTHERS = ["params", "grad_norm", "snip", "grasp", "fisher", "synflow", "relu_logdet", "jacob_cov"]


def misbehaving(figures):
    """A plugin that goes wrong fails with its reason and changes no other score."""
    name = "a study without the plugin that misbehaves"
    with figures.attempt(name):
        expected = scores(harmed(None))
        if not expected:
            raise host.Failed("it has no scores")
        # Its modes are texts in the library.
        library = (host.KIT / "fixture/libmisbehaving.so").read_bytes()
        for mode, word in MODES[: host.smaller(len(MODES), 5)]:
            if mode.encode() not in library:
                figures.skip(mode, "the plugin has no such mode")
                continue
            with figures.attempt(f"{mode}: only it fails"):
                judge_mode(figures, mode, word, expected)


def harmed(mode):
    """The table of a study with the plugin in this mode."""
    text = "seeds = [0]\n"
    if mode:
        text += f'plugins = ["{host.KIT}/fixture/libmisbehaving.so"]\n'
        text += f'[[estimators]]\nid = "misbehaving"\nsettings = {{ mode = "{mode}" }}\n'
    text += "".join(f'[[estimators]]\nid = "{name}"\n' for name in OTHERS)
    name = mode or "without"
    file, out = host.WORK / f"{name}.toml", host.WORK / name
    file.write_text(text)
    chosen, _ = host.device(host.OTHER)
    gpu = host.DEVICE != "cpu"
    args = ["run", "--study", file, "--out", out, *chosen, "--workers", 1, "--archs", 2]
    args += ["--data", "noise", "--batch-size", 8, "--progress", "none"]
    for setting in ("channels=2", "cells=1", "image_size=8"):
        args += ["--set", setting]
    # A worker on a GPU starts with a gigabyte or two of libraries, and slowly.
    seconds = (8 if gpu else 4) if mode == "hang" else 60
    args += ["--time-limit", seconds, "--memory-limit", 8192 if gpu else 1500]
    # The pin of the plugin lies beside it.
    host.osee(args, cwd=host.KIT / "fixture", codes=(0, 8))
    return list(host.rows(host.export(out)))


def scores(table, of_plugin=False):
    rows = (row for row in table if (row["estimator"] == "misbehaving") == of_plugin)
    found = {}
    for row in rows:
        key = row["estimator"], row["architecture"], row["seed"]
        found[key] = row["score"], row["failure"], row["failure_message"]
    return found


def judge_mode(figures, mode, word, expected):
    table = harmed(mode)
    own, others = scores(table, of_plugin=True), scores(table)
    differ = [key for key in expected if others.get(key) != expected[key]]
    why = f"{len(expected)} scores of others, {len(differ)} have other bits"
    figures.check(f"{mode}: others keep their bits", others == expected, why=why)
    reasons = [message for _, _, message in own.values()]
    if word is None:
        holds = bool(own) and all(score for score, _, _ in own.values())
        figures.check(f"{mode}: it does no harm, and has its scores", holds)
    else:
        holds = bool(own) and all(word in message for message in reasons)
        holds = holds and not any(score for score, _, _ in own.values())
        why = f"`{word}` in: {reasons[0][:100] if reasons else 'nothing'}"
        figures.check(f"{mode}: only it fails, with its reason", holds, why=why)
