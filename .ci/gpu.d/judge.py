"""Judges tables of scores: how far two of them differ, and how much may be.

Pure functions, which test.py calls with made-up tables. Nothing here starts a
program or reads a file.
"""

import math

# Largest relative differences that may be between two devices that compute in float32
# (without TF32): of half of the architectures of a space, and of any. Where rounding
# moves a ReLU's input across zero, a gradient changes more than by rounding. That
# happens to some architectures and not to others; TF32 would move them all. `plain` is
# a sum that nearly cancels, so it is measured by `snip`.
DEVICES = {
    "params": (0.0, 0.0),
    "flops": (0.0, 0.0),
    "relu": (0.0, 0.0),
    "l2_norm": (1e-6, 1e-6),
    "synflow": (1e-9, 1e-9),
    "synflow_bn": (1e-6, 1e-6),
    "loss": (1e-5, 1e-5),
    "logits_sum_abs": (1e-3, 1e-3),
    "grad_norm": (1e-3, 2e-2),
    "snip": (1e-3, 2e-2),
    "plain": (1e-3, 2e-2),
    "fisher": (5e-3, 5e-2),
    "grasp": (3e-2, 0.2),
    "jacob_cov": (1e-2, 3e-2),
    "relu_logdet": (1e-3, 1e-2),
}
RELATIVE_TO = {"plain": "snip"}

# Shown, but not required to be near. In networks as deep as these, grasp's cancelling
# sums differ by several percent between two kinds of kernels of one CPU. In the other
# spaces a batch norm is the last that all of a network passes, so nothing flows through
# it, and `synflow_bn` is a rounding error.
NOT_REQUIRED = {
    ("nds-resnext-a", "grasp"),
    ("nb301", "synflow_bn"),
    ("nb101-1shot1", "synflow_bn"),
}

# The same between a device and other code's scores of the golden networks, as in
# tests/networks/golden.rs; and between two devices' scores of those.
REFERENCE = {
    name: 1e-2 if name in ("grasp", "jacob_cov") else 1e-3
    for name in DEVICES
    if name not in ("params", "flops", "relu")
}
GOLDEN = {name: half for name, (half, _) in DEVICES.items()} | {"fisher": 2e-3, "grasp": 1e-2}

# Smallest KD between the ranks of two devices, where there are enough architectures
# for one exchange of neighbours not to matter.
RANKS = {"plain": 0.97, "grasp": 0.97}
RANKS_ELSE = 0.99
ENOUGH_RANKS = 40

# Failures that a definition asks for; all others are somebody's fault.
BY_DEFINITION = ("undefined", "not-finite")


def relative(a, b, scale=None):
    """The difference of `a` from `b` over `scale`, by default `b`'s size; two that
    are no number (None) agree, and one does not."""
    if a is None or b is None:
        return 0.0 if a is b else math.inf
    if a == b:
        return 0.0
    if not (math.isfinite(a) and math.isfinite(b)):
        return math.inf
    size = abs(b if scale is None else scale)
    return abs(a - b) / size if size > 0 else math.inf


def worst_of(ours, theirs, names):
    """For each name, how far two networks' scores differ (dictionaries by name)."""
    found = {}
    for name in names:
        if name not in ours and name not in theirs:
            continue
        scale = theirs.get(RELATIVE_TO.get(name)) if name in RELATIVE_TO else None
        found[name] = relative(ours.get(name), theirs.get(name), scale)
    return found


def kendall(a, b):
    """Kendall's tau-b of two lists; None if either has one value only."""
    together = tied_a = tied_b = 0
    pairs = len(a) * (len(a) - 1) // 2
    for i in range(len(a)):
        for j in range(i):
            x = (a[i] > a[j]) - (a[i] < a[j])
            y = (b[i] > b[j]) - (b[i] < b[j])
            together += x * y
            tied_a += x == 0
            tied_b += y == 0
    over = math.sqrt((pairs - tied_a) * (pairs - tied_b))
    return together / over if over > 0 else None


def table(rows):
    """Score and failure by estimator, architecture and seed, of an exported table
    (an iterable of dictionaries)."""
    found = {}
    for row in rows:
        of_one = found.setdefault(row["estimator"], {})
        score = float(row["score"]) if row["score"] else None
        of_one[row["architecture"], row["seed"]] = (score, row["failure"])
    return found


def compare(device, cpu):
    """What differs between two tables (see `table`): by estimator, the differences of
    half of the architectures (`half`) and of any (`worst`) and `where`, the KD of the
    ranks, the number `n` of scores, and sentences about what is not there or failed
    (`wrong`). Estimators of either table are judged."""
    found = {}
    for name in sorted({*device, *cpu}):
        ours, theirs = device.get(name, {}), cpu.get(name, {})
        scales = cpu.get(RELATIVE_TO.get(name), {})
        wrong, pairs, differences = [], [], []
        for key in sorted({*ours, *theirs}):
            if key not in ours or key not in theirs:
                wrong.append(f"{key[0]} is in one table only")
                continue
            (score, failure), (other, other_failure) = ours[key], theirs[key]
            if failure != other_failure:
                wrong.append(f"{key[0]}: {failure or 'a score'} for {other_failure or 'a score'}")
            elif failure and failure not in BY_DEFINITION:
                wrong.append(f"{key[0]} failed: {failure}")
            elif not failure and (score is None or other is None):
                wrong.append(f"{key[0]} has neither a score nor a failure")
            if score is None or other is None:
                continue
            scale = scales.get(key, (None, ""))[0]
            differences.append((relative(score, other, scale), key[0]))
            pairs.append((score, other))
        differences.sort()
        worst, where = differences[-1] if differences else (0.0, "")
        found[name] = {
            "half": differences[(len(differences) - 1) // 2][0] if differences else 0.0,
            "worst": worst,
            "where": where if worst > 0 else "",
            "kd": kendall([a for a, _ in pairs], [b for _, b in pairs]),
            "n": len(pairs),
            "wrong": wrong,
        }
    return found


def within(name, found):
    """Whether an estimator's entry of `compare` is good enough: its scores."""
    half, worst = DEVICES[name]
    near = found["half"] <= half and found["worst"] <= worst
    return not found["wrong"] and found["n"] > 0 and near


def required(space, name, found):
    """Whether this must hold: what is missing or failed is never excused."""
    return bool(found["wrong"]) or found["n"] == 0 or (space, name) not in NOT_REQUIRED


def ranks_hold(name, found):
    """The same: its ranks; None where there is no KD."""
    if found["kd"] is None:
        return None
    return found["kd"] > RANKS.get(name, RANKS_ELSE)


def rate(times, workers):
    """Units a second of a run whose units ended at these times. The first of each
    worker are left out: they contain its start."""
    times = sorted(times)
    if len(times) <= workers or times[-1] <= times[workers - 1]:
        return None
    return (len(times) - workers) / (times[-1] - times[workers - 1])


def verdict(figures):
    """Exit code of a run with these figures: 0 if every required check that ran
    holds, and at least one ran."""
    checks = [one["holds"] for one in figures if one["required"] and one["holds"] is not None]
    return 0 if checks and all(checks) else 1


def shown(value):
    """A figure's value as text."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return str(value)


def markdown(figures):
    """The figures as a table."""
    words = {True: "holds", False: "FAILS", None: ""}
    lines = ["| step | figure | value | check |", "| --- | --- | --: | --- |"]
    for one in figures:
        check = words[one["holds"]]
        if one["holds"] is False and not one["required"]:
            check = "does not hold (not required)"
        why = "; ".join(part for part in (check, one["why"]) if part)
        value = f"{shown(one['value'])} {one['unit']}".strip()
        cells = [one["step"], one["name"], value, why]
        cells = [str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
