"""PyTorch's side of `spiritsafe bench`: the same works at the same sizes, eager, on the CPU.

    python3 torch_works.py --size cifar --repeats 5 --threads 2 --layout default

prints one JSON object: seconds of each work, the best rate of a 2048-cubed product, the peak of the memory. Written from
the formulas (DM, WACV 2023; DSA augmentation), not from anybody's code.
"""

import argparse
import json
import math
import resource
import time

import torch
import torch.nn.functional as F
from torch import nn

CLASSES, PER_CLASS = 10, 512
#            channels side width depth padding real synthetic
SIZES = {
    "cifar": (3, 32, 128, 3, 1, 256, 10),
    "mnist": (1, 28, 32, 3, 3, 64, 10),
    "digits": (1, 8, 32, 2, 1, 115, 10),
    # ResNet18 with instance norm and no pooling in its stem.
    "resnet18": (3, 32, None, None, None, 32, 2),
}
WORKS = ["forward", "image_gradient", "all_gradients", "dm_step", "evaluation_epoch"]


class ConvNet(nn.Module):
    def __init__(self, channels, side, width, depth, padding):
        super().__init__()
        layers, size = [], side
        for block in range(depth):
            first = block == 0
            layers += [
                nn.Conv2d(channels if first else width, width, 3, padding=padding if first else 1),
                nn.GroupNorm(width, width),
                nn.ReLU(inplace=True),
                nn.AvgPool2d(2, 2),
            ]
            size = (size + (2 * padding - 2 if first else 0)) // 2
        self.blocks = nn.Sequential(*layers)
        self.classifier = nn.Linear(width * size * size, CLASSES)

    def embed(self, x):
        return self.blocks(x).flatten(1)

    def forward(self, x):
        return self.classifier(self.embed(x))


class Block(nn.Module):
    def __init__(self, channels, filters, stride):
        super().__init__()
        unit = lambda inputs, side, stride: (
            nn.Conv2d(inputs, filters, side, stride, side // 2, bias=False),
            nn.GroupNorm(filters, filters),
        )
        self.direct = nn.Sequential(*unit(channels, 3, stride), nn.ReLU(inplace=True), *unit(filters, 3, 1))
        self.shortcut = nn.Sequential(*unit(channels, 1, stride)) if stride != 1 or channels != filters else None

    def forward(self, x):
        return F.relu(self.direct(x) + (self.shortcut(x) if self.shortcut else x), inplace=True)


class ResNet18(nn.Module):
    def __init__(self, channels):
        super().__init__()
        stem = [nn.Conv2d(channels, 64, 3, 1, 1, bias=False), nn.GroupNorm(64, 64), nn.ReLU(inplace=True)]
        widths = [64, 64, 64, 128, 128, 256, 256, 512, 512]
        blocks = [Block(*pair, 2 if pair[0] != pair[1] else 1) for pair in zip(widths, widths[1:])]
        self.blocks = nn.Sequential(*stem, *blocks, nn.AvgPool2d(4))
        self.classifier = nn.Linear(512, CLASSES)

    def embed(self, x):
        return self.blocks(x).flatten(1)

    def forward(self, x):
        return self.classifier(self.embed(x))


def affine(x, theta):
    return F.grid_sample(x, F.affine_grid(theta, list(x.shape), align_corners=False), align_corners=False)


def augment(x, seed, siamese):
    """One family of DSA for the batch; with `siamese` all images share its parameters."""
    g = torch.Generator().manual_seed(seed)
    n, _, height, width = x.shape

    def draw(*shape):
        # Drawn once where they are shared, so that batches of any length see the same numbers.
        return torch.rand(1 if siamese else n, *shape, generator=g).expand(n, *shape)

    family = int(torch.randint(0, 6, (1,), generator=g))
    if family == 0:  # color
        x = x + (draw(1, 1, 1) - 0.5)
        mean = x.mean(1, keepdim=True)
        x = (x - mean) * (draw(1, 1, 1) * 2) + mean
        mean = x.mean((1, 2, 3), keepdim=True)
        return (x - mean) * (draw(1, 1, 1) + 0.5) + mean
    if family == 1:  # crop
        reach = int(height * 0.125 + 0.5)
        dx, dy = (((draw() * (2 * reach + 1)).long() - reach) for _ in range(2))
        padded = F.pad(x, (reach,) * 4)
        rows = torch.arange(height)[None, :] + reach + dy[:, None]
        columns = torch.arange(width)[None, :] + reach + dx[:, None]
        batch = torch.arange(n)[:, None, None]
        return padded.permute(0, 2, 3, 1)[batch, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    if family == 2:  # cutout
        side = int(height * 0.5 + 0.5)
        oy, ox = ((draw() * (height + 1 - side % 2)).long() for _ in range(2))
        rows, columns = torch.arange(height)[None, :], torch.arange(width)[None, :]
        hit_rows = (rows >= (oy - side // 2)[:, None]) & (rows < (oy - side // 2 + side)[:, None])
        hit_columns = (columns >= (ox - side // 2)[:, None]) & (columns < (ox - side // 2 + side)[:, None])
        keep = ~(hit_rows[:, :, None] & hit_columns[:, None, :])
        return x * keep[:, None].to(x.dtype)
    if family == 3:  # flip
        return torch.where(draw(1, 1, 1) < 0.5, x.flip(3), x)
    zero = torch.zeros(n)
    if family == 4:  # scale
        sx, sy = (draw() * (1.2 - 1 / 1.2) + 1 / 1.2 for _ in range(2))
        return affine(x, torch.stack([torch.stack([sx, zero, zero], 1), torch.stack([zero, sy, zero], 1)], 1))
    angle = (draw() - 0.5) * 2 * math.radians(15)  # rotate
    cos, sin = angle.cos(), angle.sin()
    return affine(x, torch.stack([torch.stack([cos, -sin, zero], 1), torch.stack([sin, cos, zero], 1)], 1))


class Works:
    def __init__(self, size, layout):
        self.numbers = SIZES[size]
        self.memory = torch.channels_last if layout == "channels-last" else torch.contiguous_format
        channels, side, *_, real, synthetic = self.numbers
        torch.manual_seed(0)
        self.real, self.images = real, CLASSES * synthetic
        self.net = self.network()
        self.batch = self.put(torch.randn(real, channels, side, side))
        self.synthetic = self.put(torch.randn(self.images, channels, side, side))
        self.labels = torch.arange(CLASSES).repeat_interleave(synthetic)
        self.data, self.pixels, self.judge = None, None, None
        self.count = 0

    def put(self, x):
        return x.contiguous(memory_format=self.memory)

    def network(self):
        channels, side, width, depth, padding, *_ = self.numbers
        if width is None:
            return ResNet18(channels).to(memory_format=self.memory)
        return ConvNet(channels, side, width, depth, padding).to(memory_format=self.memory)

    def forward(self):
        self.net.requires_grad_(False)
        with torch.no_grad():
            self.net.embed(self.batch)

    def image_gradient(self):
        self.net.requires_grad_(False)
        self.net.embed(self.synthetic.detach().requires_grad_()).sum().backward()

    def all_gradients(self):
        self.net.requires_grad_(True)
        self.net.zero_grad()
        self.net.embed(self.batch.detach().requires_grad_()).sum().backward()

    def dm_step(self):
        if self.data is None:
            channels, side, *_ = self.numbers
            self.data = torch.randn(CLASSES, PER_CLASS, channels, side, side)
            self.pixels = self.synthetic.clone().requires_grad_()
            self.optimizer = torch.optim.SGD([self.pixels], lr=1.0, momentum=0.5)
        net = self.network().requires_grad_(False)
        loss = 0.0
        for c in range(CLASSES):
            self.count += 1
            real = self.data[c][torch.randperm(PER_CLASS)[: self.real]]
            images = self.pixels.reshape(CLASSES, -1, *self.pixels.shape[1:])[c]
            with torch.no_grad():
                target = net.embed(self.put(augment(real, self.count, True))).mean(0)
            loss = loss + ((target - net.embed(self.put(augment(images, self.count, True))).mean(0)) ** 2).sum()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def evaluation_epoch(self):
        if self.judge is None:
            self.judge = self.network().requires_grad_(True)
            self.trainer = torch.optim.SGD(self.judge.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
        order = torch.randperm(self.images)
        for start in range(0, self.images, 256):
            self.count += 1
            chosen = order[start : start + 256]
            batch = self.put(augment(self.synthetic[chosen], self.count, False))
            loss = F.cross_entropy(self.judge(batch), self.labels[chosen])
            self.trainer.zero_grad()
            loss.backward()
            self.trainer.step()


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def product():
    a = torch.randn(2048, 2048)
    return 2 * 2048**3 / timed(lambda: a @ a) / 1e9


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", choices=SIZES, default="cifar")
    parser.add_argument("--layout", choices=["default", "channels-last"], default="default")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=WORKS, action="append")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    works = Works(options.size, options.layout)
    answer = {"torch": torch.__version__}
    if not options.only:
        answer["matmul_gflops"] = max(product() for _ in range(options.repeats))
    for name in options.only or WORKS:
        work = getattr(works, name)
        work()
        seconds = sorted(timed(work) for _ in range(options.repeats))
        answer[name] = seconds[len(seconds) // 2]
    answer["peak_rss_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
