"""The stages of an experiment in order, from the documents of a run to trained proxies. Not here: what they do."""

from mixer.experiments.evaluate import Evaluation
from mixer.experiments.settings import ExperimentConfig
from mixer.experiments.split import ChooseHeldOut, Given, Split
from mixer.experiments.sweep import Sweep
from mixer.target import DEMO, Target, find_target
from mixer.tokenized import Tokenize
from mixer.train_tokenizer import TrainTokenizer
from pipelines.engine.driver import PlannedStage

TOKENIZER = "train-tokenizer"


def prepared(config: ExperimentConfig, given: Given) -> list[PlannedStage]:
    """Return the stages that make tokens and items: what has to be there before a proxy is trained."""
    tokenize = Tokenize(proxy_target())
    return [
        PlannedStage(ChooseHeldOut(config, given)),
        PlannedStage(Split(given), {"chosen": ("held-out",)}),
        PlannedStage(TrainTokenizer(config.proxy.vocabulary), {"documents": ("split",)}),
        PlannedStage(tokenize, {"documents": ("split",), "tokenizer": (TOKENIZER,)}),
        PlannedStage(
            Evaluation(config, given), {"chosen": ("held-out",), "split": ("split",), "tokenizer": (TOKENIZER,)}
        ),
    ]


def sweep(name: str, config: ExperimentConfig, design: str) -> PlannedStage:
    """Return a sweep over the mixtures that the stage `design` lists."""
    target = proxy_target()
    inputs = {"tokens": (Tokenize(target).name,), "items": ("evaluation",), "chosen": ("held-out",)}
    return PlannedStage(Sweep(name, config, target), {**inputs, "design": (design,)})


def proxy_target() -> Target:
    """Return what proxies read: a byte-level BPE of their own, as the demo has."""
    return find_target(DEMO)
