"""Pictures and reports: recordings as PNG and GIF, figures, one self-contained HTML file.

The modules load Pillow and matplotlib, so they are imported where they are used:
`saccade.view.recording`, `saccade.view.gif`, `saccade.view.figures`, `saccade.view.html`.
"""

__all__: list[str] = []
