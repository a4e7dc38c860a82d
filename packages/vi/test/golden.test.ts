// Golden numbers of posteriors; tooling/golden/vi_golden.py regenerates them.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import '@posteriors/testing';
import { valueAndGrad } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { LFromFlat } from '@posteriors/distributions';
import * as optim from '@posteriors/optim';
import { type LogProbFn, type Transform, withAux } from '@posteriors/transform';
import { leaves, map, ravel, type TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { dense, diag } from '../src/index.ts';
import golden from './golden/vi.json' with { type: 'json' };

type Nested = number | readonly Nested[];
type ByPath = { readonly [path: string]: Nested };

const asTensor = (values: Nested): tf.Tensor => tf.tensor(values as number[], undefined, 'float32');

/** The tree of which these are the leaves by path. */
function treeOf(byPath: unknown): TensorTree {
  const { $: whole, '$.only': only, '$.scale': scale, ...layer } = byPath as ByPath;
  if (whole !== undefined) return asTensor(whole);
  if (only !== undefined) return { only: asTensor(only) };
  const [bias, weight] = ['bias', 'weight'].map((name) => asTensor(layer[`$.layers[0].${name}`] as Nested));
  return { layers: [{ bias: bias as tf.Tensor, weight: weight as tf.Tensor }], scale: asTensor(scale as Nested) };
}

const spreadOf = (family: string, spread: unknown): TensorTree =>
  family === 'diag' ? treeOf(spread) : asTensor(spread as Nested);

const logPosterior: LogProbFn<TensorTree, tf.Tensor, tf.Tensor> = (params, x) => {
  const p = ravel(params).flat;
  const i = tf.range(0, p.size);
  const square = tf.sum(tf.mul(tf.add(1, tf.div(i, 4)), tf.square(tf.sub(p, tf.div(tf.sub(i, 2), 2)))));
  const total = tf.sum(p);
  const rest = tf.sub(tf.mul(x, total), tf.div(tf.square(total), 20));
  return withAux(tf.add(tf.add(tf.mul(square, -0.5), tf.sum(tf.cos(p))), rest), p);
};

const seed = golden.seed;
const close = { rtol: 2e-5, atol: 2e-5 };

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  beforeEach(() => setBackend(device));

  const named = <T extends { family: string; tree: string; stl: boolean }>(
    cases: readonly T[],
    what: (each: T) => string,
  ) => cases.map((each) => [`${each.family}, ${each.tree}, ${what(each)}, stl ${each.stl}`, each] as const);

  test.each(named(golden.estimates, (each) => `${each.nSamples} draws`))(
    'the estimate and its gradients: %s',
    (_, each) => {
      const { family, nSamples, temperature, stl } = each;
      const [mean, spread] = [treeOf(each.mean), spreadOf(family, each.spread)];
      const options = { nSamples, temperature, stl, seed };
      const loss = ([m, s]: readonly [TensorTree, TensorTree]): tf.Tensor => {
        if (family === 'dense') return dense.nelbo(m, s as tf.Tensor, tf.scalar(golden.x), logPosterior, options)[0];
        const sds = map((logSd: tf.Tensor) => tf.exp(logSd), s);
        return diag.nelbo(m, sds, tf.scalar(golden.x), logPosterior, options)[0];
      };
      const [value, gradients] = valueAndGrad(loss)([mean, spread] as const);
      expect(value).toBeAllClose(each.nelbo, close);
      const [byMean, bySpread] = each.gradients;
      expect(gradients[0]).toBeAllClose(treeOf(byMean), close);
      expect(gradients[1]).toBeAllClose(spreadOf(family, bySpread), close);
    },
  );

  test.each(golden.bothSigns)(
    'a factor whose diagonal has both signs, stl $stl',
    ({ stl, spread, nelbo, gradients }) => {
      const mean = treeOf(golden.estimates.find(({ tree }) => tree === 'nested')?.mean);
      const options = { nSamples: 4, temperature: 0.3, stl, seed };
      const loss = ([m, l]: readonly [TensorTree, tf.Tensor]): tf.Tensor =>
        dense.nelbo(m, l, tf.scalar(golden.x), logPosterior, options)[0];
      const [value, [byMean, byFactor]] = valueAndGrad(loss)([mean, asTensor(spread)] as const);
      expect(value).toBeAllClose(nelbo, close);
      expect(byMean).toBeAllClose(treeOf(gradients[0]), close);
      expect(byFactor).toBeAllClose(gradients[1] as number[], close);
    },
  );

  const trajectories = golden.trajectories.filter(({ tree }) => device === 'cpu' || tree === 'nested');
  test.each(named(trajectories, (each) => each.optimizer))('six updates, pure and in place: %s', (_, each) => {
    const { family, stl } = each;
    const optimizer = {
      sgd: optim.sgd({ learningRate: 0.02, momentum: 0.5 }),
      adam: optim.adam({ learningRate: 0.05 }),
      'scheduled sgd': optim.sgd({ learningRate: (step: number) => 0.05 / (step + 1) }),
    }[each.optimizer] as optim.GradientTransformation;
    const spread = spreadOf(family, each.spread);
    const config = { temperature: (step: number) => 0.5 / (step + 1), nSamples: 2, stl };
    const transform = (
      family === 'diag'
        ? diag.build(logPosterior, optimizer, { ...config, initLogSds: spread })
        : dense.build(logPosterior, optimizer, { ...config, initL: LFromFlat(spread as tf.Tensor) })
    ) as Transform<TensorTree, dense.State<TensorTree> & diag.State<TensorTree>, tf.Tensor, tf.Tensor>;
    for (const inplace of [false, true]) {
      let state = transform.init(treeOf(each.mean), { seed });
      for (const [step, nelbo] of each.nelbos.entries()) {
        state = transform.update(state, tf.scalar(step / 2), { inplace })[0];
        expect(state.nelbo).toBeAllClose(nelbo, close);
      }
      const [mean, last] = each.last;
      expect(state.params).toBeAllClose(treeOf(mean), close);
      expect(family === 'diag' ? state.logSdDiag : state.LFactor).toBeAllClose(spreadOf(family, last), close);
    }
  });
});

test('where the landing is stuck the mean is held too (guards against posteriors 0.1.2, which leaves it attached)', () => {
  const cases = golden.estimates.filter((each) => 'meanLeftAttached' in each);
  expect(cases).toHaveLength(6);
  for (const each of cases) {
    const plain = golden.estimates.find(
      ({ family, tree, nSamples, stl }) =>
        family === 'dense' && tree === each.tree && nSamples === each.nSamples && !stl,
    );
    const [attached, wanted] = [each.meanLeftAttached, each.gradients[0]].map(treeOf) as [TensorTree, TensorTree];
    expect(attached).toBeAllClose(treeOf(plain?.gradients[0]), { rtol: 1e-6 });
    const distance = leaves(map((a: tf.Tensor, b: tf.Tensor) => tf.max(tf.abs(tf.sub(a, b))), attached, wanted));
    expect(Math.max(...distance.map((leaf) => leaf.dataSync()[0] as number))).toBeGreaterThan(0.01);
  }
});
