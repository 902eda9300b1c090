"""Pictures of trained networks: every field where it belongs, every label written."""

import numpy as np
import pytest

from saccade.errors import ShapeError
from saccade.tasks.place_stdp.assignment import assign
from saccade.tasks.place_stdp.pictures import assignment_histogram, field_mosaic, receptive_fields
from saccade.view.figures import figure_png


def test_every_field_stands_at_its_corner_scaled_by_its_largest_weight() -> None:
    weights = np.random.default_rng(0).random((20, 7)) * np.arange(7)
    mosaic = field_mosaic(weights, (4, 5), columns=3)
    assert mosaic.image.shape == (3 * 5 + 1, 3 * 6 + 1)
    for n, (row, column) in enumerate(mosaic.corners.tolist()):
        field = weights[:, n].reshape(4, 5)
        expected = field / field.max() if n else field
        found = mosaic.image[row : row + 4, column : column + 5]
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert int(np.isfinite(mosaic.image).sum()) == 7 * 20


def test_halves_are_shown_as_a_difference_and_channels_as_a_sum() -> None:
    negative, positive = np.eye(4)[:, :2], np.eye(4)[:, 2:]
    halves = field_mosaic(np.vstack([negative, positive]), (2, 2), split=True).image
    assert np.nanmin(halves) == -1 and np.nanmax(halves) == 1
    both = field_mosaic(np.vstack([negative, 3 * negative]), (2, 2)).image
    np.testing.assert_array_equal(both, field_mosaic(negative, (2, 2)).image)


def test_weights_and_labels_that_do_not_fit_are_refused() -> None:
    for weights in (np.ones((5, 3)), np.ones((0, 3)), np.ones((4, 0)), np.ones(4)):
        with pytest.raises(ShapeError, match="Weights have shape"):
            field_mosaic(weights, (2, 2))
    with pytest.raises(ShapeError, match="two halves"):
        field_mosaic(np.ones((4, 3)), (2, 2), split=True)
    with pytest.raises(ShapeError, match="2 labels"):
        receptive_fields(np.ones((4, 3)), (2, 2), labels=[1, 2])


def test_labels_are_written_and_silence_is_a_dash() -> None:
    figure = receptive_fields(np.ones((4, 3)), (2, 2), labels=[7, -1, 12], title="Module 4")
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words == ["7", "–", "12"]
    assert figure.axes[0].get_title(loc="left") == "Module 4"
    assert not receptive_fields(np.ones((4, 3)), (2, 2)).axes[0].texts
    assert figure_png(figure)[:4] == b"\x89PNG"


@pytest.mark.parametrize("places", [6, 900])
def test_the_histogram_says_who_is_silent_and_which_place_has_nobody(places: int) -> None:
    found = assign([[1, 0, 2], [0, 0, 0], [0, 0, 0]], [0, 1, 2], places=places)
    figure = assignment_histogram(found)
    (text,) = figure.axes[0].texts
    assert text.get_text() == (
        f"3 neurons, 1 silent; {places - 1} of {places} places without a neuron"
    )
    assert figure_png(figure)[:4] == b"\x89PNG"
