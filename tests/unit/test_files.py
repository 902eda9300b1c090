"""Files and folders appear whole or not at all, and nothing half-written stays."""

import hashlib
from pathlib import Path

import pytest

from saccade.files import file_sha256, replacing, write_atomically


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = write_atomically(tmp_path / "a.txt", b"old")

    def full_disk(self: Path, other: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(target, b"new")
    assert names(tmp_path) == ["a.txt"]
    assert target.read_bytes() == b"old"


def test_a_file_takes_the_place_of_an_older_one_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "night.h5"
    target.write_text("old")
    with replacing(target) as part:
        part.write_text("new")
        assert (part.parent, part.suffix) == (tmp_path, ".h5")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert names(tmp_path) == ["night.h5"]


def test_a_folder_takes_the_place_of_an_older_one_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "set"
    for content in ("first", "second"):
        with replacing(target) as part:
            part.mkdir()
            (part / content).write_text(content)
    assert names(tmp_path) == ["set"]
    assert names(target) == ["second"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_an_error_inside_removes_what_was_begun(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "set"
    target.mkdir()
    (target / "kept").write_text("")
    with pytest.raises(KeyboardInterrupt), replacing(target) as part:
        if kind == "folder":
            part.mkdir()
            (part / "half").write_text("")
        else:
            part.write_text("half")
        raise KeyboardInterrupt
    assert names(tmp_path) == ["set"]
    assert names(target) == ["kept"]


def test_a_block_that_writes_nothing_changes_nothing(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", b"old")
    with replacing(tmp_path / "a"):
        pass
    assert (tmp_path / "a").read_bytes() == b"old"


def test_an_old_folder_returns_when_the_new_one_cannot_be_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "set"
    target.mkdir()
    (target / "kept").write_text("")
    rename = Path.replace

    def refuses_the_new(self: Path, other: Path) -> Path:
        if (self / "new").exists():
            raise OSError("no rename")
        return rename(self, other)

    with pytest.raises(OSError, match="no rename"), replacing(target) as part:
        part.mkdir()
        (part / "new").write_text("")
        monkeypatch.setattr(Path, "replace", refuses_the_new)
    assert names(target) == ["kept"]
    assert names(tmp_path) == ["set"]


def test_sha256_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"spikes")
    assert file_sha256(tmp_path / "a") == hashlib.sha256(b"spikes").hexdigest()
