"""PyTorch's side of benches/step.rs: the same blocks at the same sizes.

Reads one line per run from standard input, `mode layout images channels side filters depth first_padding`, and answers
with the seconds it took; `matmul` is answered with the GFLOP/s of a 2048-cubed product.
"""

import os
import sys
import time

import torch
from torch import nn

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))


def blocks(channels: int, filters: int, depth: int, first_padding: int) -> nn.Sequential:
    layers = []
    for d in range(depth):
        layers += [
            nn.Conv2d(channels if d == 0 else filters, filters, 3, padding=first_padding if d == 0 else 1),
            nn.GroupNorm(filters, filters, affine=True),
            nn.ReLU(inplace=True),
            nn.AvgPool2d(2, 2),
        ]
    return nn.Sequential(*layers)


def setting(layout: str, images: int, channels: int, side: int, filters: int, depth: int, first_padding: int):
    torch.manual_seed(1)
    memory = torch.channels_last if layout == "channels-last" else torch.contiguous_format
    net = blocks(channels, filters, depth, first_padding).to(memory_format=memory)
    return net, torch.randn(images, channels, side, side).contiguous(memory_format=memory)


def run(mode: str, net: nn.Sequential, x: torch.Tensor) -> float:
    net.requires_grad_(mode == "all")
    x = x.detach().requires_grad_(mode != "forward")
    net.zero_grad()
    start = time.perf_counter()
    if mode == "forward":
        with torch.no_grad():
            net(x)
    else:
        net(x).sum().backward()
    return time.perf_counter() - start


def matmul() -> float:
    a = torch.randn(2048, 2048)
    start = time.perf_counter()
    a @ a
    return 2 * 2048**3 / (time.perf_counter() - start) / 1e9


settings = {}
for line in sys.stdin:
    words = line.split()
    if words == ["matmul"]:
        print(matmul(), flush=True)
        continue
    mode, layout, *numbers = words
    key = (layout, *map(int, numbers))
    if key not in settings:
        settings.clear() if len(settings) > 1 else None
        settings[key] = setting(*key)
    print(run(mode, *settings[key]), flush=True)
