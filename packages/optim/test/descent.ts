// The function that tooling/golden/optim_golden.py descends, and the descent.
import { evaluate, grad } from '@posteriors/autodiff';
import { leaves, map, type TensorTree } from '@posteriors/tree';
import {
  add,
  clone,
  cos,
  dispose,
  mul,
  neg,
  range,
  reshape,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
} from '@tensorflow/tfjs-core';
import { applyUpdates, type GradientTransformation } from '../src/index.ts';

/** The parameters that the golden trajectories start from. */
function start(shape: readonly number[]): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Array.from({ length: size }, (_, i) => 0.75 * i - 0.5),
    [...shape],
  );
}

/** The parameter trees of the golden trajectories, whose leaves lie in the order of the golden numbers. */
export const startTrees: { readonly [name: string]: () => TensorTree } = {
  vector: () => start([3]),
  nested: () => ({ layers: [{ weight: start([2, 3]), bias: start([2]) }], scale: start([]) }),
  one: () => ({ only: start([1]) }),
};

/** `sum(curvature (p - target)^2 / 2 + cos(p))` over all elements. */
export function loss(params: TensorTree): Tensor {
  const terms = leaves(params).map((p) => {
    const index = mul(reshape(range(0, p.size), p.shape), 0.5);
    return sum(add(mul(mul(add(index, 1), square(sub(p, sub(index, 1)))), 0.5), cos(p)));
  });
  return terms.reduce((a, b) => add(a, b));
}

export interface Descent {
  readonly steps: number;
  readonly maximize?: boolean;
  /** Called with the parameters after each step, counted from 1. */
  readonly seen?: (step: number, params: TensorTree) => void;
}

/** Runs an optimiser on {@link loss}, or on its negative, which it maximises. Disposes all but the parameters given and returned. */
export function descend(
  optimizer: GradientTransformation,
  from: TensorTree,
  { steps, maximize = false, seen }: Descent,
): TensorTree {
  const gradient = grad((params: TensorTree) => (maximize ? neg(loss(params)) : loss(params)));
  let params = map((leaf: Tensor) => clone(leaf), from);
  let state = optimizer.init(params);
  for (let step = 0; step < steps; step++) {
    const [nextParams, nextState] = evaluate('step', () => {
      const [updates, next] = optimizer.update(gradient(params), state, params, optimizer.hyper(step));
      return [applyUpdates(params, updates), next] as const;
    });
    for (const leaf of [...leaves(params), ...leaves(state)]) leaf.dispose();
    [params, state] = [nextParams, nextState];
    seen?.(step + 1, params);
  }
  dispose(leaves(state));
  return params;
}
