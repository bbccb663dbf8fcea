"""Compares one float32 convolution and its gradients with float64, in plain PyTorch.

  convolution.py DEVICE     # prints the relative differences as JSON

With TF32 they would be 3e-4 or so.
"""

import json
import sys

import torch
from torch.nn import functional as F


def results(kind, device):
    torch.manual_seed(0)
    shapes = [(64, 16, 32, 32), (16, 16, 3, 3), (64, 16, 32, 32)]
    images, weight, weights_of_sum = [torch.randn(shape, dtype=torch.float64) for shape in shapes]
    images, weight = [it.to(device, kind).requires_grad_() for it in (images, weight)]
    out = F.conv2d(images, weight, padding=1)
    (out * weights_of_sum.to(device, kind)).sum().backward()
    return {"output": out, "gradient of images": images.grad, "gradient of weights": weight.grad}


def main():
    device = sys.argv[1]
    single = results(torch.float32, device)
    double = results(torch.float64, "cpu")
    found = {"torch": torch.__version__, "cuda": torch.version.cuda, "differences": {}}
    if device.startswith("cuda"):
        found["cudnn"] = torch.backends.cudnn.version()
    for name, exact in double.items():
        difference = single[name].detach().cpu().double() - exact
        found["differences"][name] = float(difference.norm() / exact.norm())
    print(json.dumps(found))


main()
