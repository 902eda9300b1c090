"""Files and folders that appear under their name only when they are whole.

    content --> .night.3f9a2c1e.h5 --rename--> night.h5      on an error: removed, the old stays

The temporary name lies beside the target, on the same disk, so that renaming is one atomic step.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["file_sha256", "replacing", "write_atomically"]


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Lend a name beside the target; what is written there takes the target's place at the end.

    A file replaces an older file in one step. A folder replaces an older folder, which is moved
    aside first and removed afterwards. Nothing happens to the target when the block raises, nor
    when the block writes nothing.

    Args:
        path: The file or folder that shall exist afterwards; the folder around it exists.

    Yields:
        A name that is free, in the same folder, with the same suffix.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with replacing(folder + "/night.txt") as part:
        ...         length = part.write_text("on off on")
        ...     [found.name for found in Path(folder).iterdir()], part.suffix
        (['night.txt'], '.txt')
    """
    target = Path(path)
    part = _beside(target)
    mode = _usual_mode(part)
    try:
        yield part
        if part.is_file():
            part.chmod(mode)
        if part.is_dir() and target.is_dir():
            _swap_folders(part, target)
        elif part.exists():
            part.replace(target)
    finally:
        _remove(part)


def write_atomically(path: Path, content: bytes) -> Path:
    """Write beside the target and rename, so that no reader meets half a file."""
    with replacing(path) as part:
        part.write_bytes(content)
    return path


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _usual_mode(part: Path) -> int:
    """Return the permissions of a new file here; some libraries write files for the owner alone."""
    part.touch()
    mode = part.stat().st_mode
    part.unlink()
    return mode


def _swap_folders(part: Path, target: Path) -> None:
    old = _beside(target)
    target.replace(old)
    try:
        part.replace(target)
    except BaseException:
        old.replace(target)
        raise
    shutil.rmtree(old)


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.stem}.{secrets.token_hex(4)}{target.suffix}")


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part)
    else:
        part.unlink(missing_ok=True)
