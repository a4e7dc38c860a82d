// Draws from the normal distribution of a state.
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import { keyTensor, key as toKey } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import { disposeTensors } from '@posteriors/transform';
import { ravel } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { denseFisher, denseGgn, diagFisher, diagGgn } from '../src/index.ts';
import { flat, numbers } from './model.ts';

await setBackend('cpu');

type Theta = { readonly a: tf.Tensor; readonly b: tf.Tensor };
const params = (): Theta => ({ a: tf.tensor2d([[1, -2], [0.5, 3]]), b: tf.scalar(-1) }); // biome-ignore format: a matrix

describe('sample', () => {
  const covariance = [[2, 0.6, 0, 0, 0], [0.6, 1, 0, 0, 0], [0, 0, 0.5, -0.2, 0], [0, 0, -0.2, 0.3, 0], [0, 0, 0, 0, 4]]; // biome-ignore format: a matrix
  const dense = denseGgn.init(params(), { initCov: tf.tensor2d(covariance), seed: 1 });
  const initSds = { a: tf.tensor2d([[1, 2], [0.5, 0.1]]), b: tf.scalar(3) }; // biome-ignore format: a matrix
  const diag = diagGgn.init(params(), { initSds, seed: 1 });
  type Draw = (options?: object) => Theta;
  const draws: [name: string, draw: Draw, covariance: readonly (readonly number[])[]][] = [
    ['diagFisher', (options) => diagFisher.sample(diag, options), diagonal(flat(initSds))],
    ['diagGgn', (options) => diagGgn.sample(diag, options), diagonal(flat(initSds))],
    ['denseFisher', (options) => denseFisher.sample(dense, options), covariance],
    ['denseGgn', (options) => denseGgn.sample(dense, options), covariance],
  ];

  describe.each(draws)('%s', (name, draw, expected) => {
    test('has the shape asked for in front of that of each parameter, by default none (guards against posteriors 0.1.2, where dense draws fail for none and for two axes)', () => {
      const shapes = (options?: object) => Object.values(draw({ seed: 0, ...options })).map(({ shape }) => shape);
      expect(shapes()).toEqual([[2, 2], []]);
      expect(shapes({ sampleShape: [5] })).toEqual([[5, 2, 2], [5]]);
      expect(shapes({ sampleShape: [5, 4] })).toEqual([[5, 4, 2, 2], [5, 4]]); // biome-ignore format: one line
    });

    test('has the mean and the covariance of the state, to 4 standard errors', () => {
      const count = 100_000;
      const { a, b } = draw({ seed: 2, sampleShape: [count] });
      const centred = tf.sub(
        tf.concat([tf.reshape(a, [count, 4]), tf.reshape(b, [count, 1])], 1),
        ravel(params()).flat,
      );
      const means = numbers(tf.mean(centred, 0));
      const products = tf.div(tf.matMul(centred, centred, true), count).arraySync() as number[][];
      expected.forEach((row, i) => {
        const variance = row[i] as number;
        expect(Math.abs(means[i] as number)).toBeLessThan(4 * Math.sqrt(variance / count));
        row.forEach((value, j) => {
          // The variance of a product of two normal numbers is c_ii c_jj + c_ij^2.
          const error = Math.sqrt((variance * (expected[j]?.[j] as number) + value ** 2) / count);
          expect(Math.abs((products[i]?.[j] as number) - value)).toBeLessThan(4 * error);
        });
      });
    });

    test('repeats with a seed or a key, differs without, and is not drawn from the key of the state', () => {
      const drawn = (options?: object): number[] => flat(draw(options));
      expect(drawn({ seed: 3 })).toEqual(drawn({ key: toKey(3) }));
      expect(drawn({ seed: 3 })).not.toEqual(drawn({ seed: 4 }));
      expect(drawn()).not.toEqual(drawn());
      const keys = keyTensor([toKey(0), toKey(1)]);
      expect(() => draw({ key: keys })).toThrow(`ekf.${name}.sample: the key has shape [2,2] and must be a single one`);
    });

    test('leaves nothing but the draws', () => {
      expectNoLeak(() => disposeTensors(draw({ seed: 0, sampleShape: [3] })));
    });
  });
});

function diagonal(sds: readonly number[]): number[][] {
  return sds.map((sd, i) => sds.map((_, j) => (i === j ? sd ** 2 : 0)));
}
