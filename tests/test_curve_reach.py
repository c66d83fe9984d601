"The engine plays what curves ask for, as far as they may ask."
from dataclasses import replace

import numpy as np
import pytest

from vocaldouble.config import CURVE_RATE, N_BANDS
from vocaldouble.deviation import EARLIEST_MS, LATEST_MS, DeviationCurves
from vocaldouble.features import extract_features
from vocaldouble.noise import SmoothNoise
from vocaldouble.render.play import graph, play_curves
from vocaldouble.synth import Note, sing

RATES = [44_100, 48_000, 88_200, 96_000]


def harmonics(n: int, rate: float, f0: float = 220.0) -> np.ndarray:
    "[1, n]: a steady tone with a formant at 1.5 kHz, after 0.2 s of silence."
    t = np.arange(n) / rate
    gain = lambda f: 1 / f + 0.02 * np.exp(-(((f - 1500) / 200) ** 2))
    x = sum(gain(k * f0) * np.sin(2 * np.pi * k * f0 * t + k) for k in range(1, 40))
    x = x * np.clip((t - 0.2) / 0.02, 0, 1)
    return (0.3 * x / np.abs(x).max())[None].astype(np.float32)


def formant(x: np.ndarray, rate: float) -> float:
    "Hz: centre of the energy between 1 and 2 kHz."
    power = np.abs(np.fft.rfft(x[0] * np.hanning(x.shape[1]))) ** 2
    f = np.fft.rfftfreq(x.shape[1], 1 / rate)
    inside = (f > 1000) & (f < 2000)
    return (power[inside] @ f[inside]) / power[inside].sum()


@pytest.mark.parametrize("rate", RATES)
def test_the_engine_reaches(rate):
    "The earliest and the latest that curves may be lie within what the engine plays."
    contract = graph(1 if rate < 64_000 else 2)[1]
    assert 12 * 1000 * contract.hop / rate >= LATEST_MS - 0.1
    assert -6 * 1000 * contract.hop / rate <= EARLIEST_MS + 0.1


@pytest.mark.parametrize("rate", [44_100, 96_000])
@pytest.mark.parametrize("ms", [-30.0, 5.0, 60.0])
def test_time(ms, rate):
    "A double that is early or late is so by what was asked for."
    lead = sing((Note("ta", 57, 0.4), Note("ti", 60, 0.4), Note("", seconds=0.3)), rate=rate).audio
    lead = np.pad(lead, ((0, 0), (rate // 2, rate // 2)))
    curves = DeviationCurves.zeros(len(extract_features(lead, rate)))
    double = play_curves(lead, replace(curves, time=curves.time + ms), rate)
    n = 2 * lead.shape[1]
    both = np.fft.irfft(np.fft.rfft(double[0], n) * np.conj(np.fft.rfft(lead[0], n)))
    lag = (np.argmax(both) + n // 2) % n - n // 2
    assert abs(1000 * lag / rate - ms) < 0.5


@pytest.mark.parametrize("seed", range(3))
def test_random_curves(seed):
    "Pitch, level and timing that wander come out as they were asked for."
    rate = 48_000
    lead = harmonics(4 * rate, rate)
    n = len(extract_features(lead, rate))
    draw = lambda name, s, k=1: SmoothNoise((seed, name), k, s, CURVE_RATE).draw(n)[:, 0]
    asked = replace(
        DeviationCurves.zeros(n), time=15 * np.tanh(draw("time", 0.4)),
        pitch=40 * draw("pitch", 0.1), level=2 * draw("level", 0.1))
    double = play_curves(lead, asked, rate)
    found, own = extract_features(double, rate), extract_features(lead, rate)
    there = np.flatnonzero(found.voiced)[20:-20]
    cents = 1200 * np.log2(found.f0[there] / 220)
    assert np.median(np.abs(cents - asked.pitch[there])) < 3
    louder = found.level[there] - np.median(own.level[there])
    assert np.median(np.abs(louder - asked.level[there])) < 0.5


def test_formants():
    "They stay where pitch goes, or go with it where that is asked for."
    rate = 48_000
    lead = harmonics(3 * rate, rate)
    curves = DeviationCurves.zeros(len(extract_features(lead, rate)))
    curves = replace(curves, pitch=curves.pitch + 80)
    off = lambda share: 1200 * np.log2(
        formant(play_curves(lead, curves, rate, share), rate) / formant(lead, rate))
    assert abs(off(0.0)) < 25 and abs(off(1.0) - 80) < 25


def test_envelope_and_decorrelation():
    "Bands change what they name; decorrelation keeps level and energy at the top."
    rate = 48_000
    lead = sing().audio[:, : 4 * rate]
    curves = DeviationCurves.zeros(len(extract_features(lead, rate)))
    bands = np.zeros((len(curves), N_BANDS), np.float32)
    bands[:, 20:] = -6

    def energy(x, low, high):
        power = np.abs(np.fft.rfft(x[0])) ** 2
        f = np.fft.rfftfreq(x.shape[1], 1 / rate)
        return 10 * np.log10(power[(f > low) & (f < high)].sum())

    darker = play_curves(lead, replace(curves, envelope=bands), rate)
    assert abs(energy(darker, 7000, 20_000) - energy(lead, 7000, 20_000) + 6) < 0.5
    assert abs(energy(darker, 100, 2000) - energy(lead, 100, 2000)) < 0.2
    loose = play_curves(lead, replace(curves, decorrelation=curves.level + 0.9), rate)
    for low, high in ((100, 20_000), (10_000, 20_000)):
        assert abs(energy(loose, low, high) - energy(lead, low, high)) < 0.5
