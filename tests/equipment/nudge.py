"""How much of a take stays where its lead is moved or edited."""
from dataclasses import fields, replace

import numpy as np

from vocaldouble.config import CURVE_RATE, Knobs
from vocaldouble.deviation import DeviationCurves
from vocaldouble.features import LeadFeatures, extract_features

CURVES = "time", "pitch", "level", "decorrelation", "envelope"


def take(model, features: LeadFeatures, seed: int = 0, voice: int = 0) -> DeviationCurves:
    "The curves of one voice at the default knobs."
    return model.start(seed, voice, Knobs()).push(features)


def kept(model, lead: np.ndarray, rate: int, ms: float, seeds=range(4)) -> dict:
    "Correlation of each curve that varies with that of the lead after `ms` of silence, moved back; over `seeds` takes."
    n = round(ms * rate / 1000)
    features, later = (extract_features(x, rate) for x in (lead, np.pad(lead, ((0, 0), (n, 0)))))
    at, old = np.arange(len(features)) + n * CURVE_RATE / rate, np.arange(len(later))
    found = {}
    for name in CURVES:
        a, b = ([np.reshape(getattr(take(model, f, s), name), (len(f), -1)) for s in seeds] for f in (features, later))
        b = [np.stack([np.interp(at, old, band) for band in rows.T], axis=1) for rows in b]
        a, b = np.concatenate(a), np.concatenate(b)
        if a.std() > 1e-6:
            found[name] = min(float(np.corrcoef(x, y)[0, 1]) for x, y in zip(a.T, b.T))  # of the bands the worst
    return found


def silenced(features: LeadFeatures, first: int, last: int) -> LeadFeatures:
    "The features with silence in the frames from `first` to `last`."
    there = (np.arange(len(features)) >= first) & (np.arange(len(features)) < last)
    quiet = {f.name: np.where(there, 0, getattr(features, f.name)) for f in fields(features)}
    return replace(features, **quiet | dict(level=np.where(there, -120.0, features.level), silent=features.silent | there, onset=features.onset & ~there))
