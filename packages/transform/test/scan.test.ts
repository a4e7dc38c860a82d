import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { jit, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { keyTensor, key as toKey } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import { leaves, unstack } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { disposeTensors, type HyperParameter, scan, stackStates, type Transform, withAux } from '../src/index.ts';
import { build, type Hyper, type State } from './sgld.ts';

await setBackend('cpu');

/** Moves the parameters by the batch at each update; aux is twice the batch. */
const makeAdder = () =>
  build((theta: tf.Tensor, shift: tf.Tensor) => withAux(tf.mul(tf.sum(theta), shift), { twice: tf.mul(2, shift) }), {
    learningRate: 1,
    temperature: 0,
  });
/** Samples a normal distribution around the batch. */
const logPosterior = (theta: tf.Tensor, centre: tf.Tensor): [tf.Tensor, []] =>
  withAux(tf.mul(-0.5, tf.sum(tf.square(tf.sub(theta, centre)))), []);
const makeSampler = () => build(logPosterior, { learningRate: 0.1, temperature: 1 });
const sampler = makeSampler();

const params = tf.tensor1d([1, -1]);
const [one, centre] = [tf.scalar(1), tf.tensor1d([0.5, 2])];
const shifts = Array.from({ length: 7 }, (_, i) => tf.scalar(10 ** i));
const values = (state: State<tf.Tensor>): number[] => [...state.params.dataSync(), ...state.logPosterior.dataSync()];

function updated<B, A>(transform: Transform<tf.Tensor, State<tf.Tensor>, B, A>, batches: B[]): State<tf.Tensor>[] {
  const states: State<tf.Tensor>[] = [];
  let state = transform.init(params, { seed: 3 });
  for (const batch of batches) {
    state = transform.update(state, batch)[0];
    states.push(state);
  }
  return states;
}

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  beforeAll(() => setBackend(device));

  test('takes hyper-parameters for the call, numbers and tensors', () => {
    const adder = makeAdder();
    const state = adder.init(params, { seed: 0 });
    const half = tf.scalar(0.5);
    const moved = [0.25, half].map((learningRate) => {
      const [next] = scan(adder, state, 3, { batch: one, hyper: { learningRate } });
      return [...next.params.dataSync()];
    });
    expect(moved).toEqual([
      [1.75, -0.25],
      [2.5, 0.5],
    ]);
    tf.dispose(half);
  });

  test('gives the bits of as many updates, and the state given stays', () => {
    const wanted = updated(sampler, Array(20).fill(centre));
    const state = sampler.init(params, { seed: 3 });
    const [next, collected] = scan(sampler, state, 20, { batch: centre });
    expect(collected).toEqual([]);
    expect(values(next)).toEqual(values(wanted[19]!));
    expect([next.step, next.key]).toEqual([20, state.key]);
    expect(state.step).toBe(0);
    expect(state.params).toBeAllClose([1, -1]);
  });

  test('a loop, then updates, then a loop, go on as updates alone', () => {
    const wanted = updated(sampler, Array(12).fill(centre));
    const [first] = scan(sampler, sampler.init(params, { seed: 3 }), 5, { batch: centre });
    const [second] = sampler.update(first, centre);
    const [last] = scan(sampler, second, 6, { batch: centre });
    expect(values(last)).toEqual(values(wanted[11]!));
    expect(last.step).toBe(12);
  });

  test('a key on the device gives the same, and the new state has one of its own', () => {
    const state = sampler.init(params, { key: keyTensor(toKey(3)) });
    const [next] = scan(sampler, state, 5, { batch: centre });
    expect(values(next)).toEqual(values(updated(sampler, Array(5).fill(centre))[4]!));
    state.dispose();
    expect((next.key as tf.Tensor).shape).toEqual([2]);
    expect(values(sampler.update(next, centre)[0])).toEqual(values(updated(sampler, Array(6).fill(centre))[5]!));
  });

  // After update k the parameter is 1 + 1 + 10 + ... + 10^(k - 1), and aux 2 10^(k - 1).
  test.each([
    [7, 1, [1, 2, 3, 4, 5, 6, 7]],
    [6, 2, [2, 4, 6]],
    [7, 3, [3, 6]],
    [7, 7, [7]],
    [1, 1, [1]],
  ] as const)('of %i updates every %i is collected: %j', (count, thin, kept) => {
    const [adder, batches] = [makeAdder(), shifts.slice(0, count)];
    const options = { thin, collect: ({ params }: State<tf.Tensor>, { twice }: { twice: tf.Tensor }) => ({ params, twice }) }; // biome-ignore format: one line
    const [next, { params: draws, twice }] = scan(adder, adder.init(params, { seed: 0 }), batches, options);
    expect(draws.shape).toEqual([kept.length, 2]);
    expect(twice.shape).toEqual([kept.length]);
    expect([...tf.slice(draws, [0, 0], [-1, 1]).dataSync()].map((value) => `${value - 1}`.length)).toEqual([...kept]);
    expect([...twice.dataSync()]).toEqual(kept.map((k) => 2 * 10 ** (k - 1)));
    expect(next.step).toBe(count);
    expect(next.params.dataSync()[0]).toBe(Number('1'.repeat(count)) + 1);
    const [, alone] = scan(adder, adder.init(params, { seed: 0 }), batches, { thin, collect: (each) => each.params });
    expect([...alone.dataSync()]).toEqual([...draws.dataSync()]);
  });

  test('schedules are asked for every step ahead, and new values never trace again', () => {
    const asked: number[] = [];
    const rates = [0.1, 0.2];
    let rate = rates[0] as number;
    let calls = 0;
    const hyper: Hyper = {
      learningRate: (step) => {
        asked.push(step);
        return rate / (step + 1);
      },
      temperature: 0,
    };
    const scheduled = build((theta: tf.Tensor, middle: tf.Tensor) => {
      calls++;
      return logPosterior(theta, middle);
    }, hyper);
    const state = scheduled.init(params, { seed: 3 });
    scan(scheduled, state, 4, { batch: centre });
    const traced = calls;
    for (rate of rates) {
      asked.length = 0;
      const [next] = scan(scheduled, state, 4, { batch: tf.add(centre, 0) });
      expect(asked).toEqual([0, 1, 2, 3]);
      const [further] = scan(scheduled, next, 4, { batch: centre });
      expect(asked.slice(4)).toEqual([4, 5, 6, 7]);
      let expected = [1, -1];
      for (let i = 0; i < 8; i++)
        expected = expected.map((x, k) => x + (rate / (i + 1)) * ((centre.dataSync()[k] as number) - x));
      expect(further.params).toBeAllClose(expected);
    }
    expect(calls).toBe(traced);
    expect(calls).toBeGreaterThan(0);
  });

  test('a schedule that fails throws before anything runs', () => {
    const failing = build(logPosterior, { learningRate: (step) => (step < 3 ? 0.1 : -1), temperature: 0 });
    const state = failing.init(params, { seed: 3 });
    scan(failing, state, 3, { batch: centre })[0].dispose();
    const says = 'scan: sgld.update: learningRate is -1 and must be a positive number';
    expectNoLeak(() => {
      expect(() => scan(failing, state, 4, { batch: centre })).toThrow(says);
      expect(() => scan(failing, state, 4, { batch: centre })).toThrow(says);
    });
    expect(values(scan(failing, state, 3, { batch: centre })[0])).toHaveLength(3);
  });

  test('tensors as hyper-parameters, and of schedules the bits that updates see', () => {
    const mixed = build(logPosterior, { learningRate: (step) => 0.1 / (step + 1), temperature: tf.scalar(0.5) });
    const wanted = updated(mixed, Array(9).fill(centre));
    const [next] = scan(mixed, mixed.init(params, { seed: 3 }), 9, { batch: centre });
    expect(values(next)).toEqual(values(wanted[8]!));
  });

  test('leaves nothing but what it returns, also where it throws', () => {
    const state = sampler.init(params, { seed: 3 });
    const batches = Array.from({ length: 5 }, (_, i) => tf.fill([2], i));
    const bad = [...batches.slice(1), tf.fill([2], Number.NaN)];
    const collect = ({ params }: State<tf.Tensor>) => ({ params });
    const call = (): void => {
      const [next, { params: draws }] = scan(sampler, state, batches, { collect, thin: 2 });
      expect(leaves<unknown>(next).filter((leaf) => leaf instanceof tf.Tensor)).toHaveLength(2);
      expect(draws.shape).toEqual([2, 2]);
      disposeTensors([next, draws]);
    };
    const failing = (): void =>
      expect(() => scan(sampler, state, bad, { collect, thin: 2 })).toThrow(
        /^scan: after the updates of steps 0 to 4 /,
      );
    call();
    failing();
    expectNoLeak(call);
    expectNoLeak(failing);
    expect(batches.some((batch) => batch.isDisposed)).toBe(false);
    expect(state.params).toBeAllClose([1, -1]);
  });

  test('says what is not finite and where to look, unless check is false', () => {
    const state = scan(sampler, sampler.init(params, { seed: 3 }), 2, { batch: centre })[0];
    const batch = tf.tensor1d([0, Number.NaN]);
    expect(() => scan(sampler, state, 3, { batch })).toThrow(
      'scan: after the updates of steps 2 to 4 logPosterior is NaN. Call update with one batch at a time: it tells the step, and what may help. The state is as it was; { check: false } goes on regardless.',
    );
    expect([...scan(sampler, state, 3, { batch, check: false })[0].params.dataSync()]).toEqual([
      expect.any(Number),
      Number.NaN,
    ]);
    expect(state.step).toBe(2);
  });
});

describe('batches', () => {
  beforeAll(() => setBackend('cpu'));
  type Batch = { readonly x: tf.Tensor; readonly weight: number; readonly kind: string; readonly key: Uint32Array };
  const make = (i: number): Batch => ({ x: tf.fill([2], i), weight: i, kind: 'sum', key: toKey(i) });
  const scaled = build(
    (theta: tf.Tensor, { x, weight, key, kind }: Batch) =>
      withAux(tf.sum(tf.mul(theta, kind === 'sum' ? tf.mul(x, weight) : x)), { key: key as unknown as tf.Tensor }),
    { learningRate: 1, temperature: 0 },
  );

  test('numbers and keys are stacked, what is part of the program must be the same', () => {
    const state = scaled.init(params, { seed: 0 });
    const batches = [1, 2, 3].map(make);
    const [next, { key }] = scan(scaled, state, batches, { collect: (_, aux) => aux });
    expect(next.params).toBeAllClose([15, 13]);
    expect(key.arraySync()).toEqual(batches.map(({ key: words }) => [...words]));
    expect(() => scan(scaled, state, [...batches, { ...make(4), kind: 'other' }])).toThrow(
      'scan: $.kind of batch 0 is "sum", which is part of the program and of batch 3 is "other", which is part of the program; batches of one call must be alike',
    );
  });

  test.each<[string, () => unknown[], string]>([
    ['none', () => [], 'scan: there are no batches; give one for each update'],
    ['another shape', () => [tf.ones([2]), tf.ones([3])], '$ of batch 0 is float32[2] and of batch 1 is float32[3]; batches of one call must be alike: pad them to one shape, or leave the last one out'],
    ['another dtype', () => [tf.ones([2]), tf.ones([2], 'int32')], '$ of batch 0 is float32[2] and of batch 1 is int32[2]'],
    ['a number', () => [tf.scalar(2), 2], '$ of batch 0 is float32[] and of batch 1 is a number'],
    ['another structure', () => [{ a: tf.ones([2]) }, { a: tf.ones([2]) }, { a: [tf.ones([2])] }], 'scan: batches 0 and 2: tree.mapWithPath: trees differ in structure at $.a: Tensor vs [1 item]'],
    ['a disposed one', () => { const gone = tf.ones([2]); gone.dispose(); return [tf.ones([2]), gone]; }, '$ of batch 0 is float32[2] and of batch 1 is a disposed tensor float32[2]'],
  ])('refuses %s', (_, make, says) => {
    const state = sampler.init(params, { seed: 0 });
    const batches = make() as tf.Tensor[];
    expectNoLeak(() => expect(() => scan(sampler, state, batches)).toThrow(says));
    state.dispose();
  }); // biome-ignore format: a table
});

describe('programs', () => {
  beforeAll(() => setBackend('cpu'));
  const sampler = makeSampler();

  test('are kept for the transform, what collects, and the numbers of updates', () => {
    let calls = 0;
    const counted = build((theta: tf.Tensor, middle: tf.Tensor) => {
      calls++;
      return logPosterior(theta, middle);
    }, { learningRate: 0.1, temperature: 1 }); // biome-ignore format: one call
    const collect = ({ params }: State<tf.Tensor>) => params;
    const traces = (run: () => void): number => {
      calls = 0;
      run();
      return calls;
    };
    const state = counted.init(params, { seed: 1 });
    const kept = (): void => void scan(counted, state, 6, { batch: centre, collect });
    const more = (): void => void scan(counted, state, 7, { batch: centre, collect });
    const batches = [1, 2, 3].map((i) => tf.fill([2], i));
    expect(traces(kept)).toBeGreaterThan(0);
    expect(traces(kept)).toBe(0);
    expect(traces(more)).toBeGreaterThan(0);
    expect(traces(() => scan(counted, scan(counted, state, batches)[0], batches.slice().reverse()))).toBeGreaterThan(0);
    expect(traces(() => scan(counted, state, batches.map((batch) => tf.add(batch, 1))))).toBe(0); // biome-ignore format: one line
    expect(traces(kept) + traces(more)).toBe(0);
  });

  test('of one transform that are many are warned of, once', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const own = makeSampler();
    const state = own.init(params, { seed: 1 });
    for (let i = 0; i < 8; i++) scan(own, state, 2, { batch: centre, collect: (each) => each.params });
    expect(warn).not.toHaveBeenCalled();
    for (let i = 3; i < 6; i++) scan(own, state, i, { batch: centre });
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/^scan: 9 programs were made for one transform\. /)]]);
    warn.mockRestore();
  });

  test('in jit and vmap, and both, as by themselves', () => {
    const states = [1, 2].map((seed) => sampler.init(params, { seed }));
    const wanted = states.map((state) => values(scan(sampler, state, 6, { batch: centre })[0]));
    const loop = (state: State<tf.Tensor>): State<tf.Tensor> => scan(sampler, state, 6, { batch: centre })[0];
    const compiled = jit(loop);
    const first = compiled(states[0]!);
    expect([values(first), first.step]).toEqual([wanted[0], 6]);
    expect(values(compiled(first))).toEqual(values(scan(sampler, first, 6, { batch: centre })[0]));
    expect(compiled.traces).toBe(1);
    const mapped = vmap(loop as never) as unknown as typeof loop;
    for (const both of [mapped, jit(mapped)]) {
      const all = both(stackStates(states));
      expect(all.step).toBe(6);
      expect((unstack({ p: all.params, v: all.logPosterior }) as { p: tf.Tensor; v: tf.Tensor }[]).map(({ p, v }) => [...p.dataSync(), ...v.dataSync()])).toEqual(wanted); // biome-ignore format: one line
    }
  });

  test('an update that goes two steps is asked for the schedules of both', () => {
    const scheduled = build(logPosterior, { learningRate: (step) => 0.1 / (step + 1), temperature: 1 });
    const twice: typeof scheduled = {
      ...scheduled,
      update(state, batch, options) {
        const [next] = scheduled.update(state, batch, options);
        return scheduled.update(next, batch, options);
      },
    };
    const wanted = updated(scheduled, Array(6).fill(centre));
    const [next] = scan(twice, twice.init(params, { seed: 3 }), 3, { batch: centre });
    expect([values(next), next.step]).toEqual([values(wanted[5]!), 6]);
  });

  test('a loop within an update that a loop runs is refused', () => {
    const inner: typeof sampler = {
      ...sampler,
      update: (state, batch) => [scan(sampler, state, 2, { batch })[0], []],
    };
    const state = inner.init(params, { seed: 3 });
    expect(inner.update(state, centre)[0].step).toBe(2);
    expect(() => scan(inner, state, 2, { batch: centre })).toThrow(
      'a transform that scan runs cannot call scan in its update; write a loop over update there',
    );
  });

  test('what is collected and the new state outlive the state given, and each other', () => {
    for (const count of [1, 3]) {
      const state = sampler.init(params, { seed: 3 });
      const [next, draws] = scan(sampler, state, count, { batch: centre, collect: (each) => each.params });
      state.dispose();
      const last = [...draws.dataSync()].slice(-2);
      expect([...next.params.dataSync()]).toEqual(last);
      sampler.update(next, centre, { inplace: true });
      expect([...draws.dataSync()].slice(-2)).toEqual(last);
      next.dispose();
      expect([...draws.dataSync()].slice(-2)).toEqual(last);
    }
  });

  test('a number that became a schedule or a tensor is not taken for a number', () => {
    const hyper: { learningRate: HyperParameter; temperature: HyperParameter } = { learningRate: 0.1, temperature: 0 };
    const changing = build(logPosterior, hyper);
    const state = changing.init(params, { seed: 3 });
    scan(changing, state, 3, { batch: centre });
    hyper.learningRate = 0.2;
    expect(scan(changing, state, 1, { batch: centre })[0].params).toBeAllClose([0.9, -0.4]);
    scan(changing, state, 3, { batch: centre });
    hyper.learningRate = () => 0.1;
    expect(() => scan(changing, state, 3, { batch: centre })).toThrow(
      'scan: a hyper-parameter that was a number must not become a schedule in a compiled function',
    );
    Object.assign(hyper, { learningRate: tf.scalar(0.1), temperature: 0 });
    expect(() => scan(changing, state, 3, { batch: centre })).toThrow(
      'scan: which hyper-parameters are numbers and which tensors must not change in a compiled function, as at step 0',
    );
  });
});
