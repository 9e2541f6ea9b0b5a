"""Persistence and scikit-learn's ridge on the very test rows of a run of examples/beijing-air, which predictions.csv names.

Usage: air_baselines.py RUN_FOLDER DATA_FOLDER [MODEL]
A row is the position of the last hour that was seen; the label lies six hours on. Ridge sees the last twelve hours of the same columns,
a missing value carried on and then replaced by the mean, and is fitted on the rows before the held-out fifth of every station.
"""
import csv, glob, gzip, os, sys
import numpy as np
from sklearn.linear_model import Ridge

run, data = sys.argv[1:3]
model = sys.argv[3] if len(sys.argv) > 3 else 'pooled'
numbers = ['PM2.5', 'PM10', 'SO2', 'NO2', 'CO', 'O3', 'TEMP', 'PRES', 'DEWP', 'RAIN', 'WSPM']
winds = 'N NNE NE ENE E ESE SE SSE S SSW SW WSW W WNW NW NNW'.split()
steps, horizon, every, carry = 12, 6, 3, 6

test = {}
with open(os.path.join(run, 'predictions.csv'), newline='') as file:
    for row in csv.DictReader(file):
        if row['model'] == model and row['site'] != '*':
            test.setdefault(row['site'], []).append((int(row['row']), float(row['label']), float(row['prediction'])))


def carried(column):
    column, last, age = column.copy(), np.nan, 0
    for i, value in enumerate(column):
        if not np.isnan(value):
            last, age = value, 0
        else:
            age += 1
            if age <= carry:
                column[i] = last
    return column


train_x, train_y, test_x, test_y, own, last = [], [], [], [], [], []
for path in sorted(glob.glob(os.path.join(data, 'PRSA_Data_*.csv.gz'))):
    site = os.path.basename(path).split('_')[2].lower()
    if site not in test:
        continue
    with gzip.open(path, 'rt', newline='') as file:
        rows = list(csv.DictReader(file))
    value = lambda text: np.nan if text in ('NA', '') else float(text)
    table = [[value(r[n]) for n in numbers] + ([float('nan')] * 16 if r['wd'] in ('NA', '') else [float(r['wd'] == w) for w in winds]) for r in rows]
    raw = np.array([value(r['PM2.5']) for r in rows])
    table = np.stack([carried(c) for c in np.array(table).T], 1)
    hours = np.array([int(r['hour']) for r in rows]) * 2 * np.pi / 24
    table = np.concatenate([table, np.sin(hours)[:, None], np.cos(hours)[:, None]], 1)
    first_test = min(t[0] for t in test[site])
    for present in range(steps - 1, len(rows) - horizon, every):
        if present < first_test and not np.isnan(raw[present + horizon]):
            train_x.append(table[present - steps + 1:present + 1].ravel()); train_y.append(raw[present + horizon])
    for present, label, prediction in test[site]:
        assert raw[present + horizon] == label, (site, present)
        test_x.append(table[present - steps + 1:present + 1].ravel()); test_y.append(label); own.append(prediction)
        last.append(table[present, 0])

train_x, test_x, test_y, own, last = np.array(train_x), np.array(test_x), np.array(test_y), np.array(own), np.array(last)
mean, deviation = np.nanmean(train_x, 0), np.nanstd(train_x, 0) + 1e-9
scale = lambda x: np.nan_to_num((x - mean) / deviation)
ridge = Ridge(alpha=100).fit(scale(train_x), train_y).predict(scale(test_x))
last = np.where(np.isnan(last), np.mean(train_y), last)
for name, values in ((model, own), ('ridge', ridge), ('persistence', last)):
    print(f'{name}: RMSE {np.sqrt(np.mean((values - test_y) ** 2)):.2f} on {len(test_y)} rows')
