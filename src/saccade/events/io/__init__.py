"""Event files: one module per format, recognised by content."""

from __future__ import annotations

from saccade.events.io.open import inspect as inspect
from saccade.events.io.open import open as open
from saccade.events.io.open import save as save
from saccade.events.io.open import stream as stream
from saccade.events.io.open import write_format as write_format

__all__ = ["inspect", "open", "save", "stream", "write_format"]
