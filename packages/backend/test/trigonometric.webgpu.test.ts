// Sine, cosine and tangent on webgpu, whose own are only promised to 2^-11. Skipped where there is no adapter.
import { currentBackend, record, setBackend, trace } from '@posteriors/backend';
import { provideWebGPU } from '@posteriors/testing';
import { beforeAll, describe, expect, test } from 'vitest';

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

  test.each([
    ['Sin', Math.sin],
    ['Cos', Math.cos],
    ['Tan', Math.tan],
  ] as const)('%s', async (kernel, expected) => {
    const count = 20_001;
    for (const range of [4, 100, 10_000]) {
      const points = Float32Array.from({ length: count }, (_, i) => (range * (2 * i - count)) / count);
      const values = await valuesAt(kernel, points);
      points.forEach((x, i) => {
        const exact = expected(x);
        // A few units in the last place of 1, or of larger numbers.
        if (!(Math.abs(values[i]! - exact) <= 4e-7 * Math.max(1, exact * exact))) {
          throw new Error(`${kernel}(${x}) is ${values[i]}, not ${exact}`);
        }
      });
    }
  });

  test('zero, and where there is no value', async () => {
    const points = Float32Array.of(0, Number.NaN, Number.POSITIVE_INFINITY);
    expect([...((await valuesAt('Sin', points)) as Float32Array)]).toEqual([0, Number.NaN, Number.NaN]);
    expect([...((await valuesAt('Cos', points)) as Float32Array)]).toEqual([1, Number.NaN, Number.NaN]);
  });
});
