"""Small image data sets for tests: the five published layouts with lists, and folders of one's own.

Image k of every traverse is a pattern of place k at its own brightness, so that plain methods
find it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = (8, 12)


def pattern(place: int, tint: int = 0) -> NDArray[np.uint8]:
    """Return the image of a place, uint8 [8, 12, 3]; a tint changes its colours."""
    drawn = np.random.default_rng(place).integers(20, 200, (*SIZE, 3))
    return (drawn + tint * np.arange(3)).astype(np.uint8)


def write_image(path: Path, image: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def write_nordland(root: Path, seasons: tuple[str, ...] = ("spring", "summer", "fall")) -> Path:
    """Write 40 images a season, of which the list names the 32 from 00005 on."""
    base = root / "nordland"
    for tint, season in enumerate(seasons):
        for k in range(40):
            write_image(base / season / f"images-{k + 1:05d}.png", pattern(k, 5 * tint))
    names = [f"images-{k:05d}.png" for k in range(5, 37)]
    (base / "nordland_imageNames.txt").write_text("\n".join(names) + "\n")
    return base


def write_orc(root: Path) -> Path:
    """Write 20 images a drive, with lists of VPRSNN under dataset_imagenames of the root."""
    lists = root / "dataset_imagenames"
    lists.mkdir(parents=True)
    for tint, drive in enumerate(("Sun", "Rain", "Dusk")):
        for k in range(20):
            write_image(root / "ORC" / drive / f"{k:06d}.png", pattern(k, 5 * tint))
        names = "".join(f"./ORC/{drive}/{k:06d}.png\n" for k in range(20))
        (lists / f"ORC_imageNames_{drive}.txt").write_text(names)
    return root / "ORC"


def write_sfu(root: Path) -> Path:
    """Write 3 images of part a and 2 of part b a drive."""
    base = root / "SFU-Mountain"
    for tint, drive in enumerate(("dry", "dusk")):
        names = [
            f"part_{part}/stereo_right/{drive}/frames/{part}{k:03d}.jpg"
            for part, count in (("a", 3), ("b", 2))
            for k in range(1, count + 1)
        ]
        for k, name in enumerate(names):
            write_image(base / name, pattern(k, 5 * tint))
        listed = "".join(f"./SFU-Mountain/{name}\n" for name in names)
        (root / f"SFU-Mountain_imageNames_{drive}.txt").write_text(listed)
    return base


def write_synthia(root: Path) -> Path:
    """Write 4 images a drive, numbered with gaps that differ."""
    base = root / "Synthia-NightToFall"
    for drive, step in (("ref", 7), ("query", 6)):
        names = [f"{drive}/{k * step:04d}.jpg" for k in range(4)]
        for k, name in enumerate(names):
            write_image(base / name, pattern(k))
        listed = "".join(f"./Synthia-NightToFall/{name}\n" for name in names)
        (base / f"Synthia-NightToFall_imageNames_{drive}.txt").write_text(listed)
    return base


def write_st_lucia(root: Path, *, inverted: bool = True) -> Path:
    """Write 3 reference and 6 query images; two queries of each reference, and their matrix."""
    base = root / "St-Lucia"
    for drive, count in (("190809_0845", 3), ("180809_1545", 6)):
        names = [f"{drive}/{37 + 80 * k:07d}.png" for k in range(count)]
        for k, name in enumerate(names):
            write_image(base / name, pattern(k * 3 // count))
        listed = "".join(f"St-Lucia/{name}\n" for name in names)
        (base / f"St-Lucia_imageNames_{drive}.txt").write_text(listed)
    match = np.repeat(np.eye(3), 2, axis=1)
    stored = 1 - match if inverted else match
    np.save(base / "St_Lucia_gt_boolean_matrix.npy", stored.astype(np.int64))
    return base
