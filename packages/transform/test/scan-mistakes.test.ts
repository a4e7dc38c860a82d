// What scan is given by mistake.
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { type ScanOptions, scan, stackStates, withAux } from '../src/index.ts';
import { build, type Hyper, type State } from './sgld.ts';

await setBackend('cpu');

const params = tf.tensor1d([1, -1]);
const one = tf.scalar(1);

/** Moves the parameters by the batch at each update; aux is twice the batch. */
const makeAdder = () =>
  build((theta: tf.Tensor, shift: tf.Tensor) => withAux(tf.mul(tf.sum(theta), shift), { twice: tf.mul(2, shift) }), {
    learningRate: 1,
    temperature: 0,
  });

describe('what it refuses', () => {
  const adder = makeAdder();
  const state = adder.init(params, { seed: 0 });
  type Options = ScanOptions<State<tf.Tensor>, { twice: tf.Tensor }, tf.Tensor, Hyper> & { readonly batch: tf.Tensor };
  const batch = one;

  test.each<[string, number, Options, string]>([
    ['no updates', 0, { batch }, 'scan: the number of updates is 0 and must be a whole number from 1'],
    ['part of an update', 1.5, { batch }, 'scan: the number of updates is 1.5 and must be a whole number from 1'],
    ['a thin of 0', 3, { batch, thin: 0 }, 'scan: thin is 0 and must be a whole number from 1'],
    ['part of a thin', 3, { batch, thin: 1.5 }, 'scan: thin is 1.5 and must be a whole number from 1'],
    ['a number that is collected', 3, { batch, collect: (() => 3) as never }, 'scan: collect must return a tree of tensors, and $ is of type number'],
    ['a step that is collected', 3, { batch, collect: (({ step }: { step: number }) => ({ step })) as never }, 'scan: collect must return a tree of tensors, and $.step is the step, which scan returns with the state'],
    ['a step that is computed with', 3, { batch, collect: ({ step }) => tf.scalar(step + 1) }, 'scan: collect: the step of a state is not a number inside of a loop that scan compiles'],
    ['a tensor of batches', tf.ones([3]) as never, { batch }, 'scan: the batches are a Tensor and must be an array with one for each update, or a number of updates'],
    ['another option', 3, { batch, every: 2 } as never, 'scan: there is no option every; there are batch, collect, thin, hyper, check'],
    ['a set of batches', new Set([one]) as never, {} as never, 'scan: the batches are a Set and must be an array with one for each update, or a number of updates: write [...batches]'],
    ['more updates than can be counted', 1e12, { batch }, 'scan: the number of updates is 1000000000000 and must be 2147483647 at most: call scan again'],
    ['a name for what is collected', 3, { batch, collect: 'params' as never }, 'scan: collect is "params" and must be a function of a state'],
    ['a promise that is collected', 3, { batch, collect: (async () => one) as never }, 'collect is async; it is traced'],
    ['a thin of nothing', 3, { batch, thin: 2 }, 'scan: thin says how often to collect, and there is no collect'],
    ['a thin of more than there are', 3, { batch, thin: 4, collect: (each) => each.params }, 'scan: thin is 4 and there are 3 updates, so that nothing would be collected'],
    ['a thin in words', 3, { batch, thin: '2' as never, collect: (each) => each.params }, 'scan: thin is "2" and must be a whole number from 1'],
    ['a schedule', 3, { batch, hyper: { learningRate: () => 1 } }, 'scan: hyper.learningRate is a schedule: give it to build'],
    ['a forgotten batch', 3, {} as never, 'No batch was given: scan(transform, state, n, { batch }).'],
  ])('%s', (_, updates, options, says) => {
    expect(() => scan(adder, state, updates, options)).toThrow(says);
    expect(state.step).toBe(0);
  }); // biome-ignore format: a table

  test('what is no state, and a batch beside batches', () => {
    const promise = Promise.resolve(state) as never;
    expect(() => scan(adder, adder as never, 3, { batch })).toThrow('the step of the state is undefined and must be');
    expect(() => scan(adder, promise, 3, { batch })).toThrow('scan: the state is a promise; write await');
    expect(() => scan(adder, [state, []] as never, 3, { batch })).toThrow(
      'scan: the state is an array; update returns',
    );
    expect(() => scan(adder, state, [batch], { batch } as never)).toThrow('scan: there is no option batch');
    const gone = adder.init(params, { seed: 0 });
    gone.dispose();
    expect(() => scan(adder, gone, 3, { batch })).toThrow('is a disposed tensor float32');
  });

  test('what is no transform', () => {
    for (const given of [undefined, {}, 4])
      expect(() => scan(given as never, state, 3, { batch })).toThrow('must be what build of an algorithm returns');
  });

  test('a stacked state, for which chains is', () => {
    const stacked = stackStates([state, state]);
    expect(() => scan(adder, stacked, 3, { batch })).toThrow('the key has shape [2,2] and must be a single one');
  });
});
