"""Does the same runs in PyTorch, from the formulas of the papers, and compares: losses and image gradients of the first steps, and
the accuracies that the images reach.

    cargo build --release --bins --bench parity
    python3 /path/to/unpack.py DATA           # CIFAR-10 and Fashion-MNIST in their published formats
    python3 benches/parity/parity.py --cifar10 DATA/cifar-10-batches-bin --fashion DATA/fashion-mnist --out OUT

A row is a method, a data set and a seed. `benches/parity/export.rs` writes the start images, the pool, and what the first three steps
draw; this file makes those steps by itself, with its own augmentation, networks, losses and loop. Then it makes the whole run with
numbers of its own from the same start images and the same pool, judges the images as `evaluate_synset` does, and has the program do
and judge its own run. OUT/rows.jsonl has a line for each half of a row; what is there is not done again. By hand, never in CI.
"""

import argparse
import json
import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
METHODS = {"DM": "dm-cpu", "IID": "iid-cpu", "CMI": "cmi-cpu", "IDM": "idm-cpu"}
TEST = {"cifar10": "cifar10", "fashion": "idx"}

# ---------------------------------------------------------------------------------------------------- files


def read_safetensors(path):
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    about = json.loads(header.pop("__metadata__")["about"])
    kinds = {"F32": np.float32, "I64": np.int64}
    tensors = {}
    for name, entry in header.items():
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        array = np.frombuffer(raw[start:end], kinds[entry["dtype"]]).reshape(entry["shape"])
        tensors[name] = torch.from_numpy(array.copy())
    return about, tensors


def test_split(kind, folder):
    """Images as bytes (n, c, h, w) and labels."""
    folder = Path(folder)
    if kind == "cifar10":
        rows = np.fromfile(folder / "test_batch.bin", np.uint8).reshape(-1, 3073)
        return rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0].astype(np.int64)
    return idx(folder / "t10k-images-idx3-ubyte.gz")[:, None], idx(folder / "t10k-labels-idx1-ubyte.gz").astype(np.int64)


def train_split(kind, folder):
    folder = Path(folder)
    if kind == "cifar10":
        rows = np.concatenate([np.fromfile(folder / f"data_batch_{part}.bin", np.uint8).reshape(-1, 3073) for part in range(1, 6)])
        return rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0].astype(np.int64)
    return idx(folder / "train-images-idx3-ubyte.gz")[:, None], idx(folder / "train-labels-idx1-ubyte.gz").astype(np.int64)


def idx(path):
    import gzip

    raw = gzip.decompress(path.read_bytes())
    rank = raw[3]
    sizes = struct.unpack(f">{rank}I", raw[4 : 4 + 4 * rank])
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(sizes)


# ---------------------------------------------------------------------------------------------------- networks


class ConvNet(nn.Module):
    """Blocks of 3x3 convolution, a norm of each channel of each image, ReLU, 2x2 mean pooling; then a linear layer."""

    def __init__(self, channels, side, classes, width, depth, padding):
        super().__init__()
        self.blocks = nn.ModuleList()
        for block in range(depth):
            pad = padding if block == 0 else 1
            convolution = nn.Conv2d(channels if block == 0 else width, width, 3, padding=pad)
            self.blocks.append(nn.Sequential(convolution, nn.GroupNorm(width, width, eps=1e-5), nn.ReLU(), nn.AvgPool2d(2)))
            side = (side + 2 * pad - 2) // 2
        self.classifier = nn.Linear(width * side * side, classes)

    def maps(self, x):
        for block in self.blocks:
            x = block(x)
        return x

    def embed(self, x):
        return self.maps(x).flatten(1)

    def forward(self, x):
        return self.classifier(self.embed(x))

    def load(self, packed, weight, bias):
        """From one row of numbers, weight, bias, gamma and beta of block after block, and the linear layer."""
        at = 0
        with torch.no_grad():
            for block in self.blocks:
                for parameter in (block[0].weight, block[0].bias, block[1].weight, block[1].bias):
                    parameter.copy_(packed[at : at + parameter.numel()].view_as(parameter))
                    at += parameter.numel()
            assert at == len(packed)
            self.classifier.weight.copy_(weight)
            self.classifier.bias.copy_(bias)
        return self


def network(spec, shape, classes):
    padding = spec.get("padding") or (3 if shape[0] == 1 else 1)
    return ConvNet(shape[0], shape[1], classes, spec["width"], spec["depth"], padding)


def frozen(net):
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    return net


# ---------------------------------------------------------------------------------------------------- augmentation


def draw(families, shape, generator):
    """One family with its numbers, for all images alike (Siamese)."""
    u = lambda: float(torch.rand((), generator=generator))
    whole = lambda low, high: int(torch.randint(low, high + 1, (), generator=generator))
    side = shape[1]
    family = families[whole(0, len(families) - 1)]
    if family == "color":
        return [family, u(), u(), u()]
    if family == "crop":
        reach = int(side * 0.125 + 0.5)
        return [family, whole(-reach, reach), whole(-reach, reach)]
    if family == "cutout":
        last = side - int(side * 0.5 + 0.5) % 2
        return [family, whole(0, last), whole(0, last)]
    if family == "flip":
        return [family, u() < 0.5]
    if family == "scale":
        return [family, *(u() * (1.2 - 1 / 1.2) + 1 / 1.2 for _ in range(2))]
    return [family, float(np.deg2rad((u() - 0.5) * 30))]


def augment(x, drawn):
    family, *p = drawn
    side = x.shape[2]
    if family == "identity":
        return x
    if family == "flip":
        return x.flip(3) if p[0] else x
    if family == "color":
        x = x + (p[0] - 0.5)
        grey = x.mean(1, keepdim=True)
        x = (x - grey) * (2 * p[1]) + grey
        middle = x.mean((1, 2, 3), keepdim=True)
        return (x - middle) * (p[2] + 0.5) + middle
    if family == "crop":
        reach = int(side * 0.125 + 0.5)
        padded = F.pad(x, (reach,) * 4)
        return padded[:, :, reach + p[1] : reach + p[1] + side, reach + p[0] : reach + p[0] + side]
    if family == "cutout":
        size = int(side * 0.5 + 0.5)
        mask = torch.ones(side, side)
        rows = torch.clamp(torch.arange(size) + p[1] - size // 2, 0, side - 1)
        columns = torch.clamp(torch.arange(size) + p[0] - size // 2, 0, side - 1)
        mask[rows[:, None], columns[None]] = 0
        return x * mask
    if family == "scale":
        theta = torch.tensor([[p[0], 0, 0], [0, p[1], 0]])
    else:
        cos, sin = np.cos(p[0]), np.sin(p[0])
        theta = torch.tensor([[cos, -sin, 0], [sin, cos, 0]])
    grid = F.affine_grid(theta.to(x)[None].expand(len(x), 2, 3), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def augment_each(x, families):
    """One family for the batch, numbers for each image, as networks are trained to judge."""
    family = families[int(torch.randint(len(families), ()))]
    if family in ("scale", "rotate"):
        n = len(x)
        zero = torch.zeros(n)
        if family == "scale":
            sx, sy = (torch.rand(n) * (1.2 - 1 / 1.2) + 1 / 1.2 for _ in range(2))
            theta = torch.stack([torch.stack([sx, zero, zero], 1), torch.stack([zero, sy, zero], 1)], 1)
        else:
            angle = torch.deg2rad((torch.rand(n) - 0.5) * 30)
            cos, sin = angle.cos(), angle.sin()
            theta = torch.stack([torch.stack([cos, -sin, zero], 1), torch.stack([sin, cos, zero], 1)], 1)
        return F.grid_sample(x, F.affine_grid(theta, list(x.shape), align_corners=False), align_corners=False)
    if family == "color":
        u = torch.rand(3, len(x), 1, 1, 1)
        x = x + (u[0] - 0.5)
        grey = x.mean(1, keepdim=True)
        x = (x - grey) * (2 * u[1]) + grey
        middle = x.mean((1, 2, 3), keepdim=True)
        return (x - middle) * (u[2] + 0.5) + middle
    if family == "flip":
        return torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(3), x)
    generator = torch.default_generator
    return torch.cat([augment(image[None], draw([family], image.shape, generator)) for image in x])


# ---------------------------------------------------------------------------------------------------- losses


def expand(x, parts):
    """Mosaics of parts by parts: down first, then to the right, each at the full size."""
    if parts == 1:
        return x
    side = x.shape[2]
    edges = [part * side // parts for part in range(parts + 1)]
    cut = lambda c, r: x[:, :, edges[r] : edges[r + 1], edges[c] : edges[c + 1]]
    whole = [F.interpolate(cut(c, r), size=(side, side), mode="bilinear", align_corners=False) for c in range(parts) for r in range(parts)]
    return torch.stack(whole, 1).flatten(0, 1)


def covariance(maps):
    x = maps.flatten(2)
    x = x - x.mean(0, keepdim=True)
    return torch.einsum("bcp,bdp->cd", x, x) / len(x)


def information(features, labels):
    """Mean over all images of the divergence from the mean distribution of their class."""
    p = features.softmax(1)
    total = 0.0
    for label in labels.unique():
        own = p[labels == label]
        total = total + (own * (own.log() - own.mean(0, keepdim=True).log())).sum()
    return total / len(p)


class Run:
    """A distillation, one step after the other. What is drawn comes from `source`."""

    def __init__(self, about, start, pool, source):
        self.about, self.source = about, source
        spec = about["spec"]
        self.classes = about["classes"]
        self.per_class = spec["images"]["per_class"]
        self.parts = spec["images"]["packing"]
        self.weights = about["weights"]
        self.by_class = spec["optimizer"]["updates"] == "by_class"
        self.pool = pool
        self.images = start.clone().requires_grad_(True)
        self.optimizer = torch.optim.SGD([self.images], lr=spec["optimizer"]["learning_rate"], momentum=spec["optimizer"]["momentum"])
        self.labels = torch.arange(self.classes).repeat_interleave(self.per_class)

    def own(self, label):
        return self.images[label * self.per_class : (label + 1) * self.per_class]

    def of_class(self, net, accuracy, label, inputs, guide):
        """The terms of a class, weighted; their unweighted values as our report has them."""
        w, values = self.weights, {}
        real, drawn = inputs["real"][label], inputs["draws"][label]
        shown = augment(expand(self.own(label), self.parts), drawn)
        with torch.no_grad():
            real_maps = net.maps(augment(real, drawn))
        maps = net.maps(shown)
        values["mean"] = (real_maps.flatten(1).mean(0) - maps.flatten(1).mean(0)).square().sum()
        if w["covariance"]:
            values["covariance"] = (covariance(real_maps) - covariance(maps)).square().sum()
        if w["centralization"]:
            features = guide.embed(shown)
            values["centralization"] = (features - features.mean(0)).square().sum()
        if w["cross_entropy"]:
            scores = net.classifier(maps.flatten(1))
            values["cross_entropy"] = 100 * accuracy * F.cross_entropy(scores, torch.full((len(scores),), label))
        return sum(w[name] * value for name, value in values.items()), {name: float(value.detach()) for name, value in values.items()}

    def step(self, number):
        inputs = self.source.inputs(number)
        net, accuracy = self.source.looks(number, inputs)
        guide = self.pool[inputs["pool"]] if self.pool else None
        values, gradients = [], torch.zeros_like(self.images)
        if self.by_class:
            for label in range(self.classes):
                loss, of_class = self.of_class(net, accuracy, label, inputs, guide)
                self.optimizer.zero_grad()
                loss.backward()
                gradients += self.images.grad
                self.optimizer.step()
                values.append(of_class)
        else:
            total = 0.0
            for label in range(self.classes):
                loss, of_class = self.of_class(net, accuracy, label, inputs, guide)
                total = total + loss
                values.append(of_class)
            if self.weights["information"]:
                # The authors' mean over all classes, times the released weight, which is ours times the classes.
                features = guide.embed(expand(self.images, self.parts))
                value = information(features, self.labels.repeat_interleave(self.parts**2))
                total = total + self.classes * self.weights["information"] * value
                for of_class in values:
                    of_class["information"] = float(value.detach())
            self.optimizer.zero_grad()
            total.backward()
            gradients += self.images.grad
            self.optimizer.step()
        self.source.age(number)
        mean = {name: float(np.mean([of_class[name] for of_class in values])) for name in values[0]}
        return mean, gradients


class Queue:
    """Networks that learn from real images, oldest first."""

    def __init__(self, spec):
        self.spec, self.members, self.came = spec, [], 0

    def push(self, net):
        spec = self.spec
        optimizer = torch.optim.SGD(net.parameters(), lr=spec["learning_rate"], momentum=spec["momentum"], weight_decay=spec["weight_decay"])
        self.members.append({"serial": self.came, "net": net, "optimizer": optimizer, "right": 0, "seen": 0})
        self.came += 1

    def learn(self, member, images, labels):
        scores = member["net"](images)
        member["right"] += int((scores.argmax(1) == labels).sum())
        member["seen"] += len(labels)
        member["optimizer"].zero_grad()
        F.cross_entropy(scores, labels).backward()
        member["optimizer"].step()

    def after(self, step, young):
        if step % self.spec["push_every"] == 0:
            self.push(young())
        del self.members[: max(0, len(self.members) - self.spec["most"])]
        if self.spec["forget_every"] and step % self.spec["forget_every"] == 0:
            for member in self.members:
                member["right"] = member["seen"] = 0


def looked_through(member):
    """A network of the queue, held while images move, and its running accuracy."""
    import copy

    accuracy = member["right"] / member["seen"] if member["seen"] else 0.0
    return frozen(copy.deepcopy(member["net"])), accuracy


class Told:
    """What our own run drew, from the exported file."""

    def __init__(self, about, tensors):
        self.about, self.tensors = about, tensors
        self.shape = tensors["start"].shape[1:]
        self.queue = Queue(about["spec"]["queue"]) if about["queue"] else None
        if self.queue:
            for _ in range(self.queue.spec["start"]):
                self.queue.push(self.loaded(f"queue.{self.queue.came}"))

    def loaded(self, name):
        net = network(self.about["network"], self.shape, self.about["classes"])
        return net.load(*(self.tensors[f"{name}.{at}"] for at in range(3)))

    def inputs(self, number):
        drawn = self.about["draws"][number - 1]
        real = self.tensors[f"{number}.real"].view(self.about["classes"], -1, *self.shape)
        return {"real": real, "draws": drawn["classes"], "pool": drawn["pool"]}

    def looks(self, number, _):
        if not self.queue:
            return frozen(self.loaded(f"{number}.network")), 0.0
        serial = self.about["queue"][number - 1]["looks"]
        return looked_through(next(one for one in self.queue.members if one["serial"] == serial))

    def age(self, number):
        if self.queue:
            for slot, serial in enumerate(self.about["queue"][number - 1]["learn"]):
                member = next(one for one in self.queue.members if one["serial"] == serial)
                images, labels = (self.tensors[f"{number}.learn.{slot}.{what}"] for what in ("images", "labels"))
                size = self.queue.spec["batch"]
                for batch in range(self.queue.spec["batches"]):
                    own = slice(batch * size, (batch + 1) * size)
                    self.queue.learn(member, images[own], labels[own])
            self.queue.after(number, lambda: self.loaded(f"queue.{self.queue.came}"))


class Own:
    """Everything drawn by PyTorch."""

    def __init__(self, about, images, labels, pool, seed):
        self.about, self.images, self.labels, self.pool = about, images, labels, pool
        self.generator = torch.Generator().manual_seed(seed)
        self.shape = images.shape[1:]
        self.of_class = [torch.nonzero(labels == label)[:, 0] for label in range(about["classes"])]
        self.families = about["families"]
        self.queue = Queue(about["spec"]["queue"]) if about["spec"].get("queue") else None
        if self.queue:
            for _ in range(self.queue.spec["start"]):
                self.queue.push(self.young())

    def young(self):
        return network(self.about["network"], self.shape, self.about["classes"])

    def below(self, count):
        return int(torch.randint(count, (), generator=self.generator))

    def inputs(self, _):
        count = self.about["spec"]["real"]["batch"]
        some = lambda own: own[torch.randperm(len(own), generator=self.generator)[:count]]
        return {
            "real": [self.images[some(own)] for own in self.of_class],
            "draws": [draw(self.families, self.shape, self.generator) for _ in self.of_class],
            "pool": self.below(len(self.pool)) if self.pool else 0,
        }

    def looks(self, *_):
        if not self.queue:
            return frozen(self.young()), 0.0
        return looked_through(self.queue.members[self.below(len(self.queue.members))])

    def age(self, number):
        if self.queue:
            spec = self.queue.spec
            for at in torch.randperm(len(self.queue.members), generator=self.generator)[: spec["trained"]]:
                for _ in range(spec["batches"]):
                    some = torch.randint(len(self.labels), (spec["batch"],), generator=self.generator)
                    self.queue.learn(self.queue.members[int(at)], self.images[some], self.labels[some])
            self.queue.after(number, self.young)


# ---------------------------------------------------------------------------------------------------- judging


def judged(images, labels, about, test, epochs, networks):
    """Accuracies of fresh networks trained on the images: SGD 0.01, a tenth of it after the epoch epochs // 2 + 1."""
    values = []
    shape, families = images.shape[1:], about["families"]
    for _ in range(networks):
        net = network(about["network"], shape, about["classes"])
        made = lambda rate: torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9, weight_decay=5e-4)
        optimizer = made(0.01)
        for epoch in range(epochs + 1):
            for some in torch.randperm(len(images)).split(256):
                loss = F.cross_entropy(net(augment_each(images[some], families)), labels[some])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            if epoch == epochs // 2 + 1:
                optimizer = made(0.001)
        with torch.no_grad():
            right = [(net(x).argmax(1) == y).sum() for x, y in zip(test[0].split(500), test[1].split(500))]
        values.append(float(sum(right)) / len(test[1]))
    return values


# ---------------------------------------------------------------------------------------------------- rows


def off(gradient, other):
    """Relative distance of the gradients of each image, over the mean length of all."""
    away = (gradient.double() - other.double()).flatten(1).norm(dim=1)
    return away / other.double().flatten(1).norm(dim=1).mean()


def first_steps(about, tensors, pool):
    """Relative differences of losses and gradients, step by step: ours from PyTorch in double or single precision, whichever
    is nearer, and beside it these two from each other. A unit whose input is zero up to rounding opens in one program and is closed in another, which
    moves the gradient of its image by a thousandth: so the median over images stands beside the number of those that are beyond."""
    import copy

    single = Run(about, tensors["start"], pool, Told(about, tensors))
    doubled = {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    torch.set_default_dtype(torch.float64)
    double = Run(about, doubled["start"], [copy.deepcopy(net).double() for net in pool], Told(about, doubled))
    rows = []
    for step in range(1, about["steps"] + 1):
        torch.set_default_dtype(torch.float32)
        _, in_single = single.step(step)
        torch.set_default_dtype(torch.float64)
        values, gradient = double.step(step)
        theirs = {term["term"]: term["raw"] for term in about["reports"][step - 1]["terms"] if term["weight"] > 0}
        assert set(theirs) == set(values), (theirs, values)
        # The weight of IDM's cross-entropy counts images, of which a rounding may move one: the nearer of both precisions counts.
        ours = torch.minimum(*(off(tensors[f"{step}.ours.gradient"], one) for one in (gradient, in_single)))
        torch_itself = off(in_single, gradient)
        rows.append(
            {
                "loss": sum(about["weights"][name] * value for name, value in values.items()),
                "loss_ours": sum(about["weights"][name] * value for name, value in theirs.items()),
                "losses_off": max(abs(values[name] - theirs[name]) / max(abs(values[name]), 1e-12) for name in values if values[name]),
                "gradient_off": float(ours.median()),
                "beyond": int((ours > 1e-4).sum()),
                "gradient_off_torch": float(torch_itself.median()),
                "beyond_torch": int((torch_itself > 1e-4).sum()),
                "images": len(ours),
            }
        )
    torch.set_default_dtype(torch.float32)
    return rows


def spiritsafe(program, *arguments):
    done = subprocess.run([program, *arguments, "--json"], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cifar10", help="folder of CIFAR-10, binary version")
    parser.add_argument("--fashion", help="folder of Fashion-MNIST, IDX files; its name must have 'fashion' in it")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", default="cifar10:0,fashion:0,cifar10:1,cifar10:2", help="data set and seed, in this order")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--only-steps", action="store_true", help="the first three steps alone, without the runs")
    parser.add_argument("--program", default=str(ROOT / "target/release/spiritsafe"))
    parser.add_argument("--export", help="the built export, target/release/deps/parity-...")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    known = options.out / "rows.jsonl"
    lines = [json.loads(line) for line in known.read_text().splitlines()] if known.exists() else []
    done = {(line["data"], line["seed"], line["method"], line["part"]): line for line in lines}

    def keep(line):
        done[line["data"], line["seed"], line["method"], line["part"]] = line
        with known.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)

    for row in options.rows.split(","):
        kind, seed = row.split(":")
        folder = getattr(options, kind)
        data = f"{TEST[kind]}:{folder}"
        for method in options.methods.split(","):
            parts = ["steps"] if options.only_steps else ["steps", "theirs", "ours"]
            missing = [part for part in parts if (kind, int(seed), method, part) not in done]
            if not missing:
                continue
            about_row = {"data": kind, "seed": int(seed), "method": method}
            file = options.out / f"{method}-{kind}-{seed}.safetensors"
            if not file.exists():
                export = [options.export] if options.export else ["cargo", "bench", "--bench", "parity", "--"]
                subprocess.run([*export, str(file), METHODS[method], data, seed, "3"], check=True, cwd=ROOT)
            about, tensors = read_safetensors(file)
            shape = tensors["start"].shape[1:]
            pool = []
            while f"pool.{len(pool)}.0" in tensors:
                net = network(about["pool"], shape, about["classes"])
                pool.append(frozen(net.load(*(tensors[f"pool.{len(pool)}.{at}"] for at in range(3)))))
            mean, std = (torch.tensor(about[key]).view(1, -1, 1, 1) for key in ("mean", "std"))
            normal = lambda images: (torch.from_numpy(images.copy()).float() / 255 - mean) / std
            steps = about["spec"]["steps"]
            if "steps" in missing:
                keep({**about_row, "part": "steps", "steps": first_steps(about, tensors, pool)})
            if "theirs" in missing:
                torch.manual_seed(1000 + int(seed))
                images, labels = train_split(kind, folder)
                source = Own(about, normal(images), torch.from_numpy(labels), pool, int(seed))
                run, clock = Run(about, tensors["start"], pool, source), time.time()
                for step in range(1, steps + 1):
                    run.step(step)
                secs = time.time() - clock
                shown = expand(run.images.detach(), run.parts)
                test_images, test_labels = test_split(kind, folder)
                test = normal(test_images), torch.from_numpy(test_labels)
                values = judged(shown, run.labels.repeat_interleave(run.parts**2), about, test, 300, 3)
                keep({**about_row, "part": "theirs", "values": values, "secs": secs})
            if "ours" in missing:
                folder_out = options.out / f"run-{method}-{kind}-{seed}"
                arguments = ["--preset", METHODS[method], "--data", data, "--seed", seed, "--out", str(folder_out)]
                arguments += ["--set", "holdout=0.0", "--set", 'evaluation.last="dm@300x3"']
                if (folder_out / "run.json").exists():
                    arguments = ["--resume", "--out", str(folder_out)]
                spiritsafe(options.program, "distill", *arguments)
                # A run leaves out at its end what is forecast to take long.
                spiritsafe(options.program, "evaluate", str(folder_out), "--protocol", "dm@300x3")
                found = [json.loads(line) for line in (folder_out / "evaluations.jsonl").read_text().splitlines()]
                own = next(line for line in reversed(found) if line["subject"] == "synthetic" and line["accuracy"]["protocol"] == "dm@300x3")
                keep({**about_row, "part": "ours", "values": own["values"]})
    print(table(done))


def table(done):
    """What is there, as a table; seeds of a data set together."""
    text = ["| data | method | losses off | gradients off, median | images beyond 1e-4 | the same, PyTorch float32 | PyTorch, % | ours, % | difference, two standard errors |"]
    text.append("|---" * 9 + "|")
    for kind, method in sorted({(key[0], key[2]) for key in done}):
        of = lambda part: [line for key, line in sorted(done.items()) if key[0] == kind and key[2] == method and key[3] == part]
        steps = [step for line in of("steps") for step in line["steps"]]
        worst = lambda what: f"{max(step[what] for step in steps):.1e}" if steps else "–"
        beyond = lambda what: f"{sum(step[what] for step in steps)} of {sum(step['images'] for step in steps)}" if steps else "–"
        itself = f"{worst('gradient_off_torch')}, {beyond('beyond_torch')}"
        cells = [worst("losses_off"), worst("gradient_off"), beyond("beyond"), itself]
        theirs, ours = ([value for line in of(part) for value in line["values"]] for part in ("theirs", "ours"))
        show = lambda values: f"{100 * np.mean(values):.1f} ± {100 * np.std(values, ddof=1):.1f} ({len(values)})" if values else "–"
        gap = "–"
        if theirs and ours:
            error = np.sqrt(np.var(theirs, ddof=1) / len(theirs) + np.var(ours, ddof=1) / len(ours))
            gap = f"{100 * (np.mean(ours) - np.mean(theirs)):+.1f}, {200 * error:.1f}"
        text.append(f"| {kind} | {method} | {' | '.join(cells)} | {show(theirs)} | {show(ours)} | {gap} |")
    return "\n".join(text)


if __name__ == "__main__":
    main()
