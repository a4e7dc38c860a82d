// Every rule on webgpu against float64: values and first derivatives. Skipped where there is no adapter.
import { currentBackend, setBackend } from '@posteriors/backend';
import { interpret } from '@posteriors/interpreter';
import { provideWebGPU } from '@posteriors/testing';
import { add, mul, sum, type Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, test } from 'vitest';
import { grad } from '../src/index.ts';
import { cases } from './cases.ts';
import type { Case } from './draws.ts';
import { draw, expectClose, hostInputs, programOf, uniforms } from './float64.ts';

const available = await provideWebGPU();

describe.skipIf(!available)('webgpu', () => {
  beforeAll(async () => {
    await import('@posteriors/backend/webgpu');
    await setBackend('webgpu');
  });

  test.each(cases.map((each) => [each.name, each] as const))('%s', async (_, each) => {
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
    const results = executable.run(hostInputs(inputs));
    for (const [i, result] of results.entries()) {
      expectClose(i === 0 ? 'value' : `gradient ${i}`, await result.data(), expected[i]!.values, 1e-4, 1e-6);
      result.dispose();
    }
    executable.dispose();
  });
});
