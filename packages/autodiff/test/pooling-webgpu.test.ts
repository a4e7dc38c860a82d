// Pools and images on webgpu, values and gradients, against float64. Skipped where there is no adapter.
import '@posteriors/backend/cpu';
import { currentBackend, hostValues, setBackend } from '@posteriors/backend';
import { interpret } from '@posteriors/interpreter';
import { provideWebGPU } from '@posteriors/testing';
import { add, mul, sum, type Tensor } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { grad } from '../src/index.ts';
import { imageCases } from './cases-image.ts';
import { poolingCases } from './cases-pooling.ts';
import { draw, expectClose, programOf, uniforms } from './float64.ts';

const available = await provideWebGPU();

describe.skipIf(!available)('webgpu', () => {
  beforeAll(async () => {
    await import('@posteriors/backend/webgpu');
    await setBackend('webgpu');
  });
  afterAll(() => setBackend('cpu'));

  test.each([...poolingCases, ...imageCases].map((each) => [each.name, each] as const))('%s', async (_, each) => {
    const { f, draws } = each;
    const inputs = draw(each, uniforms(17));
    const isMoving = (i: number): boolean => draws[i]!.dtype === 'float32';
    const program = programOf((xs) => {
      const loss = (moving: Tensor[]): Tensor => {
        let next = 0;
        const y = f(...xs.map((x, i) => (isMoving(i) ? moving[next++]! : x)));
        return sum(mul(y, add(y, 1)));
      };
      return [f(...xs), ...grad(loss)(xs.filter((_, i) => isMoving(i)))];
    }, inputs);
    const expected = interpret(program, inputs);
    const executable = currentBackend().compile(program);
    const results = executable.run(
      inputs.map(({ dtype, values }) => {
        const host = hostValues(dtype, values.length);
        host.set(values);
        return host;
      }),
    );
    for (const [i, result] of results.entries()) {
      expectClose(i === 0 ? 'value' : 'gradient', await result.data(), expected[i]!.values, 1e-4, 1e-5);
      result.dispose();
    }
    executable.dispose();
  });
});
