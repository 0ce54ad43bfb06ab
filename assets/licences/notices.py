"""Writes notices.txt: every crate that is part of the program, with its licence and the texts that its authors ship.

    python3 assets/licences/notices.py          # after a change of Cargo.lock; tests/it/licences.rs says when it is due
"""

import hashlib
import json
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NAMES = ("license", "licence", "copying", "notice", "unlicense", "copyright", "ofl", "ufl")


def metadata():
    command = ["cargo", "metadata", "--offline", "--locked", "--format-version", "1"]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)


def linked(meta):
    """Packages that the program is linked from, on any system: what is reached without build scripts and tests."""
    nodes = {node["id"]: node for node in meta["resolve"]["nodes"]}
    root = meta["resolve"]["root"]
    found, waiting = set(), [root]
    while waiting:
        for dependency in nodes[waiting.pop()]["deps"]:
            is_linked = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            if is_linked and dependency["pkg"] not in found:
                found.add(dependency["pkg"])
                waiting.append(dependency["pkg"])
    found.discard(root)
    return sorted((p for p in meta["packages"] if p["id"] in found), key=lambda p: (p["name"], p["version"]))


def texts(package):
    """Licence texts that the crate ships, fonts included."""
    folder = Path(package["manifest_path"]).parent
    files = [path for path in folder.rglob("*") if path.is_file() and path.name.lower().startswith(NAMES)]
    sources = {".rs", ".py", ".toml", ".json", ".sh", ".c", ".h", ".cpp"}
    files = [path for path in files if path.suffix.lower() not in sources and path.stat().st_size < 100_000]
    for path in sorted(files):
        text = path.read_text(errors="replace").replace("\r\n", "\n").strip()
        # What says only that there are two texts beside it says nothing.
        if len(text) > 200:
            yield text


def main():
    packages = linked(metadata())
    lines = [f"{p['name']} {p['version']} {p['license']}" for p in packages]
    by_text, without = {}, []
    for package in packages:
        own = list(texts(package))
        if not own:
            by = ", ".join(package["authors"]) or "its authors"
            without.append(f"{package['name']}: copyright {by}, {package['repository'] or 'no repository named'}")
        for text in own:
            key = hashlib.sha256(" ".join(text.split()).encode()).hexdigest()
            by_text.setdefault(key, (text, set()))[1].add(package["name"])
    out = ["Spirit Safe is linked from these crates:", "", *lines]
    out += ["", "These ship no text of their licence; it is the one named above:", "", *without]
    for text, names in sorted(by_text.values(), key=lambda entry: sorted(entry[1])):
        out += ["", "-" * 80, ", ".join(sorted(names)) + ":", "", text]
    (HERE / "notices.txt").write_text("\n".join(out) + "\n")
    print(f"{len(packages)} crates, {len(by_text)} texts")


if __name__ == "__main__":
    main()
