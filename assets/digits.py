"""Packs scikit-learn's copy of the UCI optical digits into digits.png and digits.labels.

Run from anywhere: python digits.py  (needs scikit-learn, numpy and pillow)
"""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

COLUMNS = 40  # tiles in a row of the mosaic
SIDE = 8  # pixels in a side of a tile
STEP = 15  # pixel values 0..=16 are stored as 0, 15, .., 240

here = Path(__file__).resolve().parent
digits = load_digits()
images, labels = digits.images, digits.target
count = len(images)
assert images.shape == (1797, SIDE, SIDE) and labels.shape == (count,)
assert images.min() == 0 and images.max() == 16 and np.all(images == np.round(images))

rows = -(-count // COLUMNS)
tiles = np.zeros((rows * COLUMNS, SIDE, SIDE), dtype=np.uint8)
tiles[:count] = images.astype(np.uint8) * STEP
mosaic = tiles.reshape(rows, COLUMNS, SIDE, SIDE).transpose(0, 2, 1, 3)
mosaic = mosaic.reshape(rows * SIDE, COLUMNS * SIDE)

Image.fromarray(mosaic).save(here / "digits.png", optimize=True)
(here / "digits.labels").write_text("".join(map(str, labels)) + "\n", encoding="ascii")

# What a reader will see is what the source had.
stored = np.asarray(Image.open(here / "digits.png"))
assert stored.shape == (360, 320) and stored.dtype == np.uint8
for index in range(count):
    y, x = (index // COLUMNS) * SIDE, (index % COLUMNS) * SIDE
    assert np.array_equal(stored[y : y + SIDE, x : x + SIDE], images[index] * STEP)
print(count, "digits,", np.bincount(labels), "per class,", (here / "digits.png").stat().st_size, "bytes")
