import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { run, sampleChain, withAux } from '../src/index.ts';
import { build } from './sgld.ts';

await setBackend('cpu');

const params = tf.tensor1d([1, -1]);
/** Moves the parameters by the batch at each update. */
const transform = build(
  (theta: tf.Tensor, shift: tf.Tensor) => withAux(tf.mul(tf.sum(theta), shift), { twice: tf.mul(2, shift) }),
  {
    learningRate: 1,
    temperature: 0,
  },
);
const shifts = Array.from({ length: 8 }, (_, i) => tf.scalar(10 ** i));
const first = (tensor: tf.Tensor): number => tensor.dataSync()[0] as number;
const start = () => transform.init(params, { seed: 0 });

async function* later<T>(values: Iterable<T>): AsyncGenerator<T> {
  for (const value of values) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    yield value;
  }
}

// What each compiles, once.
await run(transform, start(), shifts.slice(0, 1), { onStep: () => {} });
await run(transform, start(), shifts.slice(0, 1));

describe('run', () => {
  test.each([
    ['iterable', () => shifts.slice(0, 3)],
    ['async iterable', () => later(shifts.slice(0, 3))],
  ])('updates in place with each batch of an %s', async (_, batches) => {
    // biome-ignore format: a table
    await expectNoLeak(async () => {
      const state = start();
      expect(await run(transform, state, batches())).toBe(state);
      expect(state.step).toBe(3);
      expect(state.params).toBeAllClose([112, 110]);
      state.dispose();
    });
    expect(shifts.some((shift) => shift.isDisposed)).toBe(false);
  });

  test('calls and awaits onStep after each update, with aux, which it frees', async () => {
    await expectNoLeak(async () => {
      const state = start();
      const seen: number[][] = [];
      const handed: tf.Tensor[] = [];
      let busy = false;
      await run(transform, state, shifts.slice(0, 3), {
        onStep: async (current, { twice }) => {
          expect(busy).toBe(false);
          busy = true;
          expect(current).toBe(state);
          await new Promise((resolve) => setTimeout(resolve, 1));
          seen.push([current.step, first(current.params), first(twice)]);
          handed.push(twice);
          busy = false;
        },
      });
      expect(seen).toEqual([[1, 2, 2], [2, 12, 20], [3, 112, 200]]); // biome-ignore format: rows
      expect(handed.every((tensor) => tensor.isDisposed)).toBe(true);
      state.dispose();
    });
  });

  test('with no batches gives the state as it was', async () => {
    const state = start();
    expect(await run(transform, state, [])).toBe(state);
    expect(state.step).toBe(0);
    state.dispose();
  });

  test('stops where onStep, a batch or an update throws, and leaves the state of the last update', async () => {
    await expectNoLeak(async () => {
      const state = start();
      const onStep = () => {
        throw new Error('enough');
      };
      await expect(run(transform, state, shifts, { onStep })).rejects.toThrow('enough');
      expect(state.step).toBe(1);
      async function* failing(): AsyncGenerator<tf.Tensor> {
        yield shifts[1] as tf.Tensor;
        throw new Error('no more data');
      }
      await expect(run(transform, state, failing())).rejects.toThrow('no more data');
      expect(state.step).toBe(2);
      const gone = tf.scalar(1);
      gone.dispose();
      await expect(run(transform, state, [shifts[2] as tf.Tensor, gone])).rejects.toThrow(
        'sgld.update: the argument $[0].batch is a disposed tensor float32[]',
      );
      expect(state.step).toBe(3);
      expect(state.params).toBeAllClose([112, 110]);
      state.dispose();
    });
  });
});

describe('sampleChain', () => {
  const updates = async (options: object): Promise<number[]> => {
    const state = start();
    const draws = await sampleChain(transform, state, shifts, options);
    // After update k the parameter is 1 + 1 + 10 + ... + 10^(k - 1).
    const sizes = draws.map((draw) => `${first(draw) - 1}`.length);
    for (const draw of draws) draw.dispose();
    state.dispose();
    return sizes;
  };

  test.each([
    [{}, [1, 2, 3, 4, 5, 6, 7, 8]],
    [{ thin: 3 }, [3, 6]],
    [{ burnIn: 2 }, [3, 4, 5, 6, 7, 8]],
    [{ burnIn: 1, thin: 3 }, [4, 7]],
    [{ burnIn: 2, thin: 3 }, [5, 8]],
    [{ burnIn: 8 }, []],
    [{ thin: 9 }, []],
    [{ thin: 8 }, [8]],
  ])('%o keeps the parameters after updates %o', async (options, kept) => {
    await expectNoLeak(async () => expect(await updates(options)).toEqual(kept));
  });

  test('calls onStep after each update, also before the first draw', async () => {
    const steps: number[] = [];
    const state = start();
    const draws = await sampleChain(transform, state, later(shifts.slice(0, 4)), {
      burnIn: 2,
      onStep: ({ step }, { twice }) => {
        steps.push(step, first(twice));
      },
    });
    expect(steps).toEqual([1, 2, 2, 20, 3, 200, 4, 2000]);
    expect(draws.map(first)).toEqual([112, 1112]);
    for (const draw of draws) draw.dispose();
    state.dispose();
  });

  test('frees the draws when something throws, and leaves the state of the last update', async () => {
    await expectNoLeak(async () => {
      const state = start();
      const onStep = ({ step }: { step: number }) => {
        if (step === 3) throw new Error('enough');
      };
      await expect(sampleChain(transform, state, shifts, { onStep })).rejects.toThrow('enough');
      expect(state.step).toBe(3);
      expect(state.params).toBeAllClose([112, 110]);
      state.dispose();
    });
  });

  test.each([
    [{ thin: 0 }, 'sampleChain: thin is 0 and must be a whole number from 1'],
    [{ thin: 1.5 }, 'sampleChain: thin is 1.5 and must be a whole number from 1'],
    [{ burnIn: -1 }, 'sampleChain: burnIn is -1 and must be a whole number from 0'],
    [{ burnIn: Number.NaN }, 'sampleChain: burnIn is NaN and must be a whole number from 0'],
  ])('refuses %o before the first update', async (options, says) => {
    const state = start();
    await expect(sampleChain(transform, state, shifts, options)).rejects.toThrow(says);
    expect(state.step).toBe(0);
    state.dispose();
  });
});

test.each([
  ['another option', shifts, { burnin: 2 }, 'sampleChain: there is no option burnin; there are burnIn, thin, onStep'],
  ['a number of batches', 100, {}, 'sampleChain: the batches are 100 and must be iterable, an array or a generator'],
  ['no batches', undefined, {}, 'sampleChain: the batches are undefined and must be iterable'],
])('sampleChain refuses %s', async (_, batches, options, says) => {
  const state = start();
  await expect(sampleChain(transform, state, batches as never, options as never)).rejects.toThrow(says);
  expect(state.step).toBe(0);
});

test('run refuses the same', async () => {
  await expect(run(transform, start(), 3 as never)).rejects.toThrow('run: the batches are 3 and must be iterable');
  await expect(run(transform, start(), shifts, { thin: 2 } as never)).rejects.toThrow('run: there is no option thin');
});
