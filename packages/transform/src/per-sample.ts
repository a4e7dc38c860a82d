/** Log densities of the examples of a batch, and their gradients: what Fisher matrices are made of. */

import {
  byRows,
  grad,
  perSamplify,
  refusePromise,
  splitAux,
  sumOverChunks,
  unitRows,
  valueAndGrad,
  vjp,
  vmap,
} from '@posteriors/autodiff';
import { leaves, map, ravel, type TensorTree } from '@posteriors/tree';
import { matMul, range, reshape, square, sum, Tensor } from '@tensorflow/tfjs-core';
import { checkedLogProb, requireDependence } from './log-prob.ts';
import type { LogProbFn, StepContext } from './transform.ts';

export interface PerSampleOption {
  /**
   * Whether the log density returns a vector, with a value for each example of the batch. By default it returns a scalar, and is called on
   * batches of one: time and memory go with the number of examples. A vector costs as little where its values are computed apart, by what
   * acts on each row of the batch (products with parameters, elementwise functions, sums over other axes; no loops, and no customGrad).
   * Elsewhere the gradient of each value passes through the whole batch: time goes with the square of the number of examples.
   */
  readonly perSample?: boolean;
}

/** Of each example, along axis 0 of each tensor. */
export interface PerSample<P, A> {
  /** Log densities `[examples]`. */
  readonly values: Tensor;
  readonly aux: A;
  readonly gradients: P;
}

/** Log densities and aux as in {@link PerSample}, with sums over the examples in place of gradients. */
interface PerSampleTotals<A> {
  readonly values: Tensor;
  readonly aux: A;
}

export interface PerSampleSums<P, A> extends PerSampleTotals<A> {
  readonly gradient: P;
  /** Sum of the squares of the gradients. */
  readonly squares: P;
}

export interface PerSampleProducts<A> extends PerSampleTotals<A> {
  /** Sum of the gradients `g`, `[p]` in the order of `tree.ravel`. */
  readonly gradient: Tensor;
  /** Sum of `g gᵀ`, `[p, p]`; of `(Fᵀ g) (Fᵀ g)ᵀ`, `[q, q]`, where a matrix `F` is given, `[p, q]`. */
  readonly products: Tensor;
}

type Of<P, B, R> = (params: P, batch: B, context: StepContext) => R;

/**
 * The gradient of the log density of each example.
 *
 * @param perSample whether `logProb` returns a vector, with one value for each example of its batch. Otherwise it returns a scalar and is
 *   called on batches of one: each tensor of the batch is cut along axis 0, and keeps that axis with length 1; aux gains an axis 0. Scalar
 *   tensors belong to all examples.
 */
export function perSampleGradients<P extends TensorTree, B, A>(
  name: string,
  logProb: LogProbFn<P, B, A>,
  perSample: boolean,
): Of<P, B, PerSample<P, A>> {
  const examplesOf = examplesWith(name, logProb, perSample);
  return (params, batch, context) => {
    const { whole, examples, gradientsOf } = examplesOf(params, batch, context);
    return { ...gradientsOf(examples), ...whole } as PerSample<P, A>;
  };
}

/**
 * The sums over the examples of {@link perSampleGradients} and of their squares. Of a weight that meets each example once these become
 * products of two matrices when the program is simplified, and no gradient of an example is made; of others a bounded number is held at a
 * time (`sumOverChunks`).
 */
export function perSampleSums<P extends TensorTree, B, A>(
  name: string,
  logProb: LogProbFn<P, B, A>,
  perSample: boolean,
): Of<P, B, PerSampleSums<P, A>> {
  return totals(name, logProb, perSample, (gradients: P) => {
    const total = map((leaf: Tensor) => sum<Tensor>(leaf, 0), gradients);
    return { gradient: total, squares: map((leaf: Tensor) => sum<Tensor>(square(leaf), 0), gradients) };
  });
}

/**
 * The sums over the examples of {@link perSampleGradients} and of their outer products. Holds a bounded number of gradients at a time. With a
 * matrix as last argument it is the products of these with the gradients that are multiplied: for fewer examples than twice the parameters
 * that is less work than to multiply the sum from both sides, and the result is symmetric to the bit.
 */
export function perSampleProducts<P extends TensorTree, B, A>(
  name: string,
  logProb: LogProbFn<P, B, A>,
  perSample: boolean,
): (...args: [...Parameters<Of<P, B, unknown>>, factor?: Tensor]) => PerSampleProducts<A> {
  return (params, batch, context, factor) => {
    const of = totals(name, logProb, perSample, (gradients: P) => {
      const rows = vmap((gradient: P): Tensor => ravel(gradient).flat)(gradients);
      const factors = factor === undefined ? rows : (matMul(rows, factor) as Tensor);
      return { gradient: sum<Tensor>(rows, 0), products: matMul(factors, factors, true) as Tensor };
    });
    return of(params, batch, context);
  };
}

/** The sum over the examples of what `reduce` makes of the gradients of some of them. */
function totals<P extends TensorTree, B, A, S extends { readonly [name: string]: TensorTree }>(
  name: string,
  logProb: LogProbFn<P, B, A>,
  perSample: boolean,
  reduce: (gradients: P) => S,
): Of<P, B, PerSampleTotals<A> & S> {
  const examplesOf = examplesWith(name, logProb, perSample);
  return (params, batch, context) => {
    const { whole, examples, gradientsOf } = examplesOf(params, batch, context);
    const [sums, each] = sumOverChunks((chunk: unknown): [S, TensorTree] => {
      const { gradients, ...rest } = gradientsOf(chunk);
      return [reduce(gradients), rest as TensorTree];
    }, examples);
    return { ...sums, ...(each as object), ...whole } as PerSampleTotals<A> & S;
  };
}

/** The examples of a batch, and how their gradients are computed. */
interface Examples<P, A> {
  /** What there is of the batch as a whole: for a scalar log density nothing. */
  readonly whole: Partial<PerSampleTotals<A>>;
  /** Something with an axis 0 for the examples. */
  readonly examples: unknown;
  /** The gradients of some of the examples, and what else there is of each. */
  readonly gradientsOf: (some: unknown) => { readonly gradients: P } & Partial<PerSampleTotals<A>>;
}

function examplesWith<P extends TensorTree, B, A>(
  name: string,
  logProb: LogProbFn<P, B, A>,
  perSample: boolean,
): Of<P, B, Examples<P, A>> {
  return perSample ? inVectors(name, logProb) : inBatchesOfOne(name, logProb);
}

function inBatchesOfOne<P extends TensorTree, B, A>(
  name: string,
  logProb: LogProbFn<P, B, A>,
): Of<P, B, Examples<P, A>> {
  const logProbOfOne: LogProbFn<P, B, A> = (params, batch, context) => {
    const result = refusePromise(name, logProb(params, batch, context));
    const [value] = splitAux(name, result);
    if (value instanceof Tensor && value.rank > 0) {
      throw new Error(
        `${name}: the function must return a scalar (shape []) and returned shape [${value.shape}] for a batch of one example; sum it or take its mean, or give perSample: true if it returns one value for each example`,
      );
    }
    return result;
  };
  const each = perSamplify(valueAndGrad(checkedLogProb(name, logProbOfOne), { hasAux: true }));
  return (params, batch, context) => ({
    whole: {},
    examples: requireExamples(name, batch),
    gradientsOf: (some) => {
      const [[values, aux], gradients] = each(params, some as B, context);
      return { values, aux, gradients };
    },
  });
}

function requireExamples<B>(name: string, batch: B): B {
  const tensors = leaves<unknown>(batch).filter((leaf): leaf is Tensor => leaf instanceof Tensor && leaf.rank > 0);
  const lengths = new Set(tensors.map(({ shape }) => shape[0]));
  if (lengths.size === 1) return batch;
  const shapes =
    tensors.length === 0 ? 'there are none' : `they have shapes ${tensors.map(({ shape }) => `[${shape}]`).join(', ')}`;
  throw new Error(
    `${name}: the tensors of the batch must have an axis 0 of one length, the examples, and ${shapes}; or give perSample: true, with a function that returns one value for each example`,
  );
}

function inVectors<P extends TensorTree, B, A>(name: string, logProb: LogProbFn<P, B, A>): Of<P, B, Examples<P, A>> {
  return (params, batch, context) => {
    const vector = (p: P): [Tensor, A] => vectorAndAux(name, logProb, p, batch, context);
    const { value: values, aux, pullback } = vjp(vector, [params], { hasAux: true });
    const whole = { values, aux };
    const apart = byRows((p: P, data: B) => vectorAndAux(name, logProb, p, data, context)[0], params, batch);
    if (apart === null) {
      const pulled = vmap((cotangent: Tensor) => pullback(cotangent)[0]);
      return {
        whole,
        examples: range(0, values.size, 1, 'int32'),
        gradientsOf: (indices) => ({ gradients: pulled(unitRows(indices as Tensor, values.size)) }),
      };
    }
    const gradient = grad((p: P, row: readonly Tensor[]) => reshape(apart.one(p, row), []));
    return {
      whole,
      examples: apart.rows,
      gradientsOf: (rows) => ({ gradients: perSamplify(gradient)(params, rows as readonly Tensor[]) }),
    };
  };
}

/** What a function that returns a value for each example returns, checked. */
function vectorAndAux<P extends TensorTree, B, A>(
  name: string,
  logProb: LogProbFn<P, B, A>,
  params: P,
  batch: B,
  context: StepContext,
): [Tensor, A] {
  const [value, aux] = splitAux(name, refusePromise(name, logProb(params, batch, context)));
  if (!(value instanceof Tensor) || value.rank !== 1 || value.dtype !== 'float32') {
    const got = value instanceof Tensor ? `${value.dtype}[${value.shape}]` : typeof value;
    throw new Error(
      `${name}: with perSample: true the function must return a float32 vector, one value for each example, and returned ${got}`,
    );
  }
  requireDependence(name, value, params);
  return [value, aux as A];
}
