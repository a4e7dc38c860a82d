// Every rule on webgpu against float64: values and first derivatives, alone and under three vmaps. Skipped where there is no adapter.
import { currentBackend, setBackend } from '@posteriors/backend';
import { interpret } from '@posteriors/interpreter';
import { provideWebGPU } from '@posteriors/testing';
import { add, backend, mul, stack, sum, type Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { grad, vmap } from '../src/index.ts';
import { cases } from './cases.ts';
import { largeConvolutionCases } from './cases-webgpu.ts';
import type { Case } from './draws.ts';
import { draw, expectClose, hostInputs, type Input, programOf, uniforms } from './float64.ts';

/** The value of a case and the gradients of a sum over it, as one function. */
function firstOrder({ f, draws }: Case): (...inputs: Tensor[]) => Tensor[] {
  const isMoving = (i: number): boolean => draws[i]!.dtype === 'float32';
  return (...inputs) => {
    const loss = (moving: Tensor[]): Tensor => {
      let next = 0;
      const y = f(...inputs.map((x, i) => (isMoving(i) ? moving[next++]! : x)));
      return sum(mul(y, add(y, 1)));
    };
    return [f(...inputs), ...grad(loss)(inputs.filter((_, i) => isMoving(i)))];
  };
}

/** A program of both for one example, and for four under three vmaps, [2, 1, 2], and its inputs. */
function checked(each: Case): { program: ReturnType<typeof programOf>; inputs: Input[] } {
  const uniform = uniforms(17);
  const examples = [0, 1, 2, 3].map(() => draw(each, uniform));
  const both = firstOrder(each);
  const program = programOf((xs) => {
    const all = examples.map(({ length }, i) => xs.slice(i * length, (i + 1) * length));
    const pair = (i: number, k: number): Tensor => stack([stack([all[i]![k]!, all[i + 1]![k]!])]);
    const batches = each.draws.map((_, k) => stack([pair(0, k), pair(2, k)]));
    return [...both(...all[0]!), ...vmap(vmap(vmap(both)))(...batches)];
  }, examples.flat());
  return { program, inputs: examples.flat() };
}

const available = await provideWebGPU();

describe.skipIf(!available)('webgpu', () => {
  beforeAll(async () => {
    await import('@posteriors/backend/webgpu');
    await setBackend('webgpu');
  });

  test.each([...cases, ...largeConvolutionCases].map((each) => [each.name, each] as const))('%s', async (_, each) => {
    const { program, inputs } = checked(each);
    const expected = interpret(program, inputs);
    // A program that the device refuses leaves whatever was in the memory of its result.
    const { device } = backend() as unknown as { device: GPUDevice };
    device.pushErrorScope('validation');
    const executable = currentBackend().compile(program);
    const results = executable.run(hostInputs(inputs));
    const received = await Promise.all(results.map((result) => result.data()));
    expect((await device.popErrorScope())?.message).toBeUndefined();
    for (const result of results) result.dispose();
    executable.dispose();
    const names = ['value', ...inputs.map((__, i) => `gradient ${i}`)].slice(0, results.length / 2);
    [...names, ...names.map((name) => `${name} of four`)].forEach((name, i) => {
      expectClose(name, received[i]!, expected[i]!.values, 1e-4, 1e-6);
    });
  });
});
