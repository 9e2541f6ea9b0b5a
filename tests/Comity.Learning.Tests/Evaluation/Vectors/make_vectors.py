"""Writes evaluation-vectors.json: what scikit-learn and SciPy say about a few seeded rows.

Made once with Debian's python3-sklearn 1.2.1 and SciPy 1.10.1; the tests read the JSON and need no Python.
    python3 make_vectors.py > evaluation-vectors.json
Probabilities are single-precision numbers. Log loss is clipped at 2**-23, what scikit-learn does for single precision,
but computed in double. Calibration errors, which scikit-learn lacks, are computed here with numpy.digitize.
"""
import json
import re

import numpy as np
from scipy import stats
from sklearn import metrics as m

rng = np.random.default_rng(20)
EPS = 2.0 ** -23


def gaps(p, y, bins=10):
    bin_of = np.clip(np.digitize(p, np.linspace(0, 1, bins + 1).astype(np.float32), right=True) - 1, 0, bins - 1)
    parts = [(np.sum(bin_of == b), abs(np.mean(p[bin_of == b]) - np.mean(y[bin_of == b]))) for b in range(bins) if np.any(bin_of == b)]
    return sum(n * g for n, g in parts) / len(p), max(g for _, g in parts)


def floats(a):
    return [float(v) for v in np.asarray(a).ravel()]


def averaged(y, yhat):
    out = {}
    for average in ("macro", "weighted"):
        p, r, f, _ = m.precision_recall_fscore_support(y, yhat, average=average, zero_division=0)
        suffix = average.capitalize()
        out |= {"precision" + suffix: p, "recall" + suffix: r, "f1" + suffix: f}
    out |= {"accuracy": m.accuracy_score(y, yhat), "balancedAccuracy": m.balanced_accuracy_score(y, yhat),
            "majorityShare": np.bincount(y).max() / len(y)}
    return out


def binary():
    y = (rng.random(60) < 0.4).astype(int)
    p = np.round(1 / (1 + np.exp(-(rng.normal(size=60) * 1.5 + 1.5 * y - 0.7))), 2).astype(np.float32)  # many ties
    p[:3], y[:3] = [0, 1, 1], [1, 0, 1]  # certain and wrong, certain and wrong, certain and right
    q = p.astype(float)
    yhat = (p >= 0.5).astype(int)
    ece, mce = gaps(q, y)
    out = averaged(y, yhat) | {
        "precision": m.precision_score(y, yhat), "recall": m.recall_score(y, yhat), "specificity": m.recall_score(y, yhat, pos_label=0),
        "f1": m.f1_score(y, yhat), "rocAuc": m.roc_auc_score(y, q), "prAuc": m.average_precision_score(y, q),
        "logLoss": m.log_loss(y, q, eps=EPS), "brier": m.brier_score_loss(y, q), "ece": ece, "mce": mce}
    return {"labels": y.tolist(), "probabilities": floats(p), "confusion": m.confusion_matrix(y, yhat).tolist(), "metrics": out}


def multiclass():
    y = rng.integers(0, 4, 50)
    y[y == 3] = 0  # a class without rows, yet predicted now and then
    logits = rng.normal(size=(50, 4)) + 1.4 * np.eye(4)[y]
    p = np.exp(logits)
    p[0] = [1, 0, 0, 0]
    y[0] = 1
    p = (p / p.sum(1, keepdims=True)).astype(np.float32)
    q = p.astype(float)
    yhat = q.argmax(1)
    clipped = np.clip(q, EPS, 1 - EPS)
    clipped /= clipped.sum(1, keepdims=True)
    ece, mce = gaps(q.max(1), (yhat == y).astype(float))
    present = [c for c in range(4) if np.any(y == c)]
    out = averaged(y, yhat) | {
        "rocAuc": np.mean([m.roc_auc_score(y == c, q[:, c]) for c in present]),
        "prAuc": np.mean([m.average_precision_score(y == c, q[:, c]) for c in present]),
        "logLoss": m.log_loss(y, q, eps=EPS, labels=[0, 1, 2, 3]), "brier": np.mean(np.sum((q - np.eye(4)[y]) ** 2, 1)), "ece": ece, "mce": mce}
    return {"labels": y.tolist(), "probabilities": floats(p), "confusion": m.confusion_matrix(y, yhat, labels=range(4)).tolist(), "metrics": out}


def regression():
    y = (rng.normal(size=25) * 3 + 40).astype(np.float32)
    p = (y + rng.normal(size=25)).astype(np.float32)
    a, b = y.astype(float), p.astype(float)
    return {"labels": floats(y), "predictions": floats(p), "metrics": {
        "mse": m.mean_squared_error(a, b), "rmse": m.mean_squared_error(a, b, squared=False), "mae": m.mean_absolute_error(a, b), "r2": m.r2_score(a, b)}}


def mcnemar_mid_p():
    return [[b, c, 2 * stats.binom.cdf(min(b, c), b + c, 0.5) - stats.binom.pmf(min(b, c), b + c, 0.5)] for b, c in ((1, 5), (10, 10), (12, 3), (0, 4), (80, 120))]


class Plain(json.JSONEncoder):
    def default(self, o):
        return o.item()


text = json.dumps({"binary": binary(), "multiclass": multiclass(), "regression": regression(), "mcnemarMidP": mcnemar_mid_p()}, cls=Plain, indent=2)
print(re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda found: "[" + re.sub(r"\s+", " ", found.group(1)) + "]", text))
