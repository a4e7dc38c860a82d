// Complex numbers and Fourier transforms in transforms of functions.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import { interpret, richardson } from '@posteriors/interpreter';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  checkpoint,
  evalShape,
  grad,
  hessian,
  hvp,
  jacfwd,
  jacrev,
  jit,
  jvp,
  makeProgram,
  scan,
  valueAndGrad,
  vjp,
  vmap,
} from '../src/index.ts';
import { programOf } from './float64.ts';

await setBackend('cpu');

type Tensor = tf.Tensor;

const wave = (...shape: number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Array.from({ length: size }, (_, i) => Math.fround(Math.sin(1.7 * i * i + 0.3))),
    shape,
  );
};
const parts = (z: Tensor): Tensor[] => [tf.real(z), tf.imag(z)];
const power = (z: Tensor): Tensor => tf.add(tf.square(tf.real(z)), tf.square(tf.imag(z)));

/** How far the spectrogram of a signal is from another one, as in the synthesis of sounds. */
const spectralLoss = (x: Tensor, target: Tensor): Tensor => {
  const magnitudes = (signal: Tensor): Tensor => tf.abs(tf.signal.stft(signal as tf.Tensor1D, 8, 4));
  return tf.mean(tf.square(tf.sub(magnitudes(x), magnitudes(target))));
};

describe.each(['cpu', 'wasm'] as const)('%s', (device) => {
  beforeAll(() => setBackend(device));

  test('the gradient through stft equals differences', () => {
    const [x, target] = [wave(40), tf.reverse(wave(40))];
    const gradient = jit(grad(spectralLoss))(x, target);
    const program = programOf(
      ([signal, other]) => [spectralLoss(signal!, other!)],
      [
        { shape: [40], dtype: 'float32' },
        { shape: [40], dtype: 'float32' },
      ],
    );
    const other = { shape: [40], values: Float64Array.from(target.dataSync()) };
    const at = (values: Float64Array): Float64Array => interpret(program, [{ shape: [40], values }, other])[0]!.values;
    const point = Float64Array.from(x.dataSync());
    const expected = Float64Array.from(
      point,
      (_, i) =>
        richardson(
          at,
          point,
          point.map((_, j) => Number(i === j)),
        )[0]!,
    );
    const largest = Math.max(...expected.map(Math.abs));
    expect(largest).toBeGreaterThan(0.01);
    expect(gradient.dataSync()).toBeAllClose(expected, { rtol: 0, atol: 1e-5 * largest });
  });

  test('vmap of rfft is rfft of each row, along any axis', () => {
    const x = wave(3, 7);
    const rows = tf.unstack(x).map((row) => jit((v: Tensor) => parts(tf.spectral.rfft(v)))(row));
    const expected = [0, 1].map((part) => tf.stack(rows.map((row) => row[part]!)));
    expect(vmap((row: Tensor) => parts(tf.spectral.rfft(row)))(x)).toBeAllClose(expected);
    const across = vmap((row: Tensor) => parts(tf.spectral.rfft(row)), { inAxes: 1 });
    expect(across(tf.transpose(x))).toBeAllClose(expected);
    const twice = vmap(vmap((row: Tensor) => parts(tf.spectral.rfft(row))))(tf.reshape(x, [1, 3, 7]));
    expect(twice).toBeAllClose(expected.map((part) => tf.expandDims(part)));
  });

  test('irfft compiled is the inverse of rfft', () => {
    const inverse = jit((re: Tensor, im: Tensor) => tf.spectral.irfft(tf.complex(re, im)));
    const forward = jit((x: Tensor) => parts(tf.spectral.rfft(x)));
    const x = wave(2, 10);
    for (let i = 0; i < 3; i++) expect(inverse(...(forward(x) as [Tensor, Tensor]))).toBeAllClose(x, { atol: 1e-6 });
    expect([forward.traces, inverse.traces]).toEqual([1, 1]);
  });

  test('the theorem of Parseval, and its Hessian', () => {
    const energy = (x: Tensor): Tensor => tf.sum(power(tf.spectral.fft(tf.complex(x, tf.zerosLike(x)))));
    const x = wave(5);
    const [value, gradient] = valueAndGrad(energy)(x);
    expect(value).toBeAllClose(tf.mul(5, tf.sum(tf.square(x))));
    expect(gradient).toBeAllClose(tf.mul(10, x));
    expect(hessian(energy)(x)).toBeAllClose(tf.mul(10, tf.eye(5)), { atol: 1e-5 });
  });

  test('convolution by spectra has the derivative of the convolution', () => {
    const [x, v, kernel] = [wave(6), tf.reverse(wave(6)), wave(6)];
    const spectrum = (a: Tensor): Tensor => tf.spectral.fft(tf.complex(a, tf.zerosLike(a)));
    const convolve = (a: Tensor): Tensor => tf.real(tf.spectral.ifft(tf.mul(spectrum(a), spectrum(kernel))));
    const tangent = jvp(convolve, [x], [v])[1];
    expect(tangent).toBeAllClose(jit(convolve)(v), { atol: 1e-6 });
    const { pullback } = vjp(convolve, [x]);
    const inner = (a: Tensor, b: Tensor): Tensor => tf.sum(tf.mul(a, b));
    expect(inner(pullback(x)[0] as Tensor, v)).toBeAllClose(inner(x, tangent), { rtol: 1e-4 });
  });

  test('leaves nothing behind, also where it throws', () => {
    const [x, target, xs, targets] = [wave(40), wave(40), wave(2, 40), wave(2, 40)];
    const compiled = jit(valueAndGrad(spectralLoss));
    tf.dispose(compiled(x, target));
    expectNoLeak(() => tf.dispose(compiled(x, target)));
    expectNoLeak(() => tf.dispose(grad(spectralLoss)(x, target)));
    expectNoLeak(() => tf.dispose(vmap(grad(spectralLoss))(xs, targets)));
    const broken = (signal: Tensor): Tensor => {
      tf.signal.stft(signal as tf.Tensor1D, 8, 4);
      throw new Error('thrown within');
    };
    for (const run of [() => grad(broken)(x), () => jit(broken)(x), () => vmap(broken)(xs)]) {
      expectNoLeak(() => expect(run).toThrow('thrown within'));
    }
  });
});

describe('on cpu', () => {
  beforeAll(() => setBackend('cpu'));

  const x = tf.tensor1d([1, -2, 0.5]);

  describe('a complex tensor from outside', () => {
    const filter = tf.tidy(() => tf.complex([1, 0.5, -1], [0, 2, 1]));
    // F^-1 diag(filter) F x has the energy x^T F^-H |filter|^2 F^-1 x / 3.
    const filtered = (v: Tensor): Tensor =>
      tf.spectral.ifft(tf.mul(tf.spectral.fft(tf.complex(v, tf.zerosLike(v))), filter));
    const energy = (v: Tensor): Tensor => tf.sum(power(filtered(v)));

    test('is a constant of every transform', () => {
      const expected = tf.tidy(() => power(filtered(x)));
      expect(jit((v: Tensor) => power(filtered(v)))(x)).toBeAllClose(expected);
      expect(vmap((v: Tensor) => power(filtered(v)))(tf.stack([x, x]))).toBeAllClose(tf.stack([expected, expected]));
      // The energy is a quadratic form.
      expect(tf.sum(tf.mul(grad(energy)(x), x))).toBeAllClose(tf.mul(2, energy(x)));
      expect(
        hessian(energy)(x)
          .matMul(x.reshape([3, 1]))
          .reshape([3]),
      ).toBeAllClose(grad(energy)(x));
    });

    test('beside the parameters, in a loop, and joined in one compiled function to another', () => {
      const loss = (v: Tensor, z: Tensor): Tensor => tf.sum(power(tf.mul(tf.complex(v, v), z)));
      expect(grad(loss)(x, filter)).toBeAllClose(tf.mul(tf.mul(4, x), power(filter)));
      const steps = (v: Tensor): Tensor =>
        scan(
          (carry: Tensor, _: Tensor) => [tf.real(tf.mul(tf.complex(carry, carry), filter)), []],
          v,
          tf.zeros([2]),
        )[0];
      // Re((1 + i) v z) = (Re z - Im z) v
      expect(jit(steps)(x)).toBeAllClose(tf.mul(x, [1, 2.25, 4]));
      expect(grad((v: Tensor) => tf.sum(steps(v)))(x)).toBeAllClose([1, 2.25, 4]);
      const inner = jit((z: Tensor) => tf.mul(z, filter));
      expect(jit((v: Tensor) => tf.abs(inner(tf.complex(v, v))))(x)).toBeAllClose(
        tf.mul(tf.abs(x), tf.sqrt(tf.mul(2, power(filter)))),
      );
    });

    test('costs no tensors', () => {
      const rows = tf.stack([x, x]);
      expectNoLeak(() => {
        const compiled = jit(grad(energy));
        tf.dispose([compiled(x), compiled(x), vmap(energy)(rows)]);
        compiled.dispose();
      });
    });
  });

  test('abs has the derivative 0 at 0, as PyTorch has it', () => {
    const magnitude = (v: Tensor): Tensor => tf.sum(tf.abs(tf.complex(v, tf.zerosLike(v))));
    const points = tf.tensor1d([0, 3, -2]);
    expect(magnitude(points)).toBeAllClose(5);
    expect(grad(magnitude)(points)).toBeAllClose([0, 1, -1]);
    expect(grad((v: Tensor) => tf.sum(grad(magnitude)(v)))(points)).toBeAllClose([0, 0, 0]);
    const silence = grad((v: Tensor) => tf.sum(tf.abs(tf.signal.stft(v as tf.Tensor1D, 4, 4))));
    expect(silence(tf.zeros([8]))).toBeAllClose(tf.zeros([8]));
  });

  test('casts to complex numbers and back pass derivatives on', () => {
    const f = (v: Tensor): Tensor =>
      tf.sum(tf.square(tf.cast(tf.mul(tf.cast(v, 'complex64'), tf.complex(3, 1)), 'float32')));
    expect(grad(f)(x)).toBeAllClose(tf.mul(18, x));
  });

  test('tf.grad within a transform sees through them', () => {
    const energy = (v: Tensor): Tensor => tf.sum(power(tf.spectral.rfft(v)));
    const twice = jit((v: Tensor) => tf.grad((u) => tf.sum(tf.square(tf.grad(energy)(u))))(v));
    expect(twice(tf.tensor1d([1, 2]))).toBeAllClose([32, 64]);
  });

  describe('arguments and results are real', () => {
    const z = tf.tidy(() => tf.complex([1, 2], [3, 4]));
    const message = (start: string): RegExp =>
      new RegExp(
        `^${start} is complex64\\[2\\], and the arguments and results of a transform are real: use tf.real\\(x\\) and`,
      );
    const real = (w: { z: Tensor }): Tensor => tf.sum(tf.real(w.z));
    const spectrum = (v: Tensor): { z: Tensor }[] => [{ z: tf.complex(v, v) }];
    const v = tf.tensor1d([1, 2]);
    const rows = tf.stack([v, v]);
    const custom = (value: (w: Tensor) => Tensor) =>
      tf.customGrad((w) => ({ value: value(w as Tensor), gradFunc: (dy: Tensor) => dy }));
    const halved = custom((w) => tf.div(tf.real(w), 2));
    const turned = custom((w) => tf.complex(w, w));
    test.each<[string, string, () => unknown]>([
      ['grad', 'grad: the parameter \\$\\.z', () => grad(real)({ z })],
      ['jvp', 'jvp: the parameter \\$\\[0\\]\\.z', () => jvp(real, [{ z }], [{ z }])],
      ['vjp', 'vjp: the parameter \\$\\[0\\]\\.z', () => vjp(real, [{ z }])],
      ['hvp', 'hvp: the parameter \\$\\[0\\]\\.z', () => hvp(real, [{ z }], [{ z }])],
      ['jacfwd', 'jacfwd: the parameter \\$\\[0\\]\\.z', () => jacfwd(real)({ z })],
      ['jacrev', 'jacrev: the parameter \\$\\[0\\]\\.z', () => jacrev(real)({ z })],
      [
        'tf.grad',
        'tf.grad: the argument 0',
        () => jit((u: Tensor) => tf.grad((w) => tf.sum(tf.real(w)))(tf.complex(u, u)))(v),
      ],
      [
        'the result of tf.grad',
        'tf.grad: the result',
        () => jit((u: Tensor) => tf.grad((w) => tf.complex(w, w))(u))(v),
      ],
      ['tf.customGrad', 'tf.customGrad: the argument 0', () => jit((u: Tensor) => halved(tf.complex(u, u)))(v)],
      ['the result of tf.customGrad', 'tf.customGrad: the result', () => jit((u: Tensor) => turned(u))(v)],
      ['vmap', 'vmap: the argument \\$\\[0\\]\\.z', () => vmap(real)({ z })],
      ['jit', 'real: the argument \\$\\[0\\]\\.z', () => jit(real)({ z })],
      ['makeProgram', 'makeProgram: the argument \\$\\[0\\]\\.z', () => makeProgram(real)({ z })],
      ['the result of jit', 'spectrum: the result \\$\\[0\\]\\.z', () => jit(spectrum)(v)],
      ['the result of vmap', 'vmap: the result \\$', () => vmap((u: Tensor) => tf.complex(u, u))(rows)],
      [
        'aux',
        'grad: the result \\$\\[1\\]\\[0\\]\\.z',
        () => grad((u: Tensor): [Tensor, { z: Tensor }[]] => [tf.sum(u), spectrum(u)], { hasAux: true })(v),
      ],
      ['the result of jvp', 'jvp: the result \\$\\[0\\]\\.z', () => jvp(spectrum, [v], [v])],
      [
        'checkpoint',
        'checkpoint: the argument \\$\\[0\\]\\.z',
        () => jit((u: Tensor) => checkpoint(real)(spectrum(u)[0]!))(v),
      ],
      ['scan', 'scan: the carry \\$\\.z', () => scan((carry: { z: Tensor }, _: Tensor) => [carry, []], { z }, v)],
      ['evalShape', 'evalShape: the result \\$\\[0\\]\\.z', () => evalShape(spectrum, v)],
    ])('%s', (_, start, run) => {
      expectNoLeak(() => expect(run).toThrow(message(start)));
    });

    test('a loss or a value that is complex', () => {
      expect(() => vjp(spectrum, [v])).toThrow(
        /^vjp: the function must return a tree of float32 tensors, and \$\[0\]\.z of what it returned is complex64\[2\]/,
      );
      expect(() => grad((u: Tensor) => tf.sum(tf.complex(u, u)))(v)).toThrow(
        /grad: the function must return float32 and returned complex64/,
      );
    });
  });
});
