"""Frames for the event-camera model: light of pictures, folders of pictures, videos."""

import os
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from saccade.errors import (
    ConfigError,
    FormatError,
    MissingExtraError,
    MissingFileError,
    ShapeError,
)
from saccade.events.types import SensorSize
from saccade.simulate.images import image_files, image_frames, image_stills
from saccade.simulate.luminance import fit, linear_light
from saccade.simulate.video import video_frames

DATA = os.environ.get("SACCADE_TEST_DATA")
real_data = pytest.mark.skipif(DATA is None, reason="SACCADE_TEST_DATA is not set")


def srgb_to_light(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_linear_light_undoes_srgb_and_weighs_the_primaries(kind: type) -> None:
    most = np.iinfo(kind).max
    values = np.random.default_rng(1).integers(0, most + 1, (5, 7, 3)).astype(kind)
    curve = np.vectorize(srgb_to_light)(values / most)
    expected = curve @ np.array([0.2126, 0.7152, 0.0722])
    assert np.allclose(linear_light(values), expected, atol=1e-6)
    assert np.allclose(linear_light(values[..., 0]), curve[..., 0], atol=1e-6)
    assert np.allclose(linear_light(values[..., 0], encoding="linear"), values[..., 0] / most)


def test_pictures_of_another_type_are_refused() -> None:
    with pytest.raises(ShapeError, match="Expected uint8 or uint16"):
        linear_light(np.zeros((2, 2), np.float32))
    with pytest.raises(ConfigError, match="encoding is 'gamma'"):
        linear_light(np.zeros((2, 2), np.uint8), encoding="gamma")


def test_a_picture_is_cut_to_the_sensor_and_averaged() -> None:
    image = np.zeros((40, 120), np.float32)
    image[:, 40:80] = np.arange(40)[:, None] // 20  # the middle: dark above, bright below
    image[:, :40] = image[:, 80:] = 99
    small = fit(image, SensorSize(4, 4))
    assert small.shape == (4, 4)
    middle = small[:, 1:3]  # the filter of the outer columns reaches beyond the cut
    assert (np.diff(middle, axis=0) > 0).all()
    assert np.allclose(middle + middle[::-1], 1, atol=1e-5)
    assert small[:, [0, 3]].max() < 0.2 * 99


def test_wide_pixels_are_shown_wide() -> None:
    image = np.tile(np.arange(8, dtype=np.float32), (8, 1))
    square = fit(image, SensorSize(8, 8), pixel_aspect=2.0)
    assert np.allclose(square[0, 1:-1], 2 + np.arange(8)[1:-1] / 2 - 0.25 + 0.0, atol=1e-6)


def write_pictures(folder: Path, values: list[int]) -> None:
    for number, value in enumerate(values):
        picture = np.full((6, 8, 3), value, np.uint8)
        Image.fromarray(picture).save(folder / f"f{number + 8}.png")


def test_pictures_come_in_natural_order_at_the_frame_rate(tmp_path: Path) -> None:
    write_pictures(tmp_path, [10, 200, 90])
    assert [path.name for path in image_files(tmp_path)] == ["f8.png", "f9.png", "f10.png"]
    frames = list(image_frames(tmp_path, fps=30, white_cd_m2=200))
    assert [t for t, _ in frames] == [0, 33_333, 66_666]
    for (_, image), value in zip(frames, [10, 200, 90], strict=True):
        assert image.shape == (6, 8)
        assert image.dtype == np.float32
        assert np.allclose(image, 200 * srgb_to_light(value / 255), rtol=1e-5)


def test_times_with_names_choose_and_order_the_pictures(tmp_path: Path) -> None:
    write_pictures(tmp_path, [10, 200, 90])
    times = tmp_path / "times.txt"
    times.write_text("# seconds, name\n100.5, f10.png\n100.502 f8.png\n\n")
    frames = list(image_frames(tmp_path, times=times))
    assert [t for t, _ in frames] == [0, 2_000]
    assert frames[0][1][0, 0] > frames[1][1][0, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0\n1\n", "has 2 times for 3 pictures"),
        ("0\n2\n1\n", "time 3 does not come after"),
        ("0\nsoon\n2\n", "times.txt:2: 'soon' is no time"),
        ("0 f8.png\n1\n", "names pictures in some lines only"),
        ("# nothing\n", "holds no times"),
    ],
)
def test_times_that_do_not_fit_are_refused(tmp_path: Path, text: str, message: str) -> None:
    write_pictures(tmp_path, [1, 2, 3])
    (tmp_path / "times.txt").write_text(text)
    with pytest.raises(FormatError, match=message):
        list(image_frames(tmp_path, times=tmp_path / "times.txt"))


def test_a_listed_picture_that_is_missing_is_named(tmp_path: Path) -> None:
    write_pictures(tmp_path, [1])
    (tmp_path / "times.txt").write_text("0 f8.png\n1 f9.png\n")
    with pytest.raises(MissingFileError, match=r"lacks f9\.png"):
        list(image_frames(tmp_path, times=tmp_path / "times.txt"))


def test_pictures_of_mixed_sizes_are_refused(tmp_path: Path) -> None:
    write_pictures(tmp_path, [1, 2])
    Image.new("L", (9, 6)).save(tmp_path / "f11.png")
    with pytest.raises(FormatError, match=r"f11\.png is 9x6\. Expected 8x6, as f8\.png"):
        list(image_frames(tmp_path, fps=10, size=SensorSize(4, 4)))


def test_a_truncated_picture_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match=r"a\.png cannot be read as a picture"):
        list(image_frames(tmp_path, fps=10))


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="holds no pictures"):
        image_files(tmp_path)
    with pytest.raises(MissingFileError, match="No such folder"):
        image_files(tmp_path / "none")
    write_pictures(tmp_path, [1])
    with pytest.raises(ConfigError, match="exactly one"):
        list(image_frames(tmp_path))


def test_sixteen_bits_of_grey_keep_their_resolution(tmp_path: Path) -> None:
    values = (np.arange(12, dtype=np.uint16) + 30_000).reshape(3, 4)
    Image.fromarray(values).save(tmp_path / "deep.png")
    stills = image_stills(tmp_path, encoding="linear")
    assert np.allclose(stills[0], values / 65_535, atol=1e-7)
    assert np.unique(stills).size == 12


def write_video(
    path: Path, pictures: list[NDArray[np.uint8]], times_ms: list[int], codec: str = "mpeg4"
) -> None:
    av: Any = pytest.importorskip("av", reason="PyAV is not installed")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=1000)
        stream.width, stream.height = pictures[0].shape[1], pictures[0].shape[0]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 8_000_000
        stream.time_base = Fraction(1, 1000)
        for picture, at in zip(pictures, times_ms, strict=True):
            frame = av.VideoFrame.from_ndarray(np.repeat(picture[..., None], 3, axis=2), "rgb24")
            frame.pts, frame.time_base = at, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def flat(value: int) -> NDArray[np.uint8]:
    return np.full((48, 64), value, np.uint8)


def test_video_frames_keep_their_times_and_light(tmp_path: Path) -> None:
    values, times = [40, 90, 160, 230], [0, 40, 130, 150]
    write_video(tmp_path / "v.mp4", [flat(value) for value in values], times)
    frames = list(video_frames(tmp_path / "v.mp4", white_cd_m2=500))
    assert [t for t, _ in frames] == [1000 * at for at in times]
    for (_, image), value in zip(frames, values, strict=True):
        assert (image.shape, image.dtype) == ((48, 64), np.float32)
        low, high = (500 * srgb_to_light((value + d) / 255) for d in (-3, 3))
        assert low < image.mean() < high


def test_a_part_of_a_video_starts_at_zero(tmp_path: Path) -> None:
    write_video(tmp_path / "v.mp4", [flat(20 * k) for k in range(10)], [100 * k for k in range(10)])
    frames = list(
        video_frames(tmp_path / "v.mp4", size=SensorSize(10, 12), start_s=0.35, end_s=0.7)
    )
    assert [t for t, _ in frames] == [0, 100_000, 200_000]
    assert frames[0][1].shape == (10, 12)
    whole = [image for _, image in video_frames(tmp_path / "v.mp4", size=SensorSize(10, 12))]
    assert all(np.array_equal(part, whole[4 + k]) for k, (_, part) in enumerate(frames))
    with pytest.raises(ConfigError, match="has no frame between"):
        list(video_frames(tmp_path / "v.mp4", start_s=7))


def test_a_video_marked_as_rotated_is_shown_upright(tmp_path: Path) -> None:
    picture = flat(30)
    picture[:16, :16] = 220  # bright top left
    path = tmp_path / "phone.mp4"
    write_video(path, [picture] * 3, [0, 40, 80])
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 40  # ISO/IEC 14496-12: 3x3, (x, y) -> (-y, x): clockwise
    content[matrix : matrix + 36] = struct.pack(
        ">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 48 << 16, 0, 1 << 30
    )
    path.write_bytes(content)
    _, image = next(iter(video_frames(path)))
    assert image.shape == (64, 48)
    assert image[4:12, -12:-4].mean() > 5 * image[-12:-4, 4:12].mean()  # bright top right
    assert image[4:12, 4:12].mean() < 0.2 * image[4:12, -12:-4].mean()


def test_a_truncated_video_is_refused_and_says_where_it_ends(tmp_path: Path) -> None:
    av: Any = pytest.importorskip("av", reason="PyAV is not installed")
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (48, 64)).astype(np.uint8) for _ in range(30)]
    write_video(tmp_path / "v.mkv", pictures, [100 * k for k in range(30)])
    path = tmp_path / "v.mp4"
    with av.open(str(tmp_path / "v.mkv")) as source:
        packets = [packet for packet in source.demux() if packet.size]
        with av.open(str(path), "w", options={"movflags": "faststart"}) as target:
            stream = target.add_stream_from_template(source.streams.video[0])
            for packet in packets:
                packet.stream = stream
                target.mux(packet)
    assert len(list(video_frames(path))) == 30
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    with pytest.raises(FormatError, match=r"v\.mp4.*truncated"):
        list(video_frames(path))
    kept = list(video_frames(path, end_s=1.0))
    assert len(kept) == 10


@pytest.mark.parametrize("name", ["notes.txt", "noise.mp4", "picture.png", "empty.mp4"])
def test_what_is_no_video_is_refused(tmp_path: Path, name: str) -> None:
    pytest.importorskip("av", reason="PyAV is not installed")
    path = tmp_path / name
    if name == "picture.png":
        Image.new("RGB", (8, 8)).save(path)
    else:
        contents = {"notes.txt": b"hello\n" * 99, "noise.mp4": bytes(range(256)) * 40}
        path.write_bytes(contents.get(name, b""))
    with pytest.raises(FormatError, match=name.replace(".", r"\.")):
        list(video_frames(path))


def test_a_missing_video_or_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="0 <= start_s < end_s"):
        list(video_frames(tmp_path / "v.mp4", start_s=2, end_s=1))
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"saccade\[video\]"):
        list(video_frames(tmp_path / "v.mp4"))


@real_data
@pytest.mark.parametrize(
    ("name", "frames", "last_us"),
    [
        ("driving_960x540.mp4", 25, 960_000),
        ("road_cars_768x432.mp4", 13, 960_000),
        ("bottles.mp4", 30, 972_067),
        ("lake.mp4", 24, 959_292),
    ],
)
def test_real_videos_give_their_frames(name: str, frames: int, last_us: int) -> None:
    pytest.importorskip("av", reason="PyAV is not installed")
    assert DATA is not None
    found = list(video_frames(Path(DATA, "video", name), size=SensorSize(60, 80), end_s=1.0))
    assert (len(found), found[0][0]) == (frames, 0)
    assert abs(found[-1][0] - last_us) <= 1
    assert all(image.min() >= 0 and image.max() <= 100.001 for _, image in found)
