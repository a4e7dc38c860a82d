/** Log densities of the examples of a batch, and their gradients: what Fisher matrices are made of. */

import {
  perSamplify,
  refusePromise,
  splitAux,
  sumOverChunks,
  unitRows,
  valueAndGrad,
  vjp,
  vmap,
} from '@posteriors/autodiff';
import { leaves, map, size, type TensorTree } from '@posteriors/tree';
import { range, square, sum, Tensor } from '@tensorflow/tfjs-core';
import { checkedLogProb, requireDependence } from './log-prob.ts';
import type { LogProbFn, StepContext } from './transform.ts';

export interface PerSampleOption {
  /**
   * Whether the log density returns a vector, with a value for each example of the batch. By default it returns a scalar, and is called on
   * batches of one.
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

/** As {@link PerSample}, with sums over the examples in place of gradients. */
export interface PerSampleSums<P, A> {
  readonly values: Tensor;
  readonly aux: A;
  readonly gradient: P;
  /** Sum of the squares of the gradients. */
  readonly squares: P;
}

type Of<P, B, R> = (params: P, batch: B, context: StepContext) => R;

/**
 * The gradient of the log density of each example.
 *
 * @param perSample whether `logProb` returns a vector, with one value for each example of its batch. Otherwise it returns a scalar and is
 *   called on batches of one: each tensor of the batch is cut along axis 0, and keeps that axis with length 1; aux gains an axis 0.
 */
export function perSampleGradients<P extends TensorTree, B, A>(
  name: string,
  logProb: LogProbFn<P, B, A>,
  perSample: boolean,
): Of<P, B, PerSample<P, A>> {
  const gradientsOf = gradientsOfBatchesOfOne(name, logProb);
  return (params, batch, context) => {
    if (!perSample) return gradientsOf(params, requireExamples(name, batch), context);
    const { values, aux, pullback } = vectorLogProb(name, logProb, params, batch, context);
    const gradients = vmap(pullback)(unitRows(range(0, values.size, 1, 'int32'), values.size));
    return { values, aux, gradients };
  };
}

/** The sums over the examples of {@link perSampleGradients} and of their squares. Holds a bounded number of gradients at a time. */
export function perSampleSums<P extends TensorTree, B, A>(
  name: string,
  logProb: LogProbFn<P, B, A>,
  perSample: boolean,
): Of<P, B, PerSampleSums<P, A>> {
  const gradientsOf = gradientsOfBatchesOfOne(name, logProb);
  return (params, batch, context) => {
    if (!perSample) {
      const [sums, whole] = sumOverChunks(
        (chunk: B): [Sums<P>, TensorTree] => {
          const { values, aux, gradients } = gradientsOf(params, chunk, context);
          return [{ gradient: total(gradients), squares: total(squared(gradients)) }, { values, aux } as TensorTree];
        },
        requireExamples(name, batch),
        Math.max(1, Math.floor(HELD / size(params))),
      );
      return { ...sums, ...(whole as unknown as { readonly values: Tensor; readonly aux: A }) };
    }
    const { values, aux, pullback } = vectorLogProb(name, logProb, params, batch, context);
    const [sums] = sumOverChunks(
      (indices: Tensor): [Sums<P>, []] => {
        const gradients = vmap(pullback)(unitRows(indices, values.size));
        return [{ gradient: total(gradients), squares: total(squared(gradients)) }, []];
      },
      range(0, values.size, 1, 'int32') as Tensor,
      Math.max(1, Math.floor(HELD / Math.max(size(params), values.size))),
    );
    return { values, aux, ...sums };
  };
}

/** How many numbers of gradients are held at once: 16 MB. */
const HELD = 2 ** 22;

type Sums<P extends TensorTree> = { readonly gradient: P; readonly squares: P };

function total<P extends TensorTree>(tree: P): P {
  return map((leaf: Tensor) => sum(leaf, 0), tree);
}

function squared<P extends TensorTree>(tree: P): P {
  return map((leaf: Tensor) => square(leaf), tree);
}

function gradientsOfBatchesOfOne<P extends TensorTree, B, A>(
  name: string,
  logProb: LogProbFn<P, B, A>,
): Of<P, B, PerSample<P, A>> {
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
  return (params, batch, context) => {
    const [[values, aux], gradients] = each(params, batch, context);
    return { values, aux, gradients };
  };
}

function requireExamples<B>(name: string, batch: B): B {
  const tensors = leaves<unknown>(batch).filter((leaf) => leaf instanceof Tensor) as Tensor[];
  const lengths = new Set<number | undefined>(tensors.map(({ shape }) => shape[0]));
  if (lengths.size === 1 && !lengths.has(undefined)) return batch;
  const shapes =
    tensors.length === 0 ? 'there are none' : `they have shapes ${tensors.map(({ shape }) => `[${shape}]`).join(', ')}`;
  throw new Error(
    `${name}: the tensors of the batch must have an axis 0 of one length, the examples, and ${shapes}; or give perSample: true, with a function that returns one value for each example`,
  );
}

interface Vector<P, A> {
  readonly values: Tensor;
  readonly aux: A;
  readonly pullback: (cotangent: Tensor) => P;
}

/** The log densities that a function returns as a vector, checked, and how cotangents of them are pulled back. */
function vectorLogProb<P extends TensorTree, B, A>(
  name: string,
  logProb: LogProbFn<P, B, A>,
  params: P,
  batch: B,
  context: StepContext,
): Vector<P, A> {
  const vector = (p: P): [Tensor, A] => {
    const [value, aux] = splitAux(name, refusePromise(name, logProb(p, batch, context)));
    if (!(value instanceof Tensor) || value.rank !== 1 || value.dtype !== 'float32') {
      const got = value instanceof Tensor ? `${value.dtype}[${value.shape}]` : typeof value;
      throw new Error(
        `${name}: with perSample: true the function must return a float32 vector, one value for each example, and returned ${got}`,
      );
    }
    requireDependence(name, value, p);
    return [value, aux as A];
  };
  const { value, aux, pullback } = vjp(vector, [params], { hasAux: true });
  return { values: value, aux, pullback: (cotangent) => pullback(cotangent)[0] };
}
