"""Event cameras and worlds that do not exist: recordings with exact ground truth, from one seed.

video, pictures, stills of a traverse --.
scene + light + trajectory + camera  ---+--> luminance --> pixel model --> events, frames, truth
"""
