"""Receptive fields: the delta rule as written, what fields are for, and what is refused."""

import numpy as np
import pytest
from numpy.typing import NDArray

from saccade.errors import CheckpointError, ConfigError, DataError, ShapeError
from saccade.retrieval import standardised
from saccade.tasks.place_stdp.config_fields import FieldConfig
from saccade.tasks.place_stdp.fields import FieldModel, graded

SHAPE = (1, 12, 16)
SMALL = FieldConfig(fields=20, field_size="6x6", field_epochs=10)


def pictures(count: int = 12, seed: int = 0) -> NDArray[np.uint8]:
    """Return smooth pictures, so that a shift of a pixel changes little."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(size=(count, 4, 5))
    fine = np.kron(coarse, np.ones((4, 4)))[:, :12, :16]
    fine = (fine + np.roll(fine, 1, 1) + np.roll(fine, 1, 2)) / 3
    return np.clip(127 + 60 * fine, 0, 255).astype(np.uint8).reshape(count, -1)


def trained(config: FieldConfig = SMALL, seed: int = 0) -> FieldModel:
    model = FieldModel(SHAPE, 12, config, seed=seed)
    assert model.train(pictures(), np.arange(12)) == 0
    return model


def recall(scores: NDArray[np.float32]) -> float:
    return float((scores.argmax(axis=1) == np.arange(len(scores))).mean())


def test_an_epoch_follows_the_rule_as_written() -> None:
    """W <- (1 - eta lambda B / d) W + eta sum (onehot - W x) x^T, batch after batch."""
    config = FieldConfig(
        fields=3, field_size="4x4", field_epochs=1, batch=5, decay=2.0, field_eta=0.2
    )
    model, images = FieldModel(SHAPE, 12, config, seed=3), pictures()
    start = model.weights.astype(np.float64)
    model.train(images, np.arange(12))
    grid = images.astype(np.float64) * 2 / 255 - 1
    from saccade.engine.seed import numpy_rng

    order = numpy_rng(3, "field order 0").permutation(12)
    for m in range(3):
        x = grid[:, model.fields[m]]
        x = x - x.mean(axis=1, keepdims=True)
        x /= np.linalg.norm(x, axis=1, keepdims=True)
        x -= x.mean(axis=0)
        x /= np.sqrt((x**2).sum(axis=1).mean())
        w = start[m]
        for number, rows in enumerate((order[:5], order[5:10], order[10:])):
            eta = 0.2 * (1 - number / 3)
            error = np.eye(12)[rows] - x[rows] @ w.T
            w = (1 - eta * 2.0 * len(rows) / 16) * w + eta * error.T @ x[rows]
        w /= np.linalg.norm(w, axis=1, keepdims=True)
        assert np.allclose(model.weights[m], w, atol=1e-5)


def test_many_epochs_approach_ridge_regression() -> None:
    config = FieldConfig(
        fields=1, field_size="4x4", field_epochs=1500, batch=12, decay=1.0, field_eta=0.05
    )
    model = FieldModel(SHAPE, 12, config, seed=0)
    model.train(pictures(), np.arange(12))
    x = pictures().astype(np.float64)[:, model.fields[0]]
    x = x - x.mean(axis=1, keepdims=True)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    x -= x.mean(axis=0)
    x /= np.sqrt((x**2).sum(axis=1).mean())
    ridge = np.linalg.solve(x.T @ x + 12 / 16 * np.eye(16), x.T).T
    cosine = (ridge / np.linalg.norm(ridge, axis=1, keepdims=True) * model.weights[0]).sum(axis=1)
    assert cosine.min() > 0.99


def test_places_are_found_when_part_of_the_image_changes() -> None:
    queries = pictures().reshape(-1, 12, 16).copy()
    queries[:, :, :9] = np.random.default_rng(1).integers(0, 256, (12, 12, 9))
    assert recall(trained().scores(queries.reshape(12, -1))) >= 0.9


def test_a_query_may_be_moved_by_a_pixel() -> None:
    moved = np.roll(pictures().reshape(-1, 12, 16), 1, axis=2).reshape(12, -1)
    still = FieldConfig(fields=20, field_size="6x6", field_epochs=10, jitter=0)
    mean = [recall(trained(c, seed).scores(moved)) for c in (SMALL, still) for seed in range(3)]
    assert np.mean(mean[:3]) >= np.mean(mean[3:])
    assert recall(trained().scores(pictures())) == 1


def test_single_queries_are_answered_by_what_references_gave() -> None:
    config = FieldConfig(fields=20, field_size="6x6", field_epochs=10, adapt="references")
    model = trained(config)
    together = model.scores(pictures())
    alone = np.concatenate([model.scores(pictures()[k : k + 1]) for k in range(12)])
    assert np.allclose(together, alone, atol=1e-4)
    assert recall(alone) == 1


def test_training_that_stops_goes_on_to_the_same_bits() -> None:
    whole = trained()
    first = FieldModel(SHAPE, 12, SMALL, seed=0)
    assert first.train(pictures(), np.arange(12), epochs=4) == 6
    other = FieldModel(SHAPE, 12, SMALL, seed=0)
    other.restore({name: array.copy() for name, array in first.state().items()})
    assert other.train(pictures(), np.arange(12)) == 0
    assert np.array_equal(other.weights, whole.weights)
    assert np.array_equal(other.scores(pictures()), whole.scores(pictures()))


def test_templates_are_the_references_themselves() -> None:
    model = trained(FieldConfig(fields=4, field_size="6x6", templates=True))
    x = np.stack([model._coded(pictures(), f) for f in model.fields]) - model.mean
    x /= np.linalg.norm(x, axis=2, keepdims=True)
    assert np.allclose(model.weights, x, atol=1e-5)


def test_decay_can_rise_over_the_fields() -> None:
    even, rising = (
        trained(FieldConfig(fields=3, field_size="6x6", decay=1.0, decay_to=to)) for to in (0, 50.0)
    )
    assert np.allclose(even.weights[0], rising.weights[0], atol=1e-6)
    assert not np.allclose(even.weights[2], rising.weights[2], atol=1e-3)


def test_scattered_fields_hold_both_planes_of_their_pixels() -> None:
    model = FieldModel((2, 7, 7), 3, FieldConfig(fields=5, scattered=10), seed=0)
    assert model.fields.shape == (5, 20)
    assert np.array_equal(model.fields[:, 10:], model.fields[:, :10] + 49)


def test_graded_levels_rise_one_after_the_other() -> None:
    values = np.linspace(-3, 3, 50, dtype=np.float32)
    code = graded(values, 6)
    assert code.shape == (50, 6)
    assert (np.diff(code, axis=0) >= 0).all()
    assert (np.diff(code, axis=1) <= 0).all()


def test_constant_scores_say_nothing() -> None:
    assert not standardised(np.full((3, 4), 7, np.float32), 0).any()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"field_size": "12"}, "WIDTHxHEIGHT"),
        ({"fields": 0}, "--fields 0"),
        ({"field_eta": 2.0}, "--field-eta 2.0"),
        ({"levels": 0}, "--levels 0"),
    ],
)
def test_wrong_settings_are_refused(changes: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        FieldConfig(**changes)  # type: ignore[arg-type]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"Fields of 20x6 on a grid of 16x12.*--field-size"):
        FieldModel(SHAPE, 3, FieldConfig(field_size="20x6"), seed=0)
    with pytest.raises(ShapeError, match="--scattered 200 of 192"):
        FieldModel(SHAPE, 3, FieldConfig(scattered=200), seed=0)
    model = FieldModel(SHAPE, 12, SMALL, seed=0)
    with pytest.raises(DataError, match="Place 11 has no image"):
        model.train(pictures()[:11], np.arange(11))
    with pytest.raises(ShapeError, match="Expected"):
        model.scores(np.zeros((2, 5), np.uint8))
    with pytest.raises(CheckpointError, match="field_weights"):
        model.restore({})
