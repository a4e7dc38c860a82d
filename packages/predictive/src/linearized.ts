/** Predictions of a model made linear in its parameters (MacKay 1992; Immer, Korzepa and Bauer 2021, https://arxiv.org/abs/2008.08400). */

import { evaluate, jacfwd, jacrev, perSamplify, refusePromise, splitAux, sumOverChunks } from '@posteriors/autodiff';
import { cholesky } from '@posteriors/linalg';
import { type Key, keyTensor } from '@posteriors/random';
import {
  checkHyper,
  checkOptions,
  type ForwardFn,
  keyFrom,
  named,
  notNegative,
  type StepContext,
  symmetricLike,
} from '@posteriors/transform';
import { ravel, type TensorTree } from '@posteriors/tree';
import { add, matMul, mul, reshape, scalar, sum, Tensor, transpose } from '@tensorflow/tfjs-core';
import { halvesWith, type ParameterSpread } from './spread.ts';

export interface LinearizedOptions {
  /**
   * What is returned of the distribution of the outputs of each example: their `covariance`, `[examples, outputs, outputs]`, its lower
   * Cholesky `factor`, of the same shape, or the `variance` of each, `[examples, outputs]`. Default the covariance.
   */
  readonly output?: 'covariance' | 'factor' | 'variance';
  /**
   * Added to each variance, not negative. A factor needs one where `J S Jᵀ` has not full rank, as with more outputs than parameters or with
   * outputs that go together: about 1e-5 of a typical variance. Default 0.
   */
  readonly jitter?: number;
  /**
   * Seed of the key in the third argument of `forward`, `{ key, step }`, for a model that draws (dropout); its step is 0. Default 0, so that
   * the same call gives the same numbers.
   */
  readonly seed?: number;
  /** That key, instead of a seed. */
  readonly key?: Key;
}

/**
 * The distribution of the outputs of a model whose parameters are normal with mean `params` and covariance `S`, where the model is replaced by
 * its tangent there: for each example
 *
 *     z ~ N(forward(params), J S Jᵀ),   J = ∂z/∂params
 *
 * so that nothing is drawn. For logits draw from it, `mean + factor ξ`, and average the probabilities; for a regression with noise add its
 * variance.
 *
 * The rows of `J` are those of each example apart: `forward` is called on batches of one for them, and the output of an example is taken to
 * depend on that example alone. A bounded number of examples is worked on at a time, 16 MB, however many there are.
 *
 * @param forward the outputs of the model, `(params, batch) => [z, aux]`, as {@link ForwardFn} has it, with `z` float32 `[examples, outputs]`, a
 *   row for each example of the batch.
 * @param spread the uncertainty of the parameters, see {@link ParameterSpread}.
 * @returns `[mean, covariance (or what options.output says), aux]`; the mean, `[examples, outputs]`, and aux are what `forward` returns for
 *   the whole batch. They belong to the caller. Differentiable.
 * @throws if `forward` does not return a float32 matrix with a row for each example, and aux; if the spread does not fit the parameters; or, on
 *   cpu and wasm, if a matrix that is to be factored is not positive definite, where webgpu gives NaN.
 */
export function linearizedPredictive<P extends TensorTree, B, A>(
  forward: ForwardFn<P, B, A>,
  params: P,
  batch: B,
  spread: ParameterSpread,
  options: LinearizedOptions = {},
): [mean: Tensor, spread: Tensor, aux: A] {
  const name = 'predictive.linearizedPredictive';
  checkOptions(name, options, ['output', 'jitter', 'seed', 'key']);
  return linearized(name, forward, params, batch, spread, options);
}

/**
 * {@link linearizedPredictive} for parameters that are independent, with standard deviations `sdDiag`.
 *
 * @param sdDiag a tree like the parameters, or a number or a scalar tensor for all of them.
 * @returns `[mean, factor, aux]`, with the lower Cholesky factor of the covariance of each example, `[examples, outputs, outputs]`.
 */
export function linearizedForwardDiag<P extends TensorTree, B, A>(
  forward: ForwardFn<P, B, A>,
  params: P,
  batch: B,
  sdDiag: TensorTree | number,
  options: Omit<LinearizedOptions, 'output'> = {},
): [mean: Tensor, factor: Tensor, aux: A] {
  const name = 'predictive.linearizedForwardDiag';
  checkOptions(name, options, ['jitter', 'seed', 'key']);
  return linearized(name, forward, params, batch, { sdDiag }, { ...options, output: 'factor' });
}

function linearized<P extends TensorTree, B, A>(
  name: string,
  forward: ForwardFn<P, B, A>,
  params: P,
  batch: B,
  spread: ParameterSpread,
  { output = 'covariance', jitter = 0, ...randomness }: LinearizedOptions,
): [mean: Tensor, spread: Tensor, aux: A] {
  if (!['covariance', 'factor', 'variance'].includes(output)) {
    throw new Error(`${name}: output is ${output} and must be 'covariance', 'factor' or 'variance'`);
  }
  checkHyper<{ jitter: number }>(name, { jitter }, { jitter: notNegative });
  const compute = (): readonly [mean: Tensor, spread: Tensor, aux: A] => {
    const key = keyFrom({ seed: 0, ...randomness });
    const halvesOf = halvesWith(name, spread, params);
    return evaluate(name, () => {
      const context: StepContext = { key: keyTensor(key), step: scalar(0, 'int32') };
      const [mean, aux] = matrixOf(name, forward(params, batch, context));
      const [examples, outputs] = mean.shape as [number, number];
      const { flat, unravel } = ravel(params);
      const rowsOf = perSamplify((vector: Tensor, example: B): Tensor => {
        const z = (v: Tensor): Tensor => reshape(matrixOf(name, forward(unravel(v), example, context))[0], [outputs]);
        return (flat.size < outputs ? jacfwd : jacrev)(z)(vector);
      });
      const halves = halvesOf();
      const [, spreads] = sumOverChunks((chunk: B): [[], Tensor] => {
        const rows = rowsOf(flat, chunk);
        const [left, right] = halves(reshape(rows, [-1, flat.size])).map((half) =>
          reshape(half, [-1, outputs, half.shape[1]!]),
        ) as [Tensor, Tensor];
        if (output === 'variance') return [[], sum(mul(left, right), -1)];
        const covariance = matMul(left, right, false, true);
        return [[], mul(0.5, add(covariance, transpose(covariance, [0, 2, 1])))];
      }, batch);
      if (spreads.shape[0] !== examples) {
        throw new Error(
          `${name}: the function must return a row for each of the ${spreads.shape[0]} examples of the batch, and returned [${mean.shape}]`,
        );
      }
      if (output === 'variance') return [mean, add(spreads, jitter), aux] as const;
      const covariance = add(spreads, symmetricLike(jitter, outputs));
      return [mean, output === 'factor' ? cholesky(covariance) : covariance, aux] as const;
    }) as readonly [Tensor, Tensor, A];
  };
  return [...named(name, () => (output === 'factor' ? advised(compute) : compute()))];
}

/** What a model returned, checked. */
function matrixOf<A>(name: string, result: readonly [Tensor, A]): readonly [z: Tensor, aux: A] {
  const [z, aux] = splitAux(name, refusePromise(name, result));
  if (z instanceof Tensor && z.rank === 2 && z.dtype === 'float32') return [z, aux as A];
  const got = z instanceof Tensor ? `${z.dtype}[${z.shape}]` : typeof z;
  throw new Error(
    `${name}: the function must return float32 [examples, outputs], and returned ${got}; reshape it to [examples, 1] for one output`,
  );
}

/** Runs `fn`. What it throws where a matrix that is to be factored is not positive definite says what helps. */
function advised<T>(fn: () => T): T {
  try {
    return fn();
  } catch (error) {
    const { message } = error as Error;
    if (!message.startsWith('cholesky:')) throw error;
    throw new Error(
      `${message}. Where it is the covariance of outputs that go together, or of more outputs than parameters, give jitter, about 1e-5 of a typical variance, or take { output: 'covariance' } or 'variance'`,
      { cause: error },
    );
  }
}
