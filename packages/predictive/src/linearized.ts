/** Predictions of a model made linear in its parameters (MacKay 1992; Immer, Korzepa and Bauer 2021, https://arxiv.org/abs/2008.08400). */

import {
  evaluate,
  jacfwd,
  jacrev,
  perSamplify,
  refusePromise,
  splitAux,
  sumOverChunks,
  unitRows,
} from '@posteriors/autodiff';
import { cholesky } from '@posteriors/linalg';
import { ravel, type TensorTree } from '@posteriors/tree';
import { add, matMul, mul, range, reshape, sum, Tensor, transpose } from '@tensorflow/tfjs-core';
import { halvesWith, type ParameterSpread } from './spread.ts';

/** The outputs of a model: `(params, batch) => [z, aux]`, with `z` float32 `[examples, outputs]`, a row for each example of the batch. */
export type Forward<P extends TensorTree, B, A> = (params: P, batch: B) => readonly [z: Tensor, aux: A];

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
 * depend on that example alone. A bounded number of rows is held at a time, however many examples there are.
 *
 * @param spread the uncertainty of the parameters, see {@link ParameterSpread}.
 * @returns `[mean, covariance (or what options.output says), aux]`; the mean, `[examples, outputs]`, and aux are what `forward` returns for
 *   the whole batch. They belong to the caller. Differentiable.
 * @throws if `forward` does not return a float32 matrix with a row for each example, and aux; if the spread does not fit the parameters; or, on
 *   cpu and wasm, if a matrix that is to be factored is not positive definite, where webgpu gives NaN.
 */
export function linearizedPredictive<P extends TensorTree, B, A>(
  forward: Forward<P, B, A>,
  params: P,
  batch: B,
  spread: ParameterSpread,
  options: LinearizedOptions = {},
): [mean: Tensor, spread: Tensor, aux: A] {
  return linearized('predictive.linearizedPredictive', forward, params, batch, spread, options);
}

/**
 * {@link linearizedPredictive} for parameters that are independent, with standard deviations `sdDiag`.
 *
 * @param sdDiag a tree like the parameters, or a number for all of them.
 * @returns `[mean, factor, aux]`, with the lower Cholesky factor of the covariance of each example, `[examples, outputs, outputs]`.
 */
export function linearizedForwardDiag<P extends TensorTree, B, A>(
  forward: Forward<P, B, A>,
  params: P,
  batch: B,
  sdDiag: TensorTree | number,
  options: Pick<LinearizedOptions, 'jitter'> = {},
): [mean: Tensor, factor: Tensor, aux: A] {
  const { jitter = 0 } = options;
  const name = 'predictive.linearizedForwardDiag';
  return linearized(name, forward, params, batch, { sdDiag }, { output: 'factor', jitter });
}

function linearized<P extends TensorTree, B, A>(
  name: string,
  forward: Forward<P, B, A>,
  params: P,
  batch: B,
  spread: ParameterSpread,
  { output = 'covariance', jitter = 0 }: LinearizedOptions,
): [mean: Tensor, spread: Tensor, aux: A] {
  if (!['covariance', 'factor', 'variance'].includes(output)) {
    throw new Error(`${name}: output is ${output} and must be 'covariance', 'factor' or 'variance'`);
  }
  if (!(jitter >= 0 && jitter < Infinity)) {
    throw new Error(`${name}: jitter is ${jitter} and must be a number that is not negative`);
  }
  return named(name, output, () =>
    evaluate(name, () => {
      const [mean, aux] = matrixOf(name, forward(params, batch));
      const [examples, outputs] = mean.shape as [number, number];
      const { flat, unravel } = ravel(params);
      const rowsOf = perSamplify((vector: Tensor, example: B): Tensor => {
        const z = (v: Tensor): Tensor => reshape(matrixOf(name, forward(unravel(v), example))[0], [outputs]);
        return (flat.size < outputs ? jacfwd : jacrev)(z)(vector);
      });
      const halves = halvesWith(name, spread, params);
      const [, spreads] = sumOverChunks(
        (chunk: B): [[], Tensor] => {
          const rows = rowsOf(flat, chunk);
          const [left, right] = halves(reshape(rows, [-1, flat.size])).map((half) =>
            reshape(half, [-1, outputs, half.shape[1]!]),
          ) as [Tensor, Tensor];
          if (output === 'variance') return [[], sum(mul(left, right), -1)];
          const covariance = matMul(left, right, false, true);
          return [[], mul(0.5, add(covariance, transpose(covariance, [0, 2, 1])))];
        },
        batch,
        Math.max(1, Math.floor(HELD / (outputs * flat.size))),
      );
      if (spreads.shape[0] !== examples) {
        throw new Error(
          `${name}: the function must return a row for each of the ${spreads.shape[0]} examples of the batch, and returned [${mean.shape}]`,
        );
      }
      if (output === 'variance') return [mean, add(spreads, jitter), aux] as const;
      const covariance = add(spreads, mul(jitter, unitRows(range(0, outputs, 1, 'int32'), outputs)));
      return [mean, output === 'factor' ? cholesky(covariance) : covariance, aux] as const;
    }),
  ) as [Tensor, Tensor, A];
}

/** How many numbers of Jacobians are held at once: 16 MB. */
const HELD = 2 ** 22;

/** What a model returned, checked. */
function matrixOf<A>(name: string, result: readonly [Tensor, A]): readonly [z: Tensor, aux: A] {
  const [z, aux] = splitAux(name, refusePromise(name, result));
  if (z instanceof Tensor && z.rank === 2 && z.dtype === 'float32') return [z, aux as A];
  const got = z instanceof Tensor ? `${z.dtype}[${z.shape}]` : typeof z;
  throw new Error(
    `${name}: the function must return float32 [examples, outputs], and returned ${got}; reshape it to [examples, 1] for one output`,
  );
}

/** Runs `fn`. What it throws begins with `name`, and says what helps where a matrix that is to be factored is not positive definite. */
function named<T>(name: string, output: string, fn: () => T): T {
  try {
    return fn();
  } catch (error) {
    const { message } = error as Error;
    if (message.startsWith(`${name}:`)) throw error;
    const advice =
      message.startsWith('cholesky:') && output === 'factor'
        ? `. Where it is the covariance of outputs that go together, or of more outputs than parameters, give jitter, about 1e-5 of a typical variance, or take { output: 'covariance' } or 'variance'`
        : '';
    throw new Error(`${name}: ${message}${advice}`, { cause: error });
  }
}
