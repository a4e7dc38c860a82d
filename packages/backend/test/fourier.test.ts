// Fourier transforms against numpy's, in float64 and on the devices of the host.
import '../src/cpu.ts';
import '../src/wasm.ts';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { record, setBackend } from '../src/index.ts';
import { rootsOfUnity } from '../src/kernels-fourier.ts';
import { lower } from '../src/lower.ts';
import golden from './golden/fourier.json' with { type: 'json' };
import { float, runOnce, traceOf } from './traced.ts';

type Tensor = tf.Tensor;

/** The real and imaginary parts of the golden signal. */
function signal(n: number): [Float32Array, Float32Array] {
  const of = (element: (j: number) => number): Float32Array => Float32Array.from({ length: n }, (_, j) => element(j));
  return [of((j) => Math.sin(3 * j * j + 1)), of((j) => Math.cos(2 * j * j))];
}

const parts = (z: Tensor): Tensor[] => [tf.real(z), tf.imag(z)];

/** Both parts of `f(real + i imag)`, traced and run. */
function run(f: (z: Tensor) => Tensor, real: Tensor, imag: Tensor): Float32Array[] {
  const program = traceOf((re, im) => parts(f(tf.complex(re, im))), [float(...real.shape), float(...imag.shape)]);
  const results = runOnce(program, [real, imag]);
  const values = results.map((result) => result.dataSync() as Float32Array);
  tf.dispose(results);
  return values;
}

describe.each(['cpu', 'wasm'] as const)('%s', (device) => {
  beforeAll(() => setBackend(device));

  test.each(golden.cases)('numpy.fft of length $n', ({ n, frequencies, forward, inverse }) => {
    const [re, im] = signal(n);
    // In the second of two rows, so that rows are told apart.
    const [real, imag] = [re, im].map((row) => tf.concat([tf.fill([1, n], 7), tf.tensor2d(row, [1, n])]));
    for (const [f, expected] of [
      [tf.spectral.fft, forward],
      [tf.spectral.ifft, inverse],
    ] as const) {
      const rows = run(f, real!, imag!).map((values) => frequencies.map((k) => values[n + k]));
      const tolerance = { rtol: 0, atol: 2e-7 * expected.largest };
      expect(rows[0]).toBeAllClose(expected.real, tolerance);
      expect(rows[1]).toBeAllClose(expected.imag, tolerance);
    }
    tf.dispose([real!, imag!]);
  });

  test('is its own inverse at every length', () => {
    for (let n = 1; n <= 70; n++) {
      const [re, im] = signal(n);
      const back = run((z) => tf.spectral.ifft(tf.spectral.fft(z)), tf.tensor1d(re), tf.tensor1d(im));
      expect(back).toBeAllClose([re, im], { rtol: 0, atol: 1e-6 });
    }
  });

  test('of a rotated signal has rotated phases', () => {
    const signals = fc.array(fc.tuple(fc.float({ min: -1, max: 1 }), fc.float({ min: -1, max: 1 })), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(signals, fc.nat(40), (pairs, shift) => {
        const n = pairs.length;
        const part = (which: 0 | 1, by: number): Tensor =>
          tf.tensor1d(pairs.map((_, j) => pairs[(j + by) % n]![which]));
        const [real, imag] = run(tf.spectral.fft, part(0, 0), part(1, 0)) as [Float32Array, Float32Array];
        const rotated = run(tf.spectral.fft, part(0, shift), part(1, shift));
        const phases = [...real.keys()].map((k) => (2 * Math.PI * ((k * shift) % n)) / n);
        const expected = [
          phases.map((phase, k) => real[k]! * Math.cos(phase) - imag[k]! * Math.sin(phase)),
          phases.map((phase, k) => real[k]! * Math.sin(phase) + imag[k]! * Math.cos(phase)),
        ];
        expect(rotated).toBeAllClose(expected, { rtol: 0, atol: 1e-5 });
      }),
      { numRuns: 40, seed: 7 },
    );
  });

  test.each([[[0]], [[0, 3]], [[2, 0]], [[2, 0, 3]]])('of no elements, [%s]', (shape) => {
    const nothing = tf.zeros(shape);
    const program = traceOf((x) => parts(tf.spectral.ifft(tf.complex(x, x))), [float(...shape)]);
    for (const result of runOnce(program, [nothing])) expect(result.shape).toEqual(shape);
  });

  test('of many axes', () => {
    const x = tf.reshape(tf.range(0, 12), [1, 2, 1, 1, 3, 2]);
    const expected = [1, -1, 5, -1, 9, -1, 13, -1, 17, -1, 21, -1];
    const [real, imag] = run(tf.spectral.fft, x, tf.zerosLike(x));
    expect(real).toBeAllClose(expected);
    expect(imag).toBeAllClose(expected.map(() => 0));
  });

  test('keeps what is not a number in its row', () => {
    const [real] = run(
      tf.spectral.fft,
      tf.tensor2d([
        [1, NaN, 2],
        [1, 2, 3],
      ]),
      tf.zeros([2, 3]),
    );
    expect(Array.from(real!, Number.isNaN)).toEqual([true, true, true, false, false, false]);
  });
});

test('as tfjs, where it transforms', async () => {
  await setBackend('cpu');
  const [re, im] = signal(12).map((values) => tf.tensor3d(values, [2, 2, 3])) as [Tensor, Tensor];
  const tfjs = (f: (z: Tensor) => Tensor): Tensor[] => parts(f(tf.complex(re, im)));
  for (const f of [tf.spectral.fft, tf.spectral.ifft]) {
    expect(run(f, re, im)).toBeAllClose(tfjs(f).map((part) => part.dataSync()));
  }
  const program = traceOf((x) => parts(tf.spectral.rfft(x, 5)), [float(2, 2, 3)]);
  expect(runOnce(program, [re])).toBeAllClose(parts(tf.spectral.rfft(re, 5)));
  const back = traceOf((x, y) => tf.spectral.irfft(tf.complex(x, y)), [float(2, 2, 3), float(2, 2, 3)]);
  expect(runOnce(back, [re, im])).toBeAllClose([tf.spectral.irfft(tf.complex(re, im))]);
});

test('a transform is one equation, whatever its rank', () => {
  const program = traceOf((x) => tf.abs(tf.spectral.fft(tf.complex(x, x))), [float(2, 3, 4)]);
  const transforms = program.equations.filter(
    (equation) => equation.type === 'kernel' && equation.kernel === 'FourierTransform',
  );
  expect(transforms.map(({ outputs }) => outputs[0]!.shape)).toEqual([[6, 2, 4]]);
});

test('what cannot be transformed is named', () => {
  expect(() => traceOf((x) => tf.real(tf.spectral.fft(tf.complex(x, x))), [float()])).toThrow(
    /^FFT: a scalar has no axis to transform.*tf.reshape/,
  );
  expect(() => traceOf((x) => record('FourierTransform', [x!], { sign: 1 }), [float(3, 4)])).toThrow(
    /real and imaginary parts are \[\.\.\., 2, n\], and there are \[3,4\]/,
  );
  expect(() => traceOf((x) => tf.real(tf.spectral.fft(x)), [float(3)])).toThrow(/complex64 but got float32/);
});

test('roots of unity', () => {
  expect(rootsOfUnity(4, -1)).toBeAllClose([1, 0, -1, 0, 0, -1, 0, 1], { atol: 1e-15 });
  expect(rootsOfUnity(3, 1)).toBeAllClose([1, -0.5, -0.5, 0, Math.sqrt(0.75), -Math.sqrt(0.75)], { atol: 1e-15 });
});

test('transforms of one length share their roots on webgpu', () => {
  const program = traceOf(
    (re, im) => parts(tf.spectral.fft(tf.spectral.fft(tf.complex(re, im)))),
    [float(2, 12), float(2, 12)],
  );
  const steps = lower(program, 'webgpu').equations.filter(
    (equation) => equation.type === 'kernel' && equation.kernel === 'FourierSum',
  );
  expect(steps.length).toBeGreaterThan(1);
  expect(new Set(steps.map(({ inputs }) => inputs[1])).size).toBe(1);
});
