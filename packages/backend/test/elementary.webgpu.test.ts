// Functions of real numbers on webgpu, to float32's precision also near their zeros. Skipped where there is no adapter.
import { currentBackend, record, setBackend, trace } from '@posteriors/backend';
import { provideWebGPU } from '@posteriors/testing';
import { beforeAll, describe, expect, test } from 'vitest';

// The zeros of these are at one.
const fromOne = new Set(['Log', 'Acosh']);

const available = await provideWebGPU();

describe.skipIf(!available)('webgpu', () => {
  beforeAll(async () => {
    await import('@posteriors/backend/webgpu');
    await setBackend('webgpu');
  });

  const valuesAt = async (kernel: string, points: Float32Array): Promise<ArrayLike<number>> => {
    const program = trace(([x]) => [record(kernel, [x!])], [{ dtype: 'float32', shape: [points.length] }]);
    const executable = currentBackend().compile(program);
    const [result] = executable.run([points]);
    const values = await result!.data();
    result!.dispose();
    executable.dispose();
    return values;
  };

  // Ranges beside those that end near zero.
  test.each([
    ['Sin', Math.sin, [-10_000, 10_000]],
    ['Cos', Math.cos, [-10_000, 10_000]],
    ['Tan', Math.tan, [-100, 100]],
    ['Exp', Math.exp, [-20, 20]],
    ['Sigmoid', (x) => 1 / (1 + Math.exp(-x)), [-20, 20]],
    ['Log', Math.log, [0, 4]],
    ['Log1p', Math.log1p, [-1, 4]],
    ['Expm1', Math.expm1, [-20, 20]],
    ['Softplus', (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), [-30, 80]],
    ['Sinh', Math.sinh, [-20, 20]],
    ['Tanh', Math.tanh, [-20, 20]],
    ['Asinh', Math.asinh, [-20_000, 20_000]],
    ['Acosh', Math.acosh, [1, 20_000]],
    ['Cosh', Math.cosh, [-20, 20]],
    ['Elu', (x) => (x >= 0 ? x : Math.expm1(x)), [-20, 20]],
    ['Atanh', Math.atanh, [-1, 1]],
  ] satisfies [string, (x: number) => number, [number, number]][])('%s', async (kernel, expected, [low, high]) => {
    const count = 10_001;
    const tiny = [-1, 1].flatMap((sign) => Array.from({ length: 60 }, (_, i) => sign * 1.7 ** (-i - 1)));
    const points = Float32Array.from([
      ...Array.from({ length: count }, (_, i) => low + ((high - low) * (i + 0.5)) / count),
      ...tiny.filter((x) => !fromOne.has(kernel) || x > 0).map((x) => (fromOne.has(kernel) ? 1 + x : x)),
    ]);
    const received = await valuesAt(kernel, points);
    points.forEach((x, i) => {
      const exact = expected(x);
      // The last term is what a zero beside the origin leaves of an argument in its quarter.
      const allowed =
        3e-6 * Math.abs(exact) + (Math.abs(x) > 1 && /Sin|Cos|Tan$/.test(kernel) ? 2e-7 * Math.max(1, exact ** 2) : 0);
      if (!(Math.abs(received[i]! - exact) <= allowed)) {
        throw new Error(`${kernel}(${x}) is ${received[i]}, not ${exact}`);
      }
    });
  });

  test('sinh and cosh have values up to the largest float32 number', async () => {
    const points = Float32Array.of(21, 60, 88.7, 88.8, 89, 89.4, -89.4, -40);
    for (const [kernel, f] of [
      ['Sinh', Math.sinh],
      ['Cosh', Math.cosh],
    ] as const) {
      // biome-ignore format: pairs
      const received = await valuesAt(kernel, points);
      points.forEach((x, i) => {
        const exact = f(x);
        if (!(Math.abs(received[i]! / exact - 1) < 2e-5))
          throw new Error(`${kernel}(${x}) is ${received[i]}, not ${exact}`);
      });
      expect((await valuesAt(kernel, Float32Array.of(89.5)))[0]).toBe(Infinity);
    }
  });

  test('zero, and where there is no value', async () => {
    const points = Float32Array.of(0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
    const expected: readonly [string, readonly number[]][] = [
      ['Sin', [0, Number.NaN, Number.NaN, Number.NaN]],
      ['Cos', [1, Number.NaN, Number.NaN, Number.NaN]],
      ['Exp', [1, Number.NaN, Number.POSITIVE_INFINITY, 0]],
      ['Sigmoid', [0.5, Number.NaN, 1, 0]],
      ['Softplus', [Math.fround(Math.LN2), Number.NaN, Number.POSITIVE_INFINITY, 0]],
      ['Log', [Number.NEGATIVE_INFINITY, Number.NaN, Number.POSITIVE_INFINITY, Number.NaN]],
      ['Log1p', [0, Number.NaN, Number.POSITIVE_INFINITY, Number.NaN]],
      ['Expm1', [0, Number.NaN, Number.POSITIVE_INFINITY, -1]],
      ['Sinh', [0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
      ['Tanh', [0, Number.NaN, 1, -1]],
      ['Acosh', [Number.NaN, Number.NaN, Number.POSITIVE_INFINITY, Number.NaN]],
      ['Cosh', [1, Number.NaN, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]],
      ['Elu', [0, Number.NaN, Number.POSITIVE_INFINITY, -1]],
      ['Relu6', [0, Number.NaN, 6, 0]],
      ['Asinh', [0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
    ];
    for (const [kernel, values] of expected) expect(Array.from(await valuesAt(kernel, points)), kernel).toEqual(values);
  });
});
