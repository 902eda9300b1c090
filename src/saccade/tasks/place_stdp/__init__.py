"""Place recognition by modules of spiking neurons (VPRSNN), and by the delta rule (VPRTempo, LENS).

The papers in ten lines are in README.md here.
"""
