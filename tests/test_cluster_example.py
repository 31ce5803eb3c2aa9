"""The example of a Ray cluster is a configuration that Ray itself takes."""

from pathlib import Path

from ruamel.yaml import YAML

EXAMPLE = Path(__file__).parents[1] / "configs" / "cluster.yaml"


def test_ray_takes_the_example() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    validate_config(prepare_config(YAML(typ="safe").load(EXAMPLE)))
