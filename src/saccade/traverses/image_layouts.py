"""Data sets of images that were published with lists of their places: folders, lists, who is what.

    nordland/{spring,summer,fall,winter}/images-NNNNN.png          every 8th, 3,300 places
    ORC/{Sun,Rain,Dusk}/NNNNNN.png                                 every 8th, 450 places
    SFU-Mountain/part_{a,b}/stereo_right/{dry,dusk}/frames/*.jpg   375 places
    Synthia-NightToFall/{ref,query}/NNNN.jpg                       250 places
    St-Lucia/{190809_0845,180809_1545}/NNNNNNN.png                 500 and 1,037 images, a matrix

Folders, lists and parts are those of VPRSNN (Hussaini et al., RA-L 2022 and ICRA 2023); lists of
VPRTempo (Hines et al., ICRA 2024) are taken, too. Its configurations contradict each other for
Synthia (275 or 250 places) and St Lucia (defect 15): the lists decide.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LAYOUTS", "ImageLayout", "ListName"]


@dataclass(frozen=True)
class ListName:
    """The file name of published lists.

    Args:
        pattern: With ``{name}`` or, in small letters, ``{lower}`` for the traverse.
        every: Every so-many-th of its images was used.
        most: At most so many were used; None for all.
    """

    pattern: str
    every: int = 1
    most: int | None = None

    def of(self, traverse: str) -> str:
        """Return the list of a traverse."""
        return self.pattern.format(name=traverse, lower=traverse.lower())


@dataclass(frozen=True)
class ImageLayout:
    """How a data set of images lies on disk, and which of its traverses plays which part.

    Args:
        folder: Its folder.
        names: Its traverses.
        images: Folders of a traverse's images, below its folder; a pattern with ``{name}``.
        lists: Files that may list its images, the first that is found counts.
        train: Traverses that are learnt.
        tests: (query, reference) pairs.
        edition: Which images the lists fit.
        truth: File with the true matches ``[R, Q]`` of the first pair, where place k is not k.
    """

    folder: str
    names: tuple[str, ...]
    images: str
    lists: tuple[ListName, ...]
    train: tuple[str, ...]
    tests: tuple[tuple[str, str], ...]
    edition: str
    truth: str = ""


LAYOUTS: tuple[ImageLayout, ...] = (
    ImageLayout(
        folder="nordland",
        names=("spring", "summer", "fall", "winter"),
        images="{name}",
        lists=(
            ListName("nordland_imageNames_{name}.txt", 8, 3300),
            ListName("nordland_imageNames.txt", 8, 3300),
            ListName("nordland-{lower}.csv", 8, 3300),
            ListName("nordland.csv", 8, 3300),
        ),
        train=("spring", "fall"),
        tests=(("summer", "spring"), ("winter", "spring")),
        edition="the edition with 35,768 frames a season, images-00001.png and on; another "
        "download has 24,570 files a season",
    ),
    ImageLayout(
        folder="ORC",
        names=("Sun", "Rain", "Dusk"),
        images="{name}",
        lists=(
            ListName("ORC_imageNames_{name}.txt", 8, 450),
            ListName("orc-{lower}.csv", 7, 450),
            ListName("ORC_{name}_timestamps.csv", 8, 450),
        ),
        train=("Sun", "Rain"),
        tests=(("Dusk", "Sun"),),
        edition="left stereo images, demosaiced, of the RobotCar drives 2015-08-12-15-04-18 (Sun), "
        "2015-10-29-12-18-17 (Rain) and 2014-11-21-16-07-03 (Dusk), renumbered; under their "
        "original names pass --list Sun=ORC_Sun_timestamps.csv and so on",
    ),
    ImageLayout(
        folder="SFU-Mountain",
        names=("dry", "dusk"),
        images="part_*/stereo_right/{name}/frames",
        lists=(ListName("SFU-Mountain_imageNames_{name}.txt"),),
        train=("dry",),
        tests=(("dusk", "dry"),),
        edition="right stereo images of the parts a and b",
    ),
    ImageLayout(
        folder="Synthia-NightToFall",
        names=("ref", "query"),
        images="{name}",
        lists=(ListName("Synthia-NightToFall_imageNames_{name}.txt"),),
        train=("ref",),
        tests=(("query", "ref"),),
        edition="the rendered drives by night and in fall, names of 4 digits",
    ),
    ImageLayout(
        folder="St-Lucia",
        names=("190809_0845", "180809_1545"),
        images="{name}",
        lists=(ListName("St-Lucia_imageNames_{name}.txt"),),
        train=("190809_0845",),
        tests=(("180809_1545", "190809_0845"),),
        edition="frames of the two drives, names of 7 digits",
        truth="St_Lucia_gt_boolean_matrix.npy",
    ),
)
"""The layouts that are known; any other folder is one folder of images a traverse."""
