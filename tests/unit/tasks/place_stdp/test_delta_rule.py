"""The delta rule: kernel and torch against the plain steps, and each quirk by its letter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from saccade.errors import ConfigError
from saccade.tasks.place_stdp.config_delta import PUBLISHED, DeltaConfig
from saccade.tasks.place_stdp.delta_kernels import LANES, in_blocks, learn
from saccade.tasks.place_stdp.delta_layer import draw_layer
from saccade.tasks.place_stdp.delta_reference import plain_learn
from saccade.tasks.place_stdp.delta_rule import (
    QUIRKS,
    Rule,
    feature_rule,
    learning_rates,
    output_rule,
)
from saccade.tasks.place_stdp.delta_torch import learn_modules

SYSTEMS = [None, "vprtempo", "lens"]


def config(system: str | None) -> DeltaConfig:
    return DeltaConfig() if system is None else PUBLISHED[system]


def rule_of(cfg: DeltaConfig, supervised: bool) -> Rule:
    return output_rule(cfg) if supervised else feature_rule(cfg)


def lesson(
    rows: int, inputs: int, steps: int, *, supervised: bool = False, seed: int = 0
) -> list[np.ndarray[Any, Any]]:
    """Arguments of ``learn`` without the rule: some inputs are 0, weights of both signs and 0."""
    rng = np.random.default_rng(seed)
    layer = draw_layer(rows, inputs, (0.5, 0.6), 0.1, (0.2, 0.9), rng)
    x = rng.random((7, inputs)).astype(np.float32)
    x[rng.random(x.shape) < 0.3] = 0
    rates = rng.uniform(0.2, 0.9, inputs).astype(np.float32)
    before = x / rates if supervised else (x > 0).astype(np.float32)
    order, targets = rng.integers(0, 7, steps), rng.integers(0, rows, steps)
    eta = np.linspace(0.02, 0.001, steps, dtype=np.float32)
    arrays = [layer.weights, layer.signs, layer.thresholds, layer.rates, x, before]
    return [*arrays, order, targets, eta, 10 * eta]


@pytest.mark.parametrize("supervised", [False, True])
@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("rows", [1, LANES, 2 * LANES + 3])
def test_kernel_equals_the_plain_rule_to_the_bit(
    rows: int, system: str | None, supervised: bool
) -> None:
    rule = rule_of(config(system), supervised)
    plain, fast = (lesson(rows, 41, 50, supervised=supervised) for _ in range(2))
    start = plain[0].copy()
    plain_learn(*plain, rule)  # pyright: ignore[reportArgumentType]
    learn(*fast, rule, threads=2)  # pyright: ignore[reportArgumentType]
    assert not np.array_equal(start, plain[0])
    for one, other in zip(plain, fast, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("supervised", [False, True])
@pytest.mark.parametrize("system", SYSTEMS)
def test_torch_learns_modules_side_by_side_like_the_plain_rule(
    system: str | None, supervised: bool
) -> None:
    """Products are summed in another order, so weights agree to the rounding of 30 steps."""
    rule = rule_of(config(system), supervised)
    lessons = [lesson(20, 33, 30, supervised=supervised, seed=seed) for seed in (1, 2)]
    stacked = [torch.from_numpy(np.stack(pair)) for pair in zip(*lessons, strict=True)]
    learn_modules(*stacked, rule)  # pyright: ignore[reportArgumentType]
    for number, arguments in enumerate(lessons):
        plain_learn(*arguments, rule)  # pyright: ignore[reportArgumentType]
        for part in (0, 2):
            found = stacked[part][number].numpy()
            np.testing.assert_allclose(found, arguments[part], rtol=0, atol=2e-5)


@pytest.mark.parametrize("supervised", [False, True])
def test_signs_and_limits_hold(supervised: bool) -> None:
    cfg = DeltaConfig(eta_stdp=1)
    arguments = lesson(40, 25, 200, supervised=supervised)
    arguments[8][:] = 1.0
    learn(*arguments, rule_of(cfg, supervised))  # pyright: ignore[reportArgumentType]
    weights, signs = arguments[:2]
    assert np.all(weights * signs >= 0)
    assert np.all(weights[signs == 0] == 0)
    assert np.all(weights[signs > 0] <= 10)


def test_no_step_changes_nothing() -> None:
    arguments = lesson(3, 4, 0)
    before = arguments[0].copy()
    learn(*arguments, feature_rule(DeltaConfig()))  # pyright: ignore[reportArgumentType]
    np.testing.assert_array_equal(arguments[0], before)


def test_ranges_of_rows_cover_every_row_once() -> None:
    for rows in (1, 31, 32, 33, 100):
        seen = np.zeros(rows, int)

        def mark(first: int, last: int, seen: Any = seen) -> None:
            assert first % 8 == 0
            seen[first:last] += 1

        in_blocks(mark, rows, 8, threads=3)
        assert np.all(seen == 1)


def one_output(cfg: DeltaConfig, answers: list[float], eta_ip: float = 0.1) -> tuple[Any, Any]:
    """Outputs that answer an input of 1 in this way learn that place 0 is right."""
    rows = len(answers)
    weights = np.array(answers, np.float32)[:, None]
    thresholds = np.full(rows, 0.0, np.float32)
    one, step = np.ones((1, 1), np.float32), np.zeros(1, np.int64)
    learn(
        *(weights, np.ones((rows, 1), np.int8), thresholds, np.full(rows, 0.3, np.float32)),
        *(one, one, step, step, np.float32([0.1]), np.float32([eta_ip]), output_rule(cfg)),
    )
    return weights[:, 0], thresholds


def test_defect_a_limits_of_the_error() -> None:
    """VPRTempo drops the limits, LENS lets no place answer less, ours reaches both ways."""
    answers = [0.2, 0.4]
    right, wrong = 0.2 + 0.1 * 0.3, 0.4 - 0.1 * 0.4
    for cfg, expected in (
        (PUBLISHED["vprtempo"], [right, wrong]),
        (PUBLISHED["lens"], [right, 0.4]),
        (DeltaConfig(), [right, wrong]),
        (DeltaConfig(error_range=(-0.05, 0.2)), [0.2 + 0.1 * 0.2, 0.4 - 0.1 * 0.05]),
    ):
        np.testing.assert_allclose(one_output(cfg, answers)[0], expected, atol=1e-6)


def test_defect_b_thresholds_see_their_own_activity() -> None:
    """Of two lively and silent neurons, published thresholds cannot tell one from the other."""
    ends: dict[str | None, Any] = {}
    for system in SYSTEMS:
        weights = np.array([[0.9], [0.1]], np.float32)
        thresholds, rates = np.full(2, 0.2, np.float32), np.full(2, 0.3, np.float32)
        one, step = np.ones((1, 1), np.float32), np.zeros(1, np.int64)
        learn(
            *(weights, np.ones((2, 1), np.int8), thresholds, rates, one, one, step, step),
            *(np.float32([0.01]), np.float32([0.1]), feature_rule(config(system))),
        )
        ends[system] = thresholds
    np.testing.assert_allclose(ends["vprtempo"], [0.17, 0.17], atol=1e-6)
    np.testing.assert_allclose(ends["lens"], [0.17, 0.17], atol=1e-6)
    np.testing.assert_allclose(ends[None], [0.2 + 0.1 * (0.7 - 0.3), 0.17], atol=1e-6)


def test_defect_b_outputs_of_lens_see_the_activity_asked_for() -> None:
    _, thresholds = one_output(PUBLISHED["lens"], [0.2, 0.9])
    np.testing.assert_allclose(thresholds, [0.1 * (0.5 - 0.3), 0.0], atol=1e-6)
    _, thresholds = one_output(DeltaConfig(output_rate=0.3), [0.2, 0.9])
    np.testing.assert_allclose(thresholds, [0.0, 0.1 * (0.9 - 0.3)], atol=1e-6)


def test_defect_b_thresholds_of_lens_move_at_twice_the_rate_of_weights() -> None:
    cfg = replace(PUBLISHED["lens"], eta_stdp=0.01, eta_ip=0.5, anneal_every=4)
    stdp, ip = learning_rates(cfg, 0, 3, 100)
    np.testing.assert_allclose(ip, [0.5, 0.02, 0.02], rtol=1e-6)
    np.testing.assert_allclose(learning_rates(cfg, 1, 2, 100)[1], ip[1:])
    native = learning_rates(replace(cfg, compat=None), 0, 3, 100)
    np.testing.assert_allclose(native[1], 0.5, rtol=1e-6)
    np.testing.assert_allclose(stdp, native[0])


def test_defect_c_each_neuron_has_its_own_norm() -> None:
    rngs = [np.random.default_rng(3) for _ in range(2)]
    ours = draw_layer(50, 30, (0.5, 0), 0.5, (0.2, 0.9), rngs[0])
    last = draw_layer(50, 30, (0.5, 0), 0.5, (0.2, 0.9), rngs[1], norm_of_last=True)
    np.testing.assert_allclose(ours.weights.sum(1), 1, atol=1e-6)
    sums = last.weights.sum(1)
    np.testing.assert_allclose(sums[-1], 1, atol=1e-6)
    assert np.ptp(sums) > 0.1
    np.testing.assert_array_equal(ours.signs, last.signs)


def test_a_neuron_without_connections_stays_finite() -> None:
    layer = draw_layer(5, 3, (0, 0), 0.5, (0.2, 0.9), np.random.default_rng(0), norm_of_last=True)
    assert np.all(layer.weights == 0)


def test_published_rates_change_one_step_late() -> None:
    cfg = DeltaConfig(anneal_every=3, eta_stdp=1, eta_ip=1)
    ours, _ = learning_rates(cfg, 0, 9, 9)
    late, _ = learning_rates(replace(cfg, compat="vprtempo"), 0, 9, 9)
    np.testing.assert_allclose(ours, np.repeat([1, (6 / 9) ** 2, (3 / 9) ** 2], 3), rtol=1e-6)
    np.testing.assert_array_equal(late[1:], ours[:-1])
    assert late[0] == ours[0]


def test_published_homeostasis_may_turn_a_sign_and_ours_not() -> None:
    for system, expected in ((None, 0.0), ("vprtempo", 0.5)):
        rule = feature_rule(config(system))._replace(adapts=False)
        weights, zero = np.array([[-0.5]], np.float32), np.zeros(1, np.float32)
        one, step = np.ones((1, 1), np.float32), np.zeros(1, np.int64)
        eta = np.float32([2 / (50 * 0.5)])
        learn(weights, -one.astype(np.int8), zero, zero, one, one, step, step, eta, eta, rule)
        np.testing.assert_allclose(weights, expected, atol=1e-6)


def test_every_system_has_its_quirks_named() -> None:
    assert QUIRKS.keys() == {None, *PUBLISHED}
    letters = QUIRKS["vprtempo"].__doc__ or ""
    assert all(f"({letter})" in letters for letter in "abcdefgh")


def test_rates_outside_the_training_are_refused() -> None:
    with pytest.raises(ConfigError, match="of 10"):
        learning_rates(DeltaConfig(), 5, 6, 10)


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"clip": 0.0},
        {"eta_stdp": -1.0},
        {"eta_ip": float("nan")},
        {"feature_connected": (0.5, 1.5)},
        {"feature_rates": (0.9, 0.2)},
        {"error_range": (0.1, 0.9)},
        {"seed": -1},
        {"compat": "vprsnn"},
    ],
)
def test_settings_outside_their_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        DeltaConfig(**wrong)


def test_a_share_of_features_that_leaves_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="1 feature"):
        DeltaConfig(features_per_input=0.1).features(5)
