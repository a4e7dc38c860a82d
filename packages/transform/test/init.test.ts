import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { evaluate, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { foldIn, key, keyTensor, split } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { finite, initState, keyFrom, likeParams, notYet, requireElements } from '../src/index.ts';

await setBackend('cpu');

/** The keys of the state and of its first draws. */
const keysOf = (seed: number): [Uint32Array, Uint32Array] => split(foldIn(key(seed), 0x73746174));

const params = { w: tf.tensor2d([[1, 2]]), b: tf.scalar(3) };

describe('keyFrom', () => {
  test('is the key given, that of the seed, or a random one', () => {
    const given = key(7);
    expect(keyFrom({ key: given, seed: 1 })).toBe(given);
    expect(keyFrom({ seed: 1 })).toEqual(key(1));
    expect(keyFrom({})).not.toEqual(keyFrom({}));
  });

  test('refuses a batch of keys, which would give its shape to what is drawn', () => {
    const keys = keyTensor([key(0), key(1)]);
    const says =
      'the key has shape [2,2] and must be a single one, of shape [2]; for several chains take chains(transform), whose init makes their keys of a single one, or map with vmap';
    expect(() => keyFrom({ key: keys })).toThrow(says);
    expectNoLeak(() => {
      expect(() => initState('f', params, { key: keys }, () => ({}))).toThrow(`f: ${says}`);
    });
    keys.dispose();
  });
});

describe('initState', () => {
  test('has copies of the parameters, which share their data, what make gives, a key and step 0', () => {
    expectNoLeak(() => {
      const before = tf.memory().numDataBuffers;
      const state = initState('f', params, { seed: 4 }, (p, draw) => {
        expect(draw).toEqual(keysOf(4)[1]);
        return { twice: tf.mul(2, p.w), logPosterior: notYet() };
      });
      expect(state.params).toBeAllClose({ b: 3, w: [[1, 2]] });
      expect(state.params.w).not.toBe(params.w);
      expect(tf.memory().numDataBuffers).toBe(before + 2);
      expect(state.twice).toBeAllClose([[2, 4]]);
      expect(state.logPosterior.dataSync()[0]).toBeNaN();
      expect(state.key).toEqual(keysOf(4)[0]);
      expect(state.step).toBe(0);
      state.dispose();
      expect(params.w.isDisposed).toBe(false);
    });
  });

  test('has no key that anything else draws with that is given the same seed', () => {
    const state = initState('f', params, { seed: 4 }, () => ({}));
    const others = split(key(4), 100).map(String);
    expect(others).not.toContain(`${state.key}`);
    expect(others.flatMap((each) => split(Uint32Array.from(each.split(','), Number), 10).map(String))).not.toContain(`${state.key}`); // biome-ignore format: one line
    state.dispose();
  });

  test('makes its key where the given one is', () => {
    const given = keyTensor(key(4));
    expectNoLeak(() => {
      const state = initState('f', params, { key: given }, () => ({}));
      expect([...new Uint32Array((state.key as tf.Tensor).dataSync<'int32'>())]).toEqual([...keysOf(4)[0]]);
      state.dispose();
    });
    expect(given.isDisposed).toBe(false);
    given.dispose();
  });

  test('leaves nothing when make throws', () => {
    expectNoLeak(() => {
      const failing = () => {
        tf.mul(params.w, 2);
        throw new Error('no');
      };
      expect(() => initState('f', params, { seed: 0 }, failing)).toThrow(/^f: no$/);
    });
  });
});

describe('likeParams', () => {
  const made = (given: number | tf.Tensor | typeof params) => evaluate('f', () => likeParams('option', given, params));

  test('takes a number or a scalar for all elements, or a tree, whose data it shares', () => {
    expect(made(2)).toBeAllClose({ b: 2, w: [[2, 2]] });
    expect(made(tf.scalar(2))).toBeAllClose({ b: 2, w: [[2, 2]] });
    const frozen = evaluate('f', () => likeParams('option', tf.scalar(2), { w: params.w, none: tf.zeros([0]) }));
    expect([frozen.w, frozen.none].map(({ shape }) => shape)).toEqual([[1, 2], [0]]);
    const buffers = tf.memory().numDataBuffers;
    const copy = made(params);
    expect(copy).toBeAllClose({ b: 3, w: [[1, 2]] });
    expect(copy.w).not.toBe(params.w);
    expect(tf.memory().numDataBuffers).toBe(buffers);
  });

  test('refuses what is not like the parameters', () => {
    const like = (given: unknown) => () => made(given as number);
    expect(like(Infinity)).toThrow('option is Infinity and must be a finite number, or a tree like the parameters');
    expect(like({ w: params.w })).toThrow(
      'the parameters and option: tree.mapWithPath: trees differ in structure at $: {b, w} vs {w}',
    );
    expect(like({ w: tf.ones([2]), b: params.b })).toThrow(
      'the parameters and option: shapes differ at $.w: [1,2] vs [2]',
    );
    expect(like(tf.ones([2]))).toThrow('the parameters and option: tree.mapWithPath: trees differ in structure at $');
    expect(like(tf.scalar(1, 'int32'))).toThrow('option $ is int32[] and must be float32');
    expect(like({ w: params.w, b: 'x' })).toThrow('option $.b is a string and must be a float32 tensor');
    expect(like({ w: params.w, b: tf.scalar(1, 'int32') })).toThrow('option $.b is int32[] and must be float32');
  });
});

describe('requireElements', () => {
  const check = (given: unknown) => () => requireElements('option', given as number, finite);

  test.each(['cpu', 'wasm'] as const)('names the element that is wrong, on %s', async (backend) => {
    await setBackend(backend);
    for (const fine of [1, tf.scalar(2), params, { w: 'no tensor' }]) expect(check(fine)).not.toThrow();
    expect(check(Number.NaN)).toThrow('option is NaN and must be a finite number');
    expect(check(tf.scalar(Infinity))).toThrow('option is Infinity at element 0 and must be a finite number');
    expect(check({ a: [tf.ones([2]), tf.tensor2d([[0, Number.NaN]])] })).toThrow(
      'option $.a[1] is NaN at element 1 and must be a finite number',
    );
    await setBackend('cpu');
  });

  test('reads nothing inside of a transform', () => {
    const look = (x: tf.Tensor): tf.Tensor => {
      check({ x })();
      return x;
    };
    expect(() => vmap(look)(tf.tensor1d([Number.NaN]))).not.toThrow();
  });
});
