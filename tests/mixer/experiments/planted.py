"""Planted surfaces: laws with known best mixtures, designs of ours trained on them with noise, and what is proposed."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import minimize

from mixer.experiments.constraints import Constraints, constraints
from mixer.experiments.design import propose_designs
from mixer.experiments.fit import fit
from mixer.experiments.fit_laws import Exponential, Reciprocal
from mixer.experiments.proposal import Proposal
from mixer.experiments.propose import propose
from mixer.experiments.regressors import DEFAULT, EXPONENTIAL, RECIPROCAL
from mixer.experiments.table import Floats, Runs, runs_of

Kind = Literal["reciprocal", "exponential"]


@dataclass(frozen=True)
class Planted:
    """A law over mixtures within constraints, and the noise of a single run."""

    law: Reciprocal | Exponential
    kept: Constraints
    noise: float

    def runs(self, seed: int, count: int | None = None) -> Runs:
        """Return a design of ours with losses of the law and noise."""
        design = propose_designs(self.kept, count, seed=seed).runs()
        random = np.random.default_rng([seed, 7])
        values = self.law.predict(design.weights) + self.noise * random.normal(size=len(design))
        return runs_of(
            design.components, design.weights, ["loss"], values[:, None], ids=design.ids, splits=design.splits,
            seeds=design.seeds, replicates=design.replicates,
        )  # fmt: skip

    def best(self, seed: int = 0) -> Floats:
        """Return the best mixture of all that are allowed, by SLSQP on the law itself from many starts."""
        random = np.random.default_rng(seed)
        count = len(self.kept.components)
        found = []
        for start in random.dirichlet(np.ones(count), 12):
            one = minimize(
                lambda w: float(self.law.predict(w[None])[0]),
                np.clip(start, self.kept.least + 1e-3, self.kept.most),
                jac=lambda w: self.law.gradient(w[None])[0],
                method="SLSQP",
                bounds=list(zip(self.kept.least, self.kept.most, strict=True)),
                constraints=[{"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(count)}],
                options={"maxiter": 500, "ftol": 1e-12},
            )
            if abs(one.x.sum() - 1) < 1e-8:
                found.append(one)
        best: Floats = min(found, key=lambda one: float(one.fun)).x
        return best

    def loss(self, weights: Floats) -> float:
        """Return the true loss of a mixture."""
        return float(self.law.predict(weights[None])[0])


def plant(kind: Kind, count: int, seed: int, *, capped: bool = True, snr: float = 15.0) -> Planted:
    """Return a random law; caps bind its best mixture, noise is 1/snr of what sparse mixtures differ by."""
    random = np.random.default_rng([seed, count, kind == "exponential"])
    if kind == "reciprocal":
        law: Reciprocal | Exponential = Reciprocal(
            random.uniform(1.5, 3), random.normal(-0.5, 0.7, count), random.uniform(0.1, 0.8, count)
        )
    else:
        law = Exponential(random.uniform(1.5, 3), random.normal(0, 1.0, count))
    prior = random.dirichlet(np.full(count, 3.0))
    names = [f"c{i}" for i in range(count)]
    free = constraints(dict(zip(names, prior, strict=True)))
    spread = float(law.predict(random.dirichlet(np.full(count, 5 / count), 500)).std())
    best = Planted(law, free, 0.0).best()
    caps = (
        {names[i]: max(0.6 * best[i], 1.2 / count) for i in np.argsort(-best)[: max(1, count // 4)]} if capped else {}
    )
    return Planted(law, constraints(dict(zip(names, prior, strict=True)), caps=caps), spread / snr)


def proposed(planted: Planted, seed: int, count: int | None = None) -> Proposal:
    """Return what is proposed from a design of ours trained on the planted law."""
    runs = planted.runs(seed, count)
    surface = fit(runs, "loss", names=(EXPONENTIAL, RECIPROCAL, DEFAULT), seed=seed, resamples=5)
    return propose({"loss": surface}, {"loss": 1.0}, planted.kept, runs, seed=seed)
