"""The stages of an experiment up to trained proxies, in order. Not here: what they do, and what follows (`decide`)."""

from pathlib import Path

from mixer.experiments.evaluate import Evaluation
from mixer.experiments.settings import ExperimentConfig
from mixer.experiments.split import ChooseHeldOut, Given, Split
from mixer.experiments.sweep import Sweep
from mixer.target import DEMO, Target, find_target
from mixer.tokenized import Tokenize
from mixer.train_tokenizer import TrainTokenizer
from pipelines.engine.driver import PlannedStage

TOKENIZER, SWEEP, CONFIRM = "train-tokenizer", "sweep", "confirm"


def prepared(config: ExperimentConfig, given: Given) -> list[PlannedStage]:
    """Return the stages that make tokens and items: what has to be there before a proxy is trained."""
    target = proxy_target(config)
    own = {} if config.proxy.base else {"tokenizer": (TOKENIZER,)}
    train = PlannedStage(TrainTokenizer(config.proxy.vocabulary), {"documents": ("split",)})
    return [
        PlannedStage(ChooseHeldOut(config, given)),
        PlannedStage(Split(given), {"chosen": ("held-out",)}),
        *([train] if own else []),
        PlannedStage(Tokenize(target), {"documents": ("split",), **own}),
        PlannedStage(Evaluation(config, given, target), {"chosen": ("held-out",), "split": ("split",), **own}),
    ]


def sweep(name: str, config: ExperimentConfig, design: str) -> PlannedStage:
    """Return a sweep over the mixtures that the stage `design` lists."""
    target = proxy_target(config)
    inputs = {"tokens": (Tokenize(target).name,), "items": ("evaluation",), "chosen": ("held-out",)}
    return PlannedStage(Sweep(name, config, target), {**inputs, "design": (design,)})


def proxy_target(config: ExperimentConfig) -> Target:
    """Return what proxies read: a byte-level BPE of their own, as the demo has, or what their base reads."""
    proxy = config.proxy
    return find_target(proxy.target, Path(proxy.base) / "tokenizer.json") if proxy.base else find_target(DEMO)
