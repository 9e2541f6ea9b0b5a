#!/usr/bin/python3
"""Bits per character of the held-out tenth of each text by what needs no learning of weights: a 5-gram model and xz -9.

  /usr/bin/python3 bench/rivals/text_baselines.py $COMITY_DATA/plain-text
The 5-gram model interpolates all orders by Witten and Bell (1991), down to an even share of the characters that occur at least five times in
the training part; any other character costs its name among all of Unicode besides, as in Comity's own judging. It sees the whole history,
without the pieces of 64 characters that the language models are judged on. xz: the growth of the compressed training part by the
held-out text (it may look back into the training part), and the held-out text on its own.
"""
import lzma
import math
import os
import sys
from collections import Counter, defaultdict

ORDER, MINIMUM, UNICODE = 5, 5, 1112064


def bits_of_ngram(train, test):
    counts = Counter(train)
    known = {c for c, n in counts.items() if n >= MINIMUM}
    train = [c if c in known else None for c in train]
    tables = [defaultdict(Counter) for _ in range(ORDER)]
    for i, c in enumerate(train):
        for n in range(min(ORDER, i + 1)):
            tables[n][tuple(train[i - n:i])][c] += 1
    total, history = 0.0, train[-(ORDER - 1):]
    for character in test:
        c = character if character in known else None
        p = 1 / (len(known) + 1)
        for n in range(ORDER):
            seen = tables[n].get(tuple(history[len(history) - n:]))
            if not seen:
                break
            kinds, number = len(seen), sum(seen.values())
            p = (seen[c] + kinds * p) / (number + kinds)
        total -= math.log2(p)
        if c is None:
            total += math.log2(UNICODE)
        history = (history + [c])[-(ORDER - 1):]
    return total / len(test)


def xz(text):
    return len(lzma.compress(text.encode(), preset=9, format=lzma.FORMAT_XZ))


print("| text | held-out characters | 5-gram | xz -9 after the training part | xz -9 alone |")
print("|---|---|---|---|---|")
for name in ("tinyshakespeare-en.txt", "quantangshi-zh-hant.txt", "donquijote-part1-es.txt"):
    with open(os.path.join(sys.argv[1], name), encoding="utf-8") as file:
        text = file.read()
    pieces = math.ceil(len(text) / 64)
    held = int(pieces * 0.1 + 0.5)
    train, test = text[:(pieces - held) * 64], text[(pieces - held) * 64:]
    after = (xz(text) - xz(train)) * 8 / len(test)
    print(f"| {name} | {len(test)} | {bits_of_ngram(train, test):.3f} | {after:.3f} | {xz(test) * 8 / len(test):.3f} |", flush=True)
