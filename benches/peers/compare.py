"""Spirit Safe beside PyTorch on this machine: both do the same works in turn, round after round, and the medians are held
against each other. With a Python that has PyTorch, from anywhere:

    python3 benches/peers/compare.py [--size cifar|mnist|digits|resnet18] [--rounds 5] [--repeats 3] [--threads 2]

The command line is built first, unless `--program` names one. A quiet machine is needed: both sides count wall time.

Memory is the peak of a process that does nothing but that work (PyTorch's starts at what importing it takes, which is
shown apart).
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
WORKS = ["forward", "image_gradient", "all_gradients", "dm_step", "evaluation_epoch"]


def build():
    command = ["cargo", "build", "--release", "--no-default-features", "--bin", "spiritsafe", "--message-format", "json"]
    lines = subprocess.run(command, cwd=HERE, stdout=subprocess.PIPE, check=True).stdout.splitlines()
    return next(path for path in (json.loads(line).get("executable") for line in lines) if path)


def ask(command, threads):
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "RAYON_NUM_THREADS": str(threads)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", help="a built spiritsafe")
    parser.add_argument("--size", default="cifar")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    program = options.program or build()
    common = ["--size", options.size, "--repeats", str(options.repeats), "--threads", str(options.threads)]
    torch = [sys.executable, str(HERE / "torch_works.py"), *common, "--layout"]
    sides = {
        "ours": [program, "bench", "--json", *common],
        "default": [*torch, "default"],
        "channels-last": [*torch, "channels-last"],
    }
    answers = {side: [] for side in sides}
    for turn in range(options.rounds):
        for side, command in sides.items():
            answers[side].append(ask(command, options.threads))
            print(f"round {turn + 1}/{options.rounds}: {side}", file=sys.stderr)
    peaks = {side: {work: peak(command, work, options.threads) for work in WORKS} for side, command in sides.items()}
    bare = ask([sys.executable, "-c", BARE], options.threads)["peak_rss_bytes"]
    show(options, answers, peaks, bare)


BARE = """
import json, resource, torch
print(json.dumps({"peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
"""


def peak(command, work, threads):
    return ask([*command, "--only", work], threads)["peak_rss_bytes"]


def show(options, answers, peaks, bare):
    of = lambda side, key: [answer[key] for answer in answers[side]]
    ours = answers["ours"][0]
    print(f"size {options.size}, {options.threads} threads, {ours['instruction_set']}, PyTorch {answers['default'][0]['torch']},")
    print(f"medians (least - most) of {options.rounds} rounds, each a median of {options.repeats}")
    print(f"\n{'work':<18}{'ours, ms':>30}{'PyTorch, ms':>32}{'channels last, ms':>32}{'ratio':>7}{'to best':>9}")
    for work in WORKS:
        cell = lambda side: f"{median(of(side, work)) * 1e3:.2f} ({min(of(side, work)) * 1e3:.2f} - {max(of(side, work)) * 1e3:.2f})"
        theirs = [median(of(side, work)) / median(of("ours", work)) for side in ("default", "channels-last")]
        print(f"{work:<18}{cell('ours'):>30}{cell('default'):>32}{cell('channels-last'):>32}{theirs[0]:>7.2f}{min(theirs):>9.2f}")
    print(f"\n{'peak memory':<18}{'ours, MB':>30}{'PyTorch, MB':>32}{'channels last, MB':>32}{'share':>7}")
    for work in WORKS:
        megabytes = [peaks[side][work] / 1e6 for side in ("ours", "default", "channels-last")]
        print(f"{work:<18}{megabytes[0]:>30.0f}{megabytes[1]:>32.0f}{megabytes[2]:>32.0f}{megabytes[0] / megabytes[1]:>7.2f}")
    print(f"PyTorch after its import: {bare / 1e6:.0f} MB")
    best = max(max(of(side, "matmul_gflops")) for side in answers)
    rates = {side: max(of(side, "matmul_gflops")) for side in answers}
    rate = ours["details"]["forward"]["gflops"] * ours["forward"] / median(of("ours", "forward"))
    print(f"\nbest 2048-cubed product: {rates['ours']:.0f} GFLOP/s ours, {max(rates['default'], rates['channels-last']):.0f} PyTorch")
    print(f"forward: {rate:.0f} GFLOP/s counted as direct convolution, {rate / best:.2f} of the best product")


if __name__ == "__main__":
    main()
