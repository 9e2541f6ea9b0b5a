"""Loss and gradient of a small bidirectional LSTM tagger in PyTorch, in the order of Comity's flat vector.

Writes tests/Comity.Learning.Tests/Models/Vectors/torch-tagger.json, which every build compares with.
Needs PyTorch (made with 1.13.1): python3 bench/parity/torch_tagger_vectors.py
"""
import json
import os

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

VOCABULARY, EMBEDDING, HIDDEN, TAGS, TOKENS = 9, 3, 4, 3, 5
torch.manual_seed(11)
torch.set_num_threads(1)
embed, lstm, head = nn.Embedding(VOCABULARY, EMBEDDING), nn.LSTM(EMBEDDING, HIDDEN, bidirectional=True, batch_first=True), nn.Linear(2 * HIDDEN, TAGS)
with torch.no_grad():
    lstm.bias_hh_l0.zero_()
    lstm.bias_hh_l0_reverse.zero_()
tokens = torch.tensor([[2, 4, 5, 6, 8], [2, 7, 4, 0, 0], [2, 8, 8, 5, 0]])
tags = torch.tensor([[0, 1, 2, 3, 1], [0, 2, 1, 0, 0], [0, 3, 0, 1, 0]])  # 0: none, k + 1 the k-th
lengths = (tokens != 0).sum(1)
packed = pack_padded_sequence(embed(tokens), lengths, batch_first=True, enforce_sorted=False)
states, _ = pad_packed_sequence(lstm(packed)[0], batch_first=True, total_length=TOKENS)
loss = nn.functional.cross_entropy(head(states).reshape(-1, TAGS), tags.reshape(-1) - 1, ignore_index=-1)
loss.backward()


def flat(of):
    parts = [of(embed.weight)]
    for end in ("", "_reverse"):
        parts += [of(getattr(lstm, "weight_ih_l0" + end)).T, of(getattr(lstm, "bias_ih_l0" + end)), of(getattr(lstm, "weight_hh_l0" + end)).T]
    parts += [of(head.weight).T, of(head.bias)]
    return [float(v) for p in parts for v in p.detach().reshape(-1)]


path = os.path.join(os.path.dirname(__file__), "../../tests/Comity.Learning.Tests/Models/Vectors/torch-tagger.json")
with open(path, "w") as file:
    json.dump({
        "source": "bench/parity/torch_tagger_vectors.py, PyTorch " + torch.__version__,
        "parameters": flat(lambda p: p), "gradient": flat(lambda p: p.grad), "loss": loss.item(),
        "rows": [float(v) for row, tag in zip(tokens, tags) for v in torch.cat([row, tag])],
    }, file)
    file.write("\n")
