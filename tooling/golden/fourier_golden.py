"""Golden Fourier transforms of `numpy.fft` for `@posteriors/backend`.

    python -m venv VENV && VENV/bin/pip install -r requirements.txt
    VENV/bin/python fourier_golden.py

Writes packages/backend/test/golden/fourier.json. The signal of length n is `float32(sin(3 j^2 + 1)) + i float32(cos(2 j^2))`, j = 0 ... n-1; of
long transforms eight frequencies are kept.
"""

import json
import pathlib

import numpy as np

OUTPUT = pathlib.Path(__file__).parents[2] / "packages" / "backend" / "test" / "golden" / "fourier.json"
LENGTHS = (1, 2, 3, 4, 7, 12, 15, 32, 97, 128, 360, 997, 1000, 1024)


def signal(n):
    j = np.arange(n, dtype=np.float64)
    real = np.sin(3 * j**2 + 1).astype(np.float32)
    imag = np.cos(2 * j**2).astype(np.float32)
    return real.astype(np.float64) + 1j * imag.astype(np.float64)


def kept(n):
    return list(range(n)) if n <= 8 else sorted({i * (n - 1) // 7 for i in range(8)})


def of(spectrum, places):
    return {"largest": float(max(abs(spectrum.real).max(), abs(spectrum.imag).max())), "real": spectrum.real[places].tolist(), "imag": spectrum.imag[places].tolist()}


cases = []
for n in LENGTHS:
    x, places = signal(n), kept(n)
    cases.append({"n": n, "frequencies": places, "forward": of(np.fft.fft(x), places), "inverse": of(np.fft.ifft(x), places)})

OUTPUT.parent.mkdir(parents=True, exist_ok=True)
OUTPUT.write_text(json.dumps({"numpy": np.__version__, "cases": cases}, indent=1) + "\n")
