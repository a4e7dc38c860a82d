// Means and standard deviations as numbers and as trees: each stands for the other, against float64.
import '@posteriors/backend/cpu';
import { grad } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import { map, type TensorTree } from '@posteriors/tree';
import { fill, tensor1d } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { diagNormalLogProb } from '../src/index.ts';

await setBackend('cpu');

type Row = readonly [number, number];
type Numbers = { readonly a: Row; readonly b: Row };
type Given = number | Numbers;
const x: Numbers = { a: [1, 2.5], b: [3, -4] };
const treeOf = ({ a, b }: Numbers): TensorTree => ({ a: tensor1d([...a]), b: tensor1d([...b]) });
const at = (given: Given, key: 'a' | 'b', i: 0 | 1): number => (typeof given === 'number' ? given : given[key][i]);
const asGiven = (given: Given): number | TensorTree => (typeof given === 'number' ? given : treeOf(given));
const filled = (given: Given): TensorTree =>
  typeof given === 'number' ? map((leaf) => fill(leaf.shape, given), treeOf(x)) : treeOf(given);
const places = (['a', 'b'] as const).flatMap((key) => ([0, 1] as const).map((i) => [key, i] as const));

const means: { readonly [form: string]: Given } = { 'a number': 1, 'a tree': { a: [1, 2], b: [3, 4] } };
const spreads: { readonly [form: string]: Given } = { 'a number': 0.1, 'a tree': { a: [0.1, 0.2], b: [0.3, 0.4] } };

describe.each(Object.entries(means))('the mean is %s', (_, mean) => {
  test.each(Object.entries(spreads))('and the standard deviation is %s', (__, sd) => {
    const exponent = places
      .map(([key, i]) => ((at(x, key, i) - at(mean, key, i)) / at(sd, key, i)) ** 2 / 2)
      .reduce((sum, term) => sum + term);
    const constant = places
      .map(([key, i]) => Math.log(at(sd, key, i)) + Math.log(2 * Math.PI) / 2)
      .reduce((sum, term) => sum + term);
    const value = diagNormalLogProb(treeOf(x), asGiven(mean), asGiven(sd));
    expect(value).toBeAllClose(-exponent - constant, { rtol: 1e-6 });
    expect(value).toBeAllClose(diagNormalLogProb(treeOf(x), filled(mean), filled(sd)), { rtol: 1e-6 });
    const unnormalised = diagNormalLogProb(treeOf(x), asGiven(mean), asGiven(sd), { normalize: false });
    expect(unnormalised).toBeAllClose(-exponent, { rtol: 1e-6 });
    const slope = (key: 'a' | 'b'): number[] =>
      ([0, 1] as const).map((i) => (at(mean, key, i) - at(x, key, i)) / at(sd, key, i) ** 2);
    const gradient = grad((p: TensorTree) => diagNormalLogProb(p, asGiven(mean), asGiven(sd)))(treeOf(x));
    expect(gradient).toBeAllClose({ a: slope('a'), b: slope('b') }, { rtol: 1e-5, atol: 1e-6 });
  });
});
