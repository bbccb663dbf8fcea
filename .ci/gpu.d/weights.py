"""The small golden networks of tests/fixtures/golden_small.json as files of weights.

No weights are stored: numbers are made of their names by SHA-256, as in
tests/fixtures/golden_small.py and tests/networks/golden_small.rs.
"""

import hashlib
import json
import math
import struct


def bits(name, i):
    digest = hashlib.sha256(f"{name}/{i}".encode()).digest()
    return int.from_bytes(digest[:2], "little")


def number(name, i):
    """From -1 to 1, and a float32 as it is."""
    return bits(name, i) / 32768 - 1


def parameter(name, shape, spread):
    centre = 1.0 if len(shape) == 1 and name.endswith(".weight") else 0.0
    return [centre + spread * number(name, i) for i in range(math.prod(shape))]


def tensors(golden, network):
    """Dtype, shape and bytes of the network's parameters and of the batch, by name."""

    def float32(shape, values):
        return "F32", shape, struct.pack(f"<{len(values)}f", *values)

    found = {
        name: float32(shape, parameter(name, shape, network["spread"]))
        for name, shape in network["parameters"].items()
    }
    side, batch = golden["image_size"], golden["batch"]
    shape = [batch, 3, side, side]
    found["input"] = float32(shape, [2 * number("input", i) for i in range(math.prod(shape))])
    labels = [bits("target", i) % 10 for i in range(batch)]
    found["target"] = "I64", [batch], struct.pack(f"<{batch}q", *labels)
    return found


def write(path, named):
    """Writes tensors (see `tensors`) as a safetensors file."""
    header, body = {}, b""
    for name, (dtype, shape, data) in named.items():
        offsets = [len(body), len(body) + len(data)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
