#!/usr/bin/python3
"""Makes the test vector for logistic regression: a small matrix and scikit-learn's coefficients without a penalty.

  /usr/bin/python3 bench/rivals/sklearn_logistic.py > tests/Comity.Learning.Tests/Training/Vectors/sklearn-logistic.json
  /usr/bin/python3 bench/rivals/sklearn_logistic.py --softmax > tests/Comity.Learning.Tests/Training/Vectors/sklearn-softmax.json
The columns are correlated and of different scales, and the classes overlap, so that the optimum is finite and not easy to reach.
"""
import json
import sys

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

softmax = "--softmax" in sys.argv
rng = np.random.default_rng(7)
n, d = 240, 8
mix = rng.normal(size=(d, d)) * 0.4 + np.eye(d)
x = (rng.normal(size=(n, d)) @ mix * np.array([1, 2, 0.5, 1, 3, 1, 0.2, 1])).astype(np.float32)
x = np.round(x, 4).astype(np.float32)
if softmax:
    scores = x @ rng.normal(size=(d, 3)) * 0.7 + rng.gumbel(size=(n, 3)) * 1.5
    y = scores.argmax(1)
else:
    y = (x @ rng.normal(size=d) * 0.8 + 0.5 + rng.logistic(size=n) > 0).astype(int)
model = LogisticRegression(penalty="none", solver="newton-cg" if softmax else "lbfgs", tol=1e-10, max_iter=100000, multi_class="multinomial" if softmax else "auto")
model.fit(x.astype(np.float64), y)
print(json.dumps({
    "source": f"scikit-learn {sklearn.__version__}, LogisticRegression(penalty='none', tol=1e-10)",
    "width": d,
    "features": [float(v) for v in x.ravel()],
    "labels": [int(v) for v in y],
    "coefficients": model.coef_.tolist(),
    "intercepts": model.intercept_.tolist(),
    "accuracy": float(model.score(x, y)),
}))
