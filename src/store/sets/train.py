"""Trains fresh networks on this distilled set and tests them, by the protocol of card.json.

    python3 train.py            # needs PyTorch and NumPy; reads synthetic.npz, test.npz and card.json beside it
    python3 train.py --pictures # trains on the 8-bit pictures instead (needs Pillow)

The test images of test.npz can be replaced by others: images (n, c, h, w) as bytes, labels (n,).
"""

import argparse
import json
import math
import re
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

HERE = Path(__file__).parent
CARD = json.loads((HERE / "card.json").read_text())
MEAN, STD = (torch.tensor(CARD[key]).reshape(1, -1, 1, 1) for key in ("mean", "std"))


def convnet(channels, height, width, classes, spec):
    """Blocks of 3x3 convolution, instance norm, ReLU and 2x2 mean pooling, then a linear layer."""
    usual = {"kind": "convnet", "norm": "instance", "activation": "relu", "pooling": "avg"}
    if any(spec.get(key) != value for key, value in usual.items()):
        raise SystemExit(f"this script knows the ConvNet with instance norm, ReLU and mean pooling, not {spec}")
    filters, padding = spec["width"], spec.get("padding") or (3 if channels == 1 else 1)
    layers = []
    for block in range(spec["depth"]):
        first = block == 0
        pad = padding if first else 1
        layers += [nn.Conv2d(channels if first else filters, filters, 3, padding=pad), nn.GroupNorm(filters, filters)]
        layers += [nn.ReLU(), nn.AvgPool2d(2)]
        height, width = (height + 2 * pad - 2) // 2, (width + 2 * pad - 2) // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(filters * height * width, classes))


def taken_apart(images, labels):
    """Every part of the mosaics at the full size: down first, then to the right."""
    factor, (height, width) = CARD["packing"], images.shape[2:]
    if factor == 1:
        return images, labels
    edges = lambda side: [part * side // factor for part in range(factor + 1)]
    rows, columns = edges(height), edges(width)
    parts = [
        F.interpolate(images[:, :, rows[r] : rows[r + 1], columns[c] : columns[c + 1]], size=(height, width), mode="bilinear")
        for c in range(factor)
        for r in range(factor)
    ]
    return torch.cat(parts), labels.repeat(factor * factor, *[1] * (labels.ndim - 1))


def augment(x):
    """One family for the batch, its parameters for each image (DSA)."""
    families = CARD["augmentation"]
    if not families:
        return x
    n, _, height, width = x.shape
    draw = lambda *shape: torch.rand(n, *shape)
    family = families[int(torch.randint(len(families), ()))]
    if family == "flip":
        return torch.where(draw(1, 1, 1) < 0.5, x.flip(3), x)
    if family == "color":
        x = x + (draw(1, 1, 1) - 0.5)
        grey = x.mean(1, keepdim=True)
        x = (x - grey) * (draw(1, 1, 1) * 2) + grey
        middle = x.mean((1, 2, 3), keepdim=True)
        return (x - middle) * (draw(1, 1, 1) + 0.5) + middle
    rows, columns = torch.arange(height)[None, :], torch.arange(width)[None, :]
    if family == "crop":
        reach = int(height * 0.125 + 0.5)
        dy, dx = ((torch.randint(-reach, reach + 1, (n, 1))) for _ in range(2))
        padded, batch = F.pad(x, (reach,) * 4).permute(0, 2, 3, 1), torch.arange(n)[:, None, None]
        return padded[batch, (rows + reach + dy)[:, :, None], (columns + reach + dx)[:, None, :]].permute(0, 3, 1, 2)
    if family == "cutout":
        side = int(height * 0.5 + 0.5)
        oy = torch.randint(0, height + 1 - side % 2, (n, 1)) - side // 2
        ox = torch.randint(0, width + 1 - side % 2, (n, 1)) - side // 2
        hit = ((rows >= oy) & (rows < oy + side))[:, :, None] & ((columns >= ox) & (columns < ox + side))[:, None, :]
        return x * (~hit)[:, None]
    zero = torch.zeros(n)
    if family == "scale":
        sx, sy = (draw() * (1.2 - 1 / 1.2) + 1 / 1.2 for _ in range(2))
        theta = torch.stack([torch.stack([sx, zero, zero], 1), torch.stack([zero, sy, zero], 1)], 1)
    else:  # rotate
        angle = (draw() - 0.5) * 2 * math.radians(15)
        cos, sin = angle.cos(), angle.sin()
        theta = torch.stack([torch.stack([cos, -sin, zero], 1), torch.stack([sin, cos, zero], 1)], 1)
    return F.grid_sample(x, F.affine_grid(theta, list(x.shape), align_corners=False), align_corners=False)


def factors(pictures):
    """How much each image counts; the mean in a class is 1."""
    if CARD.get("masses") is None and CARD.get("weights") is None:
        return None
    if not pictures:
        return torch.from_numpy(np.load(HERE / "synthetic.npz")["weights"])
    # Class by class in the order of their labels.
    order = sorted(range(len(CARD["labels"])), key=lambda row: CARD["labels"][row])
    if CARD.get("masses") is None:
        return torch.cat([torch.tensor(CARD["weights"][row]) for row in order])
    rows = [torch.tensor(CARD["masses"][row]) ** CARD["tempering"] for row in order]
    return torch.cat([row / row.mean() for row in rows])


def train(images, labels, weights, epochs):
    net = convnet(*images.shape[1:], len(CARD["class_names"]), CARD["network_config"])
    optimizer = lambda rate: torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9, weight_decay=5e-4)
    sgd = optimizer(0.01)
    for epoch in range(epochs + 1):
        if epoch == epochs // 2 + 2:  # after the epoch epochs // 2 + 1
            sgd = optimizer(0.001)
        for chosen in torch.randperm(len(images)).split(256):
            losses = F.cross_entropy(net(augment(images[chosen])), labels[chosen], reduction="none")
            loss = (losses if weights is None else losses * weights[chosen]).mean()
            sgd.zero_grad()
            loss.backward()
            sgd.step()
    return net


@torch.no_grad()
def accuracy(net, images, labels):
    right = [(net(x).argmax(1) == y).sum() for x, y in zip(images.split(256), labels.split(256))]
    return float(sum(right)) / len(labels)


def distilled(pictures):
    if not pictures:
        arrays = np.load(HERE / "synthetic.npz")
        labels = arrays["soft_labels"] if "soft_labels" in arrays else arrays["labels"]
        return torch.from_numpy(arrays["images"]), torch.from_numpy(labels)
    from PIL import Image

    folders = CARD.get("class_folders") or CARD["class_names"]
    files = [(path, label) for label, name in enumerate(folders) for path in sorted((HERE / "images" / name).glob("*.png"))]
    mode = "RGB" if CARD["shape"][0] == 3 else "L"
    images = [np.asarray(Image.open(path).convert(mode), np.float32).reshape(*CARD["shape"][1:], -1) for path, _ in files]
    labels = torch.tensor([label for _, label in files])
    if CARD["label_kind"] == "soft":
        soft = json.loads((HERE / "images" / "soft-labels.json").read_text())
        labels = torch.tensor([soft[f"{path.parent.name}/{path.name}"] for path, _ in files])
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2) / 255, labels


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", action="store_true")
    parser.add_argument("--networks", type=int, help="instead of the protocol's")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    shown = CARD["exported" if options.pictures else "distilled"]
    protocol = shown["protocol"] if shown else "dm@300x5"
    size = re.fullmatch(r"(?:dm|quick)@(\d+)x(\d+)", protocol)
    if not size:
        raise SystemExit(f"this script trains by the protocol dm, and the card was measured by {protocol}")
    epochs, networks = map(int, size.groups())
    torch.manual_seed(options.seed)
    images, labels = taken_apart(*distilled(options.pictures))
    weights = factors(options.pictures)
    weights = weights if weights is None else weights.repeat(CARD["packing"] ** 2)
    test = np.load(HERE / "test.npz")
    normal = lambda x: (x - MEAN) / STD
    tested = normal(torch.from_numpy(test["images"]).float() / int(test["white"])), torch.from_numpy(test["labels"])
    values = []
    for network in range(options.networks or networks):
        values.append(accuracy(train(normal(images), labels, weights, epochs), *tested))
        print(f"network {network + 1}: {100 * values[-1]:.2f} %")
    spread = np.std(values, ddof=1) if len(values) > 1 else 0.0
    print(f"{protocol}: {100 * np.mean(values):.1f} ± {100 * spread:.1f} %")
    if shown:
        print(f"the card says: {100 * shown['mean']:.1f} ± {100 * shown['std']:.1f} %")


if __name__ == "__main__":
    main()
