"""Small whole files for the fuzz targets to begin with: python fuzz/seeds.py (NumPy, SciPy, Pillow), into fuzz/corpus."""

import gzip
import io
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

HERE = Path(__file__).parent
RNG = np.random.default_rng(0)


def put(target, name, content):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


images = struct.pack(">4I", 2051, 3, 5, 4) + bytes(range(60))
labels = struct.pack(">2I", 2049, 3) + bytes([0, 1, 0])
for name, content in [("images", images), ("labels", labels)]:
    put("idx", name, content)
    put("idx", name + ".gz", gzip.compress(content))

record = bytes(3072)
put("cifar", "ten", bytes([3]) + record)
put("cifar", "hundred", bytes([1, 42]) + record)

unpacked = io.BytesIO()
with tarfile.open(fileobj=unpacked, mode="w", format=tarfile.USTAR_FORMAT) as archive:
    for name, content in [("train.bin", bytes([1, 42]) + record), ("fine_label_names.txt", b"a\nb\n")]:
        info = tarfile.TarInfo("cifar-100-binary/" + name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
put("tar", "plain", unpacked.getvalue())
put("tar", "packed", gzip.compress(unpacked.getvalue()))

digits = {"X": RNG.integers(0, 256, (32, 32, 3, 2), np.uint8), "y": np.array([[10], [3]], np.uint8)}
small = {"X": np.zeros((2, 2), np.uint8), "y": np.array([[1.0]])}
for name, arrays in [("digits", digits), ("small", small)]:
    for packed in [False, True]:
        content = io.BytesIO()
        savemat(content, arrays, do_compression=packed)
        put("mat", f"{name}-{packed}", content.getvalue())

pictures = RNG.integers(0, 256, (4, 3, 3, 3), np.uint8)
keras = {"x_train": pictures, "y_train": np.array([0, 1, 0, 1]), "x_test": pictures, "y_test": np.array([0, 1, 0, 1])}
plain = {"images": (pictures[..., 0] / 255).astype(np.float32), "labels": np.array([0, 1, 0, 1], np.int32)}
for name, arrays in [("keras", keras), ("plain", plain)]:
    for save in [np.savez, np.savez_compressed]:
        content = io.BytesIO()
        save(content, **arrays)
        put("npz", f"{name}-{save.__name__}", content.getvalue())

picture = Image.fromarray(RNG.integers(0, 256, (9, 7, 3), np.uint8))
exif = Image.Exif()
exif[0x0112] = 6
for kind in ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"]:
    for mode in ["RGB", "L", "RGBA", "P"]:
        content = io.BytesIO()
        try:
            picture.convert(mode).save(content, kind, exif=exif)
        except (OSError, ValueError):
            continue
        put("picture", f"{kind}-{mode}", content.getvalue())
for kind, options in [("WEBP", {"lossless": True}), ("JPEG", {"progressive": True, "quality": 30})]:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    put("picture", f"{kind}-other", content.getvalue())

evil = ["../../../escaped", "/absolute", "a/b", "a:b", "CON", "NUL.txt", "com1", "..", ".", "", " ", "ship.", "q?", "\u00e9", "e\u0301", "cat", "Cat"]
put("names", "evil", "\n".join(evil + ["x" * 300, "x" * 301]).encode())
shares = RNG.dirichlet(np.ones(10), 4).astype(np.float32)
for name, rows in [("shares", shares), ("scores", np.log(shares)), ("hot", np.eye(10, dtype=np.float32))]:
    put("soft_labels", name, bytes([10]) + rows.tobytes())

for path in (HERE.parent / "tests" / "fixtures" / "sets").glob("*.pt"):
    put("torch", path.name, path.read_bytes())
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith("data.pkl"):
                    put("pickle", path.name, archive.read(name))

for path in (HERE.parent / "tests" / "fixtures" / "parquet").rglob("*.parquet"):
    put("parquet", "-".join(path.parts[-2:]), path.read_bytes())

put("csv", "headed", b"path,label,split\na/0.png,cat,train\na/1.png,dog,test\n")
put("csv", "bare", b"a/0.png;0\n\"a 1.png\";1\n")
put("csv", "tabs", b"\xef\xbb\xbffile\tclass\n0.png\t10\n1.png\t9\n")

records = pickle.dumps({"labels": [3], "data": np.zeros((1, 3072), np.uint8), "filenames": ["a.png"]}, protocol=2)
put("cifar", "python", records)
