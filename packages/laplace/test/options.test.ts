import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import '@posteriors/testing';
import { vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { disposeTensors, type LogProbFn, withAux } from '@posteriors/transform';
import { map } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { denseFisher, denseGgn, denseHessian, diagFisher, diagGgn } from '../src/index.ts';
import { each, forward, logLikelihood, makeBatch, makeParams, outer, type Params } from './logistic.ts';

await setBackend('cpu');
const params = makeParams();
const batch = makeBatch();
const identity = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]; // biome-ignore format: a matrix
const scaled = (scale: number): number[][] => identity.map((row) => row.map((value) => scale * value));

describe('the first precision', () => {
  test('diagonal: 0 by default, a number, or a tree, which stays the caller’s', () => {
    expect(diagFisher.init(params).precDiag).toBeAllClose({ b: [0], w: [0, 0, 0] });
    for (const initPrecDiag of [3, tf.scalar(3)])
      expect(diagGgn.init(params, { initPrecDiag }).precDiag).toBeAllClose({ b: [3], w: [3, 3, 3] });
    const tree: Params = { b: tf.tensor1d([1]), w: tf.tensor1d([2, 3, 4]) };
    const state = diagFisher.build(logLikelihood, { initPrecDiag: tree }).init(params);
    expect(state.precDiag).toBeAllClose(tree);
    state.dispose();
    expect([tree.b, tree.w, params.b].some((leaf) => leaf.isDisposed)).toBe(false);
  });

  test('dense: 0 by default, a number times the identity, or a symmetric matrix', () => {
    expect(denseFisher.init(params).prec).toBeAllClose(scaled(0));
    for (const initPrec of [3, tf.scalar(3)]) expect(denseGgn.init(params, { initPrec }).prec).toBeAllClose(scaled(3));
    const matrix = tf.add(tf.tensor2d(identity), 0.5);
    const state = denseHessian.build(logLikelihood, { initPrec: matrix }).init(params);
    expect(state.prec).toBeAllClose(matrix);
    state.dispose();
    expect(matrix.isDisposed).toBe(false);
  });

  test('rounding is taken out of a matrix that is nearly symmetric', () => {
    const nearly = identity.map((row, i) => row.map((value, j) => value + (i < j ? 1e-6 : 0)));
    const { prec } = denseGgn.init(params, { initPrec: tf.tensor2d(nearly) });
    expect(prec.arraySync()).toEqual(tf.transpose(prec).arraySync());
  });

  test('is refused where it does not fit', () => {
    const live = tf.memory().numTensors;
    const diagonal = (initPrecDiag: unknown) => () => diagFisher.init(params, { initPrecDiag: initPrecDiag as Params });
    const dense = (initPrec: unknown) => () => denseGgn.init(params, { initPrec: initPrec as tf.Tensor });
    expect(diagonal(-1)).toThrow(
      'laplace.diagFisher.init: initPrecDiag is -1 and must be a number that is not negative',
    );
    expect(diagonal({ b: params.b, w: params.b })).toThrow(
      'laplace.diagFisher.init: the parameters and initPrecDiag: shapes differ at $.w: [3] vs [1]',
    );
    tf.tidy(() => {
      const tree = { b: tf.tensor1d([Number.NaN]), w: tf.tensor1d([0, 1, -1]) };
      expect(diagonal({ ...tree, b: params.b })).toThrow(
        'laplace.diagFisher.init: initPrecDiag $.w is -1 at element 2 and must be a number that is not negative',
      );
      expect(diagonal(tree)).toThrow('initPrecDiag $.b is NaN at element 0 and must be a number that is not negative');
      expect(diagonal(tf.scalar(-1))).toThrow('initPrecDiag is -1 at element 0 and must be a number that is not');
      expect(dense(tf.scalar(-1))).toThrow('laplace.denseGgn.init: initPrec is -1 at element 0 and must be a number');
      expect(dense(tf.sub(tf.eye(4), 2))).toThrow(
        'laplace.denseGgn.init: initPrec is -1 at [0,0] and must be a number that is not negative on the diagonal',
      );
      expect(dense(tf.fill([4, 4], Infinity))).toThrow('initPrec has an element that is not finite');
    });
    expect(dense(-1)).toThrow('laplace.denseGgn.init: initPrec is -1 and must be a number that is not negative');
    expect(dense('one')).toThrow('laplace.denseGgn.init: initPrec is one and must be a number that is not negative');
    tf.tidy(() => {
      expect(dense(tf.ones([3, 3]))).toThrow(
        'laplace.denseGgn.init: initPrec is float32[3,3] and must be float32 [4,4], with a row for each of the 4 elements of the parameters in the order of tree.ravel',
      );
      expect(dense(tf.ones([4, 4], 'int32'))).toThrow('initPrec is int32[4,4] and must be float32 [4,4]');
      const askew = tf.tensor2d(identity.map((row, i) => row.map((value, j) => (i === 2 && j === 1 ? 0.5 : value))));
      expect(dense(askew)).toThrow(
        'laplace.denseGgn.init: initPrec is not symmetric: element [2,1] is 0.5 and element [1,2] is 0; give (a + aᵀ) / 2',
      );
      const gone = tf.ones([4, 4]);
      gone.dispose();
      expect(dense(gone)).toThrow('laplace.denseGgn.init: initPrec is a disposed tensor float32[4,4]');
    });
    expect(tf.memory().numTensors).toBe(live);
  });
});

test('the functions of each module equal those of build, with the same defaults', () => {
  const same = (built: object, own: object): void => {
    const values = (state: object) =>
      map((leaf: unknown) => (leaf instanceof tf.Tensor ? leaf.arraySync() : leaf), state as unknown);
    expect(values(own)).toEqual(values(built));
  };
  const seed = { seed: 1 };
  const fisher = diagFisher.build(logLikelihood);
  same(
    fisher.update(fisher.init(params, seed), batch)[0],
    diagFisher.update(diagFisher.init(params, seed), batch, logLikelihood)[0],
  );
  const full = denseFisher.build(each, { perSample: true });
  same(
    full.update(full.init(params, seed), batch)[0],
    denseFisher.update(denseFisher.init(params, seed), batch, each, { perSample: true })[0],
  );
  const ggn = diagGgn.build(forward, outer);
  same(
    ggn.update(ggn.init(params, seed), batch)[0],
    diagGgn.update(diagGgn.init(params, seed), batch, forward, outer)[0],
  );
  const fullGgn = denseGgn.build(forward, outer);
  same(
    fullGgn.update(fullGgn.init(params, seed), batch)[0],
    denseGgn.update(denseGgn.init(params, seed), batch, forward, outer)[0],
  );
  const hessian = denseHessian.build(logLikelihood);
  const state = denseHessian.init(params, seed);
  const [built] = hessian.update(hessian.init(params, seed), batch);
  same(built, denseHessian.update(state, batch, logLikelihood)[0]);
  same(built, denseHessian.update(state, batch, logLikelihood, { rescale: 1, epsilon: 0 })[0]);
});

describe('denseHessian', () => {
  test('epsilon is added to the diagonal at each update: two add it twice (as in posteriors 0.1.2, which does not say so)', () => {
    const transform = denseHessian.build(logLikelihood, { rescale: 1e-6, epsilon: 0.01 });
    const state = transform.init(params);
    for (const total of [0.01, 0.02]) {
      transform.update(state, batch, { inplace: true });
      expect(state.prec).toBeAllClose(scaled(total), { rtol: 0, atol: 1e-5 });
    }
  });

  test('rescale and epsilon may be schedules, tensors, or replaced for a call', () => {
    const steps: number[] = [];
    const rescale = (step: number): number => {
      steps.push(step);
      return 1 / (step + 1);
    };
    const scheduled = denseHessian.build(logLikelihood, { rescale, epsilon: 0.5 });
    const fixed = denseHessian.build(logLikelihood, { rescale: 7, epsilon: 7 });
    let [state, expected] = [scheduled.init(params), fixed.init(params)];
    for (const hyper of [
      { rescale: 1, epsilon: 0.5 },
      { rescale: tf.scalar(0.5), epsilon: tf.scalar(0.5) },
    ]) {
      state = scheduled.update(state, batch)[0];
      expected = fixed.update(expected, batch, { hyper })[0];
      expect(state.prec).toBeAllClose(expected.prec, { rtol: 1e-6 });
    }
    expect(steps).toEqual([0, 1]);
    const rescales = tf.tensor1d([0.5, 2]);
    const many = vmap((value: tf.Tensor) => fixed.update(expected, batch, { hyper: { rescale: value } })[0].prec)(rescales); // biome-ignore format: one line
    const [first, second] = [0.5, 2].map((value) => fixed.update(expected, batch, { hyper: { rescale: value } })[0].prec); // biome-ignore format: one line
    expect(many).toBeAllClose(tf.stack([first as tf.Tensor, second as tf.Tensor]), { rtol: 1e-5 });
  });

  test('refuses what cannot be, and the state can go on', () => {
    const transform = denseHessian.build(logLikelihood);
    const state = transform.init(params);
    const update = (hyper: object) => () => transform.update(state, batch, { hyper });
    const name = 'laplace.denseHessian.update';
    expect(update({ rescale: 0 })).toThrow(`${name}: rescale is 0 and must be a positive number`);
    expect(update({ epsilon: -1 })).toThrow(`${name}: epsilon is -1 and must be a number that is not negative`);
    expect(update({ epsilon: tf.ones([2]) })).toThrow(`${name}: epsilon has shape [2] and must be a scalar`);
    expect(transform.update(state, batch)[0].step).toBe(1);
    expect(() => denseHessian.build(logLikelihood, { rescale: 0 })).toThrow(
      'laplace.denseHessian.build: rescale is 0 and must be a positive number',
    );
    expect(() => denseHessian.build(logLikelihood, { epsilon: () => -1 })).not.toThrow();
  });
});

describe('bad input', () => {
  test('options that do not exist', () => {
    expect(() => diagFisher.build(logLikelihood, { initPrec: 1 } as never)).toThrow(
      'laplace.diagFisher.build: there is no option initPrec; there are perSample, initPrecDiag',
    );
    expect(() => denseFisher.build(logLikelihood, { per_sample: true } as never)).toThrow(
      'laplace.denseFisher.build: there is no option per_sample; there are perSample, initPrec',
    );
    expect(() => diagGgn.build(forward, outer, { perSample: true } as never)).toThrow('there is no option perSample');
    expect(() => denseGgn.build(forward, outer, { initPrecDiag: 1 } as never)).toThrow('there are initPrec');
    expect(() => denseHessian.build(logLikelihood, { lr: 1 } as never)).toThrow(
      'laplace.denseHessian.build: there is no option lr; there are rescale, epsilon, initPrec',
    );
  });

  test('perSample that does not go with what the function returns', () => {
    const vector = diagFisher.build(logLikelihood, { perSample: true });
    expect(() => vector.update(vector.init(params), batch)).toThrow(
      'laplace.diagFisher.update: with perSample: true the function must return a float32 vector, one value for each example, and returned float32[]',
    );
    const scalar = denseFisher.build(each);
    expect(() => scalar.update(scalar.init(params), batch)).toThrow(
      'laplace.denseFisher.update: the function must return a scalar (shape []) and returned shape [1] for a batch of one example',
    );
  });

  test('batches whose tensors differ in length', () => {
    const transform = diagFisher.build(logLikelihood);
    const state = transform.init(params);
    expect(() => transform.update(state, { x: batch.x, y: tf.ones([3]) })).toThrow(
      /^laplace\.diagFisher\.update: .*(one length|differ in length).*\[4,3\].*\[3\]/,
    );
    expect(transform.update(state, batch)[0].step).toBe(1);
  });

  test('an outer log likelihood that does not look at the outputs, or is no scalar', () => {
    const call = (other: unknown) => () => {
      const transform = denseGgn.build(forward, other as typeof outer);
      transform.update(transform.init(params), batch);
    };
    expect(call((_: tf.Tensor, { y }: typeof batch) => tf.sum(y))).toThrow(
      'laplace.denseGgn.update: the log density does not depend on the outputs of the forward function; use its first argument in it',
    );
    expect(call((z: tf.Tensor) => tf.square(z))).toThrow(
      'laplace.denseGgn.update: the function must return a scalar (shape []) and returned shape [4]; sum it',
    );
    expect(call((z: tf.Tensor) => [tf.sum(z), []])).toThrow('the function must return a tensor and returned Array');
  });

  test.each(['cpu', 'wasm'] as const)('a batch with NaN is refused, pure and in place, on %s', async (device) => {
    await setBackend(device);
    const lost = { x: tf.fill([4, 3], Number.NaN), y: batch.y };
    const transforms = {
      diagFisher: diagFisher.build(logLikelihood),
      denseFisher: denseFisher.build(logLikelihood),
      denseHessian: denseHessian.build(logLikelihood),
      diagGgn: diagGgn.build(forward, outer),
      denseGgn: denseGgn.build(forward, outer, { initPrec: 1 }),
    };
    for (const [name, { init, update }] of Object.entries(transforms)) {
      const state = init(params) as never;
      const precisions = (): unknown => {
        const { prec, precDiag } = state as { readonly prec?: tf.Tensor; readonly precDiag?: Params };
        return map((leaf: tf.Tensor) => leaf.arraySync(), (prec ?? precDiag) as Params);
      };
      const before = precisions();
      for (const inplace of [false, true]) {
        expect(() => update(state, lost as never, { inplace })).toThrow(
          new RegExp(
            `^laplace\\.${name}\\.update: (element 0 of )?prec\\S* is NaN at step 0\\. A log density of the batch`,
          ),
        );
      }
      expect(precisions()).toEqual(before);
    }
    await setBackend('cpu');
  });

  test('without a check NaN shows when a draw is taken', () => {
    const transform = denseGgn.build(forward, outer, { initPrec: 1 });
    const lost = { x: tf.fill([4, 3], Number.NaN), y: batch.y };
    const [state] = transform.update(transform.init(params), lost, { check: false });
    expect(() => denseGgn.sample(state)).toThrow(
      'laplace.denseGgn.sample: the diagonal of prec is NaN at element 0 and must be positive: a log density of a batch has no finite derivatives',
    );
  });

  test('there are no hyper-parameters to replace, but for denseHessian', () => {
    const transform = diagGgn.build(forward, outer);
    const hyper = { temperature: 0.1 } as never;
    expect(() => transform.update(transform.init(params), batch, { hyper })).toThrow(
      'laplace.diagGgn.update: there is no option hyper; there are inplace, aux, compile, check',
    );
    const full = denseHessian.build(logLikelihood);
    expect(() => full.update(full.init(params), batch, { hyper })).toThrow(
      'laplace.denseHessian.update: there is no option temperature; there are rescale, epsilon',
    );
  });
});

test('aux is that of the model on the whole batch, or of each example', () => {
  const model = (p: Params, data: typeof batch): [tf.Tensor, { logits: tf.Tensor }] => {
    const [logits] = forward(p, data);
    return withAux(logits, { logits });
  };
  const ggn = diagGgn.build(model, outer);
  const logProb: LogProbFn<Params, typeof batch, { logits: tf.Tensor }> = (p, data) => {
    const [logits, aux] = model(p, data);
    return withAux(outer(logits, data), aux);
  };
  const fisher = diagFisher.build(logProb);
  const [whole, aux] = ggn.update(ggn.init(params), batch);
  const [apart, auxes] = fisher.update(fisher.init(params), batch);
  expect(aux.logits.shape).toEqual([4]);
  expect(auxes.logits.shape).toEqual([4, 1]);
  expect(tf.reshape(auxes.logits, [4])).toBeAllClose(aux.logits);
  disposeTensors([whole, apart, aux, auxes]);
});
