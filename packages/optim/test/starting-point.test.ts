// Descent from parameters that belong to the caller.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import { square, sum, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { adamw, build, sgd } from '../src/index.ts';

const loss = (x: Tensor): readonly [Tensor, []] => [sum(square(x)), []];

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  describe.each([
    ['sgd', sgd({ learningRate: 0.1 })],
    ['adamw', adamw({ learningRate: 0.1 })],
  ] as const)('%s of one tensor', (_, optimizer) => {
    test.each([false, true])('finds the minimum and leaves where it started, in place: %s', async (inplace) => {
      await setBackend(device);
      const transform = build(loss, optimizer);
      const run = (): void => {
        const params = tensor1d([1]);
        const first = transform.init(params);
        let state = first;
        for (let i = 0; i < 200; i++) {
          const [next] = transform.update(state, [], { inplace });
          expect(next === first).toBe(inplace);
          if (!inplace) state.dispose();
          state = next;
        }
        expect(state.loss.dataSync()[0]).toBeLessThan(1e-3);
        expect(Math.abs(state.params.dataSync()[0] as number)).toBeLessThan(1e-3);
        expect(params.dataSync()[0]).toBe(1);
        state.dispose();
        params.dispose();
      };
      run();
      expectNoLeak(run);
    });
  });
});
