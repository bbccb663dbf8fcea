"""Runs one step of `.ci/gpu run`: step.py NAME."""

import sys

import figures
import harm
import networks
import runs

STEPS = {
    "facts": networks.facts,
    "score": networks.score,
    "golden": networks.golden,
    "engine": networks.engine,
    "compare": runs.compare,
    "workers": runs.workers,
    "throughput": runs.throughput,
    "launches": runs.launches,
    "training": harm.training,
    "misbehaving": harm.misbehaving,
}


def main():
    [name] = sys.argv[1:]
    STEPS[name](figures.Figures(name))


main()
