// Updates within functions that jit compiles: of one state, and of many chains at once.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { jit, programsOf, valueAndGrad, vmap } from '@posteriors/autodiff';
import { printProgram, setBackend } from '@posteriors/backend';
import { key, keyTensor, normal, split } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  atStep,
  check,
  type HyperParameter,
  initState,
  type StateBase,
  stepper,
  type Transform,
  type UpdateOptions,
} from '../src/index.ts';

interface Hyper {
  readonly learningRate: number | tf.Tensor | ((step: number) => number);
}
interface Walk extends StateBase {
  readonly params: { readonly x: tf.Tensor };
  readonly value: tf.Tensor;
  dispose(): void;
}

/** Langevin steps down the square of the distance from the batch. */
function walk(hyper: Hyper): Transform<{ x: tf.Tensor }, Walk, tf.Tensor, [], Hyper> {
  const step = stepper<Pick<Walk, 'params' | 'value'>, tf.Tensor, { learningRate: tf.Tensor }, []>(
    'walk',
    ({ params }, batch, { learningRate }, context) => {
      const distance = (p: typeof params): tf.Tensor => tf.neg(tf.sum(tf.square(tf.sub(p.x, batch))));
      const [value, gradient] = valueAndGrad(distance)(params);
      const x = tf.add(tf.add(params.x, tf.mul(learningRate, gradient.x)), tf.mul(0.1, normal(context.key, [2])));
      return [{ params: { x }, value }, []];
    },
    { value: 'value', hyper: ['learningRate'] },
  );
  return {
    init: (params, options = {}) => initState('walk', params, options, () => ({ value: tf.scalar(Number.NaN) })),
    update: (state, batch, options) =>
      step(
        state,
        batch,
        (at) => atStep({ ...hyper, ...options?.hyper } as { learningRate: HyperParameter }, at),
        options,
      ),
  };
}

await setBackend('cpu');
const start = { x: tf.tensor1d([1, 2]) };
const batch = tf.tensor1d([0.5, -0.5]);
const values = (state: Walk): number[] => [...state.params.x.dataSync(), ...state.value.dataSync()];

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  beforeAll(() => setBackend(device));

  test('a state goes through a compiled function as through update, and its step stays a number', () => {
    const transform = walk({ learningRate: 0.1 });
    const compiled = jit((state: Walk, data: tf.Tensor) => transform.update(state, data)[0]);
    let [one, other] = [transform.init(start, { seed: 1 }), transform.init(start, { seed: 1 })];
    for (let i = 0; i < 5; i++) {
      one = transform.update(one, batch)[0];
      other = compiled(other, batch);
      expect(other.step).toBe(i + 1);
      expect(values(other)).toEqual(values(one));
    }
    expect(compiled.traces).toBe(1);
    transform.update(other, batch)[0].dispose();
  });

  test('two updates in one function', () => {
    const transform = walk({ learningRate: 0.1 });
    const twice = jit((state: Walk, data: tf.Tensor) => {
      const [next] = transform.update(state, data);
      return transform.update(next, data)[0];
    });
    const first = transform.init(start, { seed: 2 });
    const expected = transform.update(transform.update(first, batch)[0], batch)[0];
    const state = twice(first, batch);
    expect(state.step).toBe(2);
    expect(values(state)).toEqual(values(expected));
  });

  test('chains compile once, and each is as it is alone', async () => {
    const transform = walk({ learningRate: 0.1 });
    const keys = split(key(3), 4);
    let chains = vmap((chain: tf.Tensor) => transform.init(start, { key: chain }))(keyTensor(keys));
    const update = jit(vmap((state: Walk, data: tf.Tensor) => transform.update(state, data)[0], { inAxes: [0, null] }));
    for (let i = 0; i < 5; i++) {
      const next = update(chains, batch);
      chains.dispose();
      chains = next;
      expect(chains.step).toBe(i + 1);
    }
    expect(update.traces).toBe(1);
    await check(chains);
    const third = keys[2]!;
    let alone = transform.init(start, { key: third });
    for (let i = 0; i < 5; i++) alone = transform.update(alone, batch)[0];
    const of = tf.slice(chains.params.x, [2, 0], [1, 2]).dataSync();
    for (const [i, x] of alone.params.x.dataSync().entries()) expect(of[i]).toBeCloseTo(x, 5);
  });

  test('schedules are asked at each call, and do not compile anew; a tensor of the caller is one', () => {
    const asked: number[] = [];
    const transform = walk({
      learningRate: (step) => {
        asked.push(step);
        return 0.1 / (1 + step);
      },
    });
    const update = jit((s: Walk) => {
      const [next] = transform.update(s, batch);
      return transform.update(next, batch)[0];
    });
    let [one, other] = [transform.init(start, { seed: 4 }), transform.init(start, { seed: 4 })];
    for (let i = 0; i < 3; i++) {
      one = transform.update(transform.update(one, batch)[0], batch)[0];
      asked.length = 0;
      const { numTensors } = tf.memory();
      const next = update(other);
      expect(tf.memory().numTensors).toBe(numTensors + 3);
      other = next;
      expect(values(other)).toEqual(values(one));
      if (i > 0) expect(asked).toEqual([2 * i, 2 * i + 1]);
    }
    expect(update.traces).toBe(1);
    const given = jit((s: Walk, learningRate: tf.Tensor) => transform.update(s, batch, { hyper: { learningRate } })[0]);
    const first = transform.init(start, { seed: 4 });
    expect(values(given(first, tf.scalar(0.1)))).toEqual(values(transform.update(first, batch)[0]));
  });

  test('a function that fails while it is traced leaves nothing', () => {
    const transform = walk({ learningRate: 0.1 });
    const state = transform.init(start, { seed: 4 });
    expectNoLeak(() => {
      const failing = jit((s: Walk) => {
        transform.update(s, batch);
        throw new Error('it fails');
      });
      expect(() => failing(state)).toThrow('it fails');
    });
  });

  test('what an update runs can be printed', () => {
    const transform = walk({ learningRate: 0.1 });
    const state = transform.init(start, { seed: 5 });
    const ran = programsOf(() => void transform.update(state, batch));
    expect(ran.map(({ name }) => name)).toEqual(['walk']);
    expect(printProgram(ran[0]!.source)).toContain('RandomNormal');
    expect(printProgram(ran[0]!.program)).toContain('RandomNormal');
  });

  test('a step that is a tensor of the caller is refused', () => {
    const transform = walk({ learningRate: 0.1 });
    const state = { ...transform.init(start, { seed: 4 }), step: tf.scalar(3) as unknown as number };
    expect(() => transform.update(state, batch, {} as UpdateOptions<Hyper>)).toThrow(
      'walk: the step of the state is a tensor and must be a number',
    );
    expect(() => jit((s: Walk) => transform.update(s, batch)[0])(state)).toThrow('must be a number');
  });
});
