import '@posteriors/backend/cpu';
import { evaluate } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { key, keyTensor, split } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { initState, keyFrom, likeParams, notYet } from '../src/index.ts';

await setBackend('cpu');

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
      'the key has shape [2,2] and must be a single one, of shape [2]; for several chains map with vmap, over keys in init and over states in update';
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
        expect(draw).toEqual(split(key(4))[1]);
        return { twice: tf.mul(2, p.w), logPosterior: notYet() };
      });
      expect(state.params).toBeAllClose({ b: 3, w: [[1, 2]] });
      expect(state.params.w).not.toBe(params.w);
      expect(tf.memory().numDataBuffers).toBe(before + 2);
      expect(state.twice).toBeAllClose([[2, 4]]);
      expect(state.logPosterior.dataSync()[0]).toBeNaN();
      expect(state.key).toEqual(split(key(4))[0]);
      expect(state.step).toBe(0);
      state.dispose();
      expect(params.w.isDisposed).toBe(false);
    });
  });

  test('makes its key where the given one is', () => {
    const given = keyTensor(key(4));
    expectNoLeak(() => {
      const state = initState('f', params, { key: given }, () => ({}));
      expect([...new Uint32Array((state.key as tf.Tensor).dataSync<'int32'>())]).toEqual([...split(key(4))[0]]);
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
  const made = (given: number | typeof params) => evaluate('f', () => likeParams('option', given, params));

  test('takes a number for all elements, or a tree, whose data it shares', () => {
    expect(made(2)).toBeAllClose({ b: 2, w: [[2, 2]] });
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
    expect(like({ w: params.w, b: 'x' })).toThrow('option $.b is a string and must be a float32 tensor');
    expect(like({ w: params.w, b: tf.scalar(1, 'int32') })).toThrow('option $.b is int32[] and must be float32');
  });
});
