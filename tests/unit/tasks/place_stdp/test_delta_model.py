"""The delta model: training, stopping and going on, modules of any size, what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from saccade.errors import CheckpointError, ConfigError, DataError, ShapeError
from saccade.tasks.place_stdp.config_delta import PUBLISHED, DeltaConfig
from saccade.tasks.place_stdp.delta import DeltaModel
from saccade.tasks.place_stdp.delta_images import as_inputs, disturbed
from saccade.tasks.place_stdp.delta_rule import feature_rule, output_rule
from saccade.tasks.place_stdp.delta_torch import train_on_device

SIDE, PLACES = 6, 11


def traverses(seed: int = 0, noise: float = 30) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Two traverses of the same places in other light."""
    rng = np.random.default_rng(seed)
    route = rng.integers(0, 256, (PLACES, SIDE, SIDE))
    seen = [route + rng.normal(0, noise, route.shape) for _ in range(2)]
    images = np.clip(np.concatenate(seen), 0, 255).astype(np.uint8)
    return images, np.tile(np.arange(PLACES), 2)


def trained(cfg: DeltaConfig, steps: list[int | None]) -> DeltaModel:
    """A model trained in calls of so many steps, each by a model restored from the last one."""
    images, labels = traverses()
    model = DeltaModel(SIDE * SIDE, PLACES, cfg)
    for some in steps:
        fresh = DeltaModel(SIDE * SIDE, PLACES, cfg)
        fresh.restore(model.state())
        fresh.train(images, labels, steps=some, threads=1)
        model = fresh
    return model


def differences(one: DeltaModel, other: DeltaModel) -> list[str]:
    pairs = one.state(), other.state()
    return [name for name in pairs[0] if not np.array_equal(pairs[0][name], pairs[1][name])]


@pytest.mark.parametrize(
    "cfg",
    [
        DeltaConfig(max_module=4, epochs=3, anneal_every=7),
        DeltaConfig(max_module=4, epochs=3, anneal_every=7, shift=1, noise=0.1),
        DeltaConfig(max_module=20, epochs=3, output_rate=0.3, output_threshold=0.2),
        DeltaConfig(max_module=4, epochs=3, anneal_every=7, compat="lens"),
    ],
)
def test_stopped_anywhere_training_goes_on_to_the_same_bits(cfg: DeltaConfig) -> None:
    total = 2 * cfg.epochs * 2 * PLACES
    whole = trained(cfg, [None])
    assert whole.steps_done == total
    assert not differences(whole, trained(cfg, [1, 0, 7, 30, 13, None, None]))
    assert differences(whole, trained(cfg, [total - 1])) != []


def test_threads_and_calls_do_not_change_the_bits() -> None:
    images, labels = traverses()
    models = [DeltaModel(SIDE * SIDE, PLACES, DeltaConfig(max_module=4)) for _ in range(2)]
    models[0].train(images, labels, threads=1)
    while models[1].train(images, labels, steps=17, threads=3):
        pass
    assert not differences(*models)


def test_places_are_recognised_in_a_third_traverse() -> None:
    images, labels = traverses()
    queries = traverses(seed=0, noise=60)[0][:PLACES]
    model = DeltaModel(SIDE * SIDE, PLACES, DeltaConfig(epochs=40))
    untrained = model.scores(queries).argmax(1)
    assert model.train(images, labels) == 0
    assert np.mean(model.scores(queries).argmax(1) == np.arange(PLACES)) > 0.8
    assert np.mean(untrained == np.arange(PLACES)) < 0.5


def test_seeds_differ_and_repeat() -> None:
    models = [DeltaModel(9, 3, DeltaConfig(seed=seed)) for seed in (1, 1, 2)]
    assert not differences(models[0], models[1])
    assert differences(models[0], models[2])


@pytest.mark.parametrize("places", [1, 3, 4, 5, 11])
def test_defects_d_and_h_any_number_of_places(places: int) -> None:
    """Fewer places than a module holds, exactly as many, or a remainder."""
    model = DeltaModel(9, places, DeltaConfig(max_module=4, epochs=1))
    sizes = [len(module.places) for module in model.modules]
    assert sum(sizes) == places
    assert all(size == 4 for size in sizes[:-1])
    assert [place for module in model.modules for place in module.places] == list(range(places))
    images = np.random.default_rng(0).random((places, 3, 3))
    assert model.train(images, np.arange(places)) == 0
    assert model.scores(images).shape == (places, places)


def test_defect_e_queries_need_not_be_as_many_as_places() -> None:
    model = DeltaModel(9, 5)
    for queries in (0, 1, 8):
        assert model.scores(np.zeros((queries, 9), np.uint8)).shape == (queries, 5)


def test_one_matrix_scores_as_both_layers_do() -> None:
    cfg = DeltaConfig(max_module=4)
    model = trained(cfg, [None])
    x = as_inputs(traverses(seed=5)[0], SIDE * SIDE)
    parts = [x @ m.feature.weights.T @ m.output.weights.T for m in model.modules]
    np.testing.assert_allclose(model.scores(x), np.concatenate(parts, 1), rtol=0, atol=1e-5)


def test_training_drops_the_matrix_of_the_weights_before() -> None:
    images, labels = traverses()
    model = DeltaModel(SIDE * SIDE, PLACES)
    before = model.collapse().copy()
    model.train(images, labels, steps=50)
    assert not np.array_equal(before, model.collapse())


@pytest.mark.parametrize("system", [None, "vprtempo", "lens"])
def test_a_torch_device_trains_to_the_same_scores(system: str | None) -> None:
    """Sums in another order: equal to the rounding of the whole training."""
    base = DeltaConfig() if system is None else PUBLISHED[system]
    cfg = DeltaConfig(**{**vars(base), "max_module": 4, "epochs": 3})
    images, labels = traverses()
    models = [DeltaModel(SIDE * SIDE, PLACES, cfg) for _ in range(2)]
    models[0].train(images, labels)
    train_on_device(models[1], images, labels, device="cpu")
    scores = [model.scores(images) for model in models]
    assert models[1].steps_done == models[0].steps_done
    np.testing.assert_allclose(scores[0], scores[1], rtol=0, atol=1e-4)
    with pytest.raises(ConfigError, match="steps_done"):
        train_on_device(models[1], images, labels, device="cpu")


def test_published_settings_differ_from_native_ones() -> None:
    native, vprtempo, lens = DeltaConfig(), PUBLISHED["vprtempo"], PUBLISHED["lens"]
    assert feature_rule(native) != feature_rule(vprtempo)
    assert output_rule(vprtempo) != output_rule(lens)
    model = DeltaModel(100, 100, lens)
    weights = sum(m.feature.weights.size + m.output.weights.size for m in model.modules)
    assert weights == 40_000
    assert model.modules[0].output.thresholds.max() <= 0.5


def test_images_of_bytes_and_of_floats_are_the_same() -> None:
    images = traverses()[0]
    flat = as_inputs(images, SIDE * SIDE)
    np.testing.assert_array_equal(flat, as_inputs(images.astype(np.float64) / 255, SIDE * SIDE))
    assert flat.dtype == np.float32
    assert flat.max() <= 1


def test_defect_f_published_rounding_depends_on_the_image() -> None:
    image = np.array([[10, 20, 41, 100]], np.uint8)
    ours, theirs = as_inputs(image, 4), as_inputs(image, 4, "vprtempo")
    full = np.array([[0, 3, 100, 255]], np.uint8)
    assert not np.array_equal(ours, theirs)
    np.testing.assert_allclose(theirs, ours, atol=0.5 * 100 / 255**2)
    np.testing.assert_allclose(as_inputs(full, 4, "vprtempo"), as_inputs(full, 4), atol=1e-7)
    assert not as_inputs(np.zeros((1, 4), np.uint8), 4, "vprtempo").any()


def test_disturbed_images_move_by_whole_pixels() -> None:
    rng = np.random.default_rng(0)
    x = rng.random((50, 30)).astype(np.float32)
    moved = disturbed(x, (50, 5, 6), 1, 0, rng).reshape(50, 5, 6)
    images = x.reshape(50, 5, 6)
    shifts: set[tuple[int, int]] = set()
    for image, other in zip(images, moved, strict=True):
        for dr in (-1, 0, 1):
            for dc in (-1, 0, 1):
                if np.array_equal(
                    other[1:-1, 1:-1], np.roll(image, (-dr, -dc), (0, 1))[1:-1, 1:-1]
                ):
                    shifts.add((dr, dc))
    assert len(shifts) == 9
    assert disturbed(x, (50, 30), 0, 0.3, rng).max() <= 1


@pytest.mark.parametrize(
    ("images", "labels", "error", "words"),
    [
        (np.zeros((3, 8)), [0, 1, 2], ShapeError, "9 values"),
        (np.zeros(9), [0], ShapeError, "9 values"),
        (np.zeros((3, 9), np.int64), [0, 1, 2], DataError, "int64"),
        (np.full((3, 9), np.nan), [0, 1, 2], DataError, "nan"),
        (np.full((3, 9), 1.5), [0, 1, 2], DataError, "1.5"),
        (np.zeros((3, 9)), [0, 1], ShapeError, "labels"),
        (np.zeros((3, 9)), [0.0, 1.0, 2.0], DataError, "integers"),
        (np.zeros((3, 9)), [0, 1, 3], DataError, "Image 2 shows place 3"),
        (np.zeros((3, 9)), [0, 0, 2], DataError, "without an image: 1"),
    ],
)
def test_wrong_lessons_are_refused(
    images: Any, labels: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        DeltaModel(9, 3).train(images, labels)


def test_images_that_are_to_be_moved_need_two_sides() -> None:
    model = DeltaModel(10, 1, DeltaConfig(shift=1))
    with pytest.raises(ShapeError, match="not square"):
        model.train(np.zeros((1, 10)), [0])
    assert model.train(np.zeros((1, 2, 5)), [0]) == 0


def test_wrong_states_are_refused_and_change_nothing() -> None:
    model = DeltaModel(9, 3)
    before = model.state()
    for name, value in (
        ("module0.feature.weights", before["module0.feature.weights"][:-1]),
        ("module0.feature.signs", before["module0.feature.signs"].astype(np.int64)),
        ("steps_done", None),
    ):
        state = {**before, name: value}
        state["module0.output.weights"] = before["module0.output.weights"] + 1
        if value is None:
            del state[name]
        with pytest.raises(CheckpointError, match=name):
            model.restore(state)
        assert np.array_equal(
            model.state()["module0.output.weights"], before["module0.output.weights"]
        )


def test_training_with_fewer_images_than_before_is_refused() -> None:
    images, labels = traverses()
    model = DeltaModel(SIDE * SIDE, PLACES)
    model.train(images, labels)
    with pytest.raises(DataError, match="steps"):
        model.train(images[:PLACES], labels[:PLACES])
    with pytest.raises(ConfigError, match="steps is -1"):
        model.train(images, labels, steps=-1)


@pytest.mark.parametrize(("inputs", "places"), [(0, 1), (1, 0)])
def test_models_of_nothing_are_refused(inputs: int, places: int) -> None:
    with pytest.raises(ConfigError, match="is 0"):
        DeltaModel(inputs, places)
