"""Configurations to YAML and back; every mistake is answered with file, line, field and repair."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.engine import from_yaml, load_config, save_config, to_yaml
from saccade.errors import ConfigError, MissingFileError


@dataclass(frozen=True)
class LIFModel:
    """One alternative."""

    v_threshold: float = 1.0
    v_reset: float | None = 0.0


@dataclass(frozen=True)
class IFModel:
    """The other."""

    v_threshold: float = 0.5

    def __post_init__(self) -> None:
        if self.v_threshold <= 0:
            raise ConfigError(f"--v-threshold is {self.v_threshold}.", "Expected above 0.")


@dataclass(frozen=True)
class Config:
    """Everything a configuration may hold."""

    name: str = "run"
    window_us: Annotated[int, "microseconds"] = 50_000
    lr: float = 1e-3
    deep: bool = False
    path: Path = Path("data/a.raw")
    metric: Literal["cosine", "correlation"] = "cosine"
    depth: Literal[18, 34] = 18
    at: tuple[int, ...] = (1, 5)
    size: tuple[int, int] | None = None
    tags: list[str] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)
    model: LIFModel = field(default_factory=LIFModel)
    neuron: LIFModel | IFModel = field(default_factory=IFModel)
    seed: int | None = None
    limit: int | str = 3


@dataclass(frozen=True)
class Needy:
    """A field without a default."""

    path: Path
    count: int
    rest: int = 0


@dataclass(frozen=True)
class Undecided:
    """A union without a default."""

    neuron: LIFModel | IFModel


def refusal(text: str, cls: type = Config) -> str:
    with pytest.raises(ConfigError) as caught:
        from_yaml(cls, text, source="smoke.yaml")
    return str(caught.value)


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20)


@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        Config,
        name=TEXT,
        window_us=st.integers(),
        lr=st.floats(allow_nan=False),
        deep=st.booleans(),
        metric=st.sampled_from(["cosine", "correlation"]),
        depth=st.sampled_from([18, 34]),
        at=st.lists(st.integers(0, 99)).map(tuple),
        size=st.none() | st.tuples(st.integers(), st.integers()),
        tags=st.lists(TEXT),
        weights=st.dictionaries(TEXT, st.floats(allow_nan=False)),
        model=st.builds(LIFModel, v_reset=st.none() | st.floats(0, 1)),
        neuron=st.builds(LIFModel) | st.builds(IFModel, st.floats(0.1, 2)),
        seed=st.none() | st.integers(0, 9),
    )
)
def test_a_configuration_survives_the_way_to_yaml_and_back(config: Config) -> None:
    assert from_yaml(Config, to_yaml(config)) == config


def test_an_empty_file_gives_the_defaults() -> None:
    assert from_yaml(Config, "") == Config()
    assert from_yaml(Config, "# nothing\n") == Config()


def test_a_file_round_trip(tmp_path: Path) -> None:
    path = save_config(Config(window_us=7), tmp_path / "c.yaml")
    assert load_config(Config, path) == Config(window_us=7)
    assert [item.name for item in tmp_path.iterdir()] == ["c.yaml"]


def test_a_base_fills_what_the_file_leaves_out() -> None:
    base = Config(window_us=9, model=LIFModel(v_threshold=0.7, v_reset=None))
    config = from_yaml(Config, "model: {v_threshold: 0.9}", base=base)
    assert config == Config(window_us=9, model=LIFModel(v_threshold=0.9, v_reset=None))


def test_values_are_read_as_their_field_says() -> None:
    config = from_yaml(Config, "lr: 1e-4\nname: no\nwindow_us: 1_000\nseed: null\nlimit: all")
    assert config == Config(lr=1e-4, name="no", window_us=1_000, seed=None, limit="all")
    assert from_yaml(Config, "lr: 3").lr == 3.0
    assert from_yaml(Config, "lr: .inf").lr == float("inf")
    assert from_yaml(Config, "name: 007").name == "007"


def test_a_typo_is_answered_with_place_and_closest_field() -> None:
    text = "name: a\n\nmodel:\n  v_treshold: 0.8\n"
    assert refusal(text) == (
        "Unknown field 'v_treshold' in smoke.yaml:4 (model). "
        "Did you mean 'v_threshold' (float, default 1.0)?"
    )
    assert "Fields: name, window_us" in refusal("zzz: 1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("window_us: fast", "'fast' in smoke.yaml:1 (window_us). Expected int."),
        ("window_us: 1.5", "'1.5' in smoke.yaml:1 (window_us). Expected int."),
        ("window_us: 010x", "'010x' in smoke.yaml:1 (window_us). Expected int."),
        ("window_us: true", "'true' in smoke.yaml:1 (window_us). Expected int."),
        ("lr: '0.1'", "'0.1' in smoke.yaml:1 (lr). Expected float."),
        ("deep: 1", "'1' in smoke.yaml:1 (deep). Expected true or false."),
        ("name:", "An empty value in smoke.yaml:1 (name). Expected text."),
        ("model: 3", "'3' in smoke.yaml:1 (model). Expected LIFModel."),
        ("at: 3", "'3' in smoke.yaml:1 (at). Expected list of int."),
        ("at: [1, x]", "'x' in smoke.yaml:1 (at). Expected int."),
        ("size: [1, 2, 3]", "A list in smoke.yaml:1 (size). Expected [int, int] or none."),
        ("name: [a]", "A list in smoke.yaml:1 (name). Expected text."),
        (
            "metric: cosin",
            "'cosin' in smoke.yaml:1 (metric). Expected 'cosine' or 'correlation'. "
            "Did you mean 'cosine'?",
        ),
        ("depth: 50", "'50' in smoke.yaml:1 (depth). Expected 18 or 34."),
        ("name: a\nname: b", "Field 'name' stands twice, again in smoke.yaml:2."),
        (
            "neuron: {kind: IFmodel}",
            "Unknown kind 'IFmodel' in smoke.yaml:1 (neuron). Did you mean 'IFModel'?",
        ),
        ("- a\n- b", "A list in smoke.yaml:1. Expected Config."),
        ("name: 'a", "smoke.yaml:1 is not YAML: "),
        ("name: !!python/object/apply:os.getcwd []", "Tag 'tag:yaml.org,2002:python/"),
        ("name: !mine a", "Tag '!mine' in smoke.yaml:1 (name). Expected plain YAML."),
    ],
)
def test_mistakes_name_value_place_and_expectation(text: str, message: str) -> None:
    assert refusal(text).startswith(message)


def test_missing_fields_are_named_with_their_types() -> None:
    assert refusal("rest: 2", Needy) == "Missing in smoke.yaml:1: path (path), count (int)."


def test_a_check_of_the_class_keeps_its_text_and_gains_the_place() -> None:
    text = "name: a\nneuron:\n  kind: IFModel\n  v_threshold: -1\n"
    assert refusal(text) == "smoke.yaml:3 (neuron): --v-threshold is -1.0. Expected above 0."


def test_an_alternative_is_chosen_by_kind() -> None:
    config = from_yaml(Config, "neuron: {kind: LIFModel, v_threshold: 2}")
    assert config.neuron == LIFModel(v_threshold=2.0)


def test_without_a_kind_the_alternative_stays_what_it_was() -> None:
    assert from_yaml(Config, "neuron: {v_threshold: 1}").neuron == IFModel(1.0)
    with pytest.raises(ConfigError, match="Missing 'kind'"):
        from_yaml(Undecided, "neuron: {v_threshold: 1}")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(MissingFileError, match=r"No such file: nowhere\.yaml") as caught:
        load_config(Config, "nowhere.yaml")
    assert caught.value.exit_code == 3


def test_configurations_and_run_folders_need_no_torch() -> None:
    code = "import sys, saccade.engine; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
