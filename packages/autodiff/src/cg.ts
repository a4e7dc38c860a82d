import { currentBackend, currentTrace } from '@posteriors/backend';
import { flatten, map, size, type TensorTree } from '@posteriors/tree';
import {
  add,
  cast,
  div,
  greater,
  lessEqual,
  maximum,
  mul,
  neg,
  scalar,
  sum,
  type Tensor,
  where,
} from '@tensorflow/tfjs-core';
import { tensorLeaves } from './arguments.ts';
import { checkOptions } from './check-options.ts';
import { evaluate } from './evaluate.ts';
import { jit } from './jit.ts';
import { matchingLeaves } from './linear-map.ts';
import { scan } from './scan.ts';
import { zerosLike } from './shapes.ts';

export interface CgOptions<T> {
  /** Where to start. Default zeros. */
  readonly x0?: T;
  /** The most iterations. Default 10 for each element of `b`. */
  readonly maxiter?: number;
  /** Solves `(A + damping I) x = b`. Default 0. */
  readonly damping?: number | Tensor;
  /** Tolerance of the norm of the residual, relative to that of `b`. Default 1e-5. */
  readonly tol?: number;
  /** Absolute tolerance of the norm of the residual. Default 0. */
  readonly atol?: number;
  /** An approximation of the inverse of `A + damping I`, symmetric and positive definite. Default the identity. */
  readonly preconditioner?: (residual: T) => T;
}

/** How a solution came about; scalar tensors. */
export type CgInfo = {
  /** The squared norm of the residual. */
  readonly error: Tensor;
  /** Whether that is within the tolerance; bool. */
  readonly converged: Tensor;
  /** The number of iterations; int32. */
  readonly niter: Tensor;
};

type State<T> = {
  readonly x: T;
  readonly residual: T;
  readonly direction: T;
  /** The product of the residual with the preconditioned one. */
  readonly gamma: Tensor;
  readonly error: Tensor;
  /** What the error has to reach. */
  readonly threshold: Tensor;
  readonly niter: Tensor;
};

/**
 * Solves `A x = b` by preconditioned conjugate gradients, where `A` is a symmetric positive definite linear function of trees like `b`.
 * Returns `[x, info]`. Iterations stop where `|residual| <= max(tol |b|, atol)`. (Hestenes & Stiefel, 1952)
 *
 * Inside of another transform it is a {@link scan} of `maxiter` iterations, of which those after convergence change nothing: choose `maxiter`
 * no larger than needed. Outside, an iteration is compiled once and the loop stops at the tolerance, for which the error is read after each;
 * webgpu has no synchronous reads, so there all `maxiter` iterations are run, and {@link cgAsync} is the function that stops.
 *
 * Other than in posteriors 0.1.2, the first direction is preconditioned too, so iterates with a preconditioner differ from it.
 *
 * @throws if `x0`, or what `A` or the preconditioner returns, differs from `b` in structure or shape.
 */
export function cg<T extends TensorTree>(
  A: (x: T) => NoInfer<T>,
  b: T,
  options: CgOptions<NoInfer<T>> = {},
): [x: T, info: CgInfo] {
  const { start, step } = iteration('cg', A, b, options);
  const { maxiter = 10 * size(b) } = options;
  if (currentTrace() !== null || currentBackend().name === 'webgpu') {
    return evaluate('cg', () => {
      const [last] = scan((state: State<T>) => [step(state), []], start(), null, { length: maxiter });
      return solution(last);
    });
  }
  const loop = eagerLoop('cg', start, step);
  try {
    for (let i = 0; i < maxiter && unfinished(loop.state.error.dataSync(), loop.state.threshold.dataSync()); i++)
      loop.advance();
    return loop.result();
  } finally {
    loop.dispose();
  }
}

/** {@link cg} outside of transforms, which stops at the tolerance on every device: the error is read asynchronously after each iteration. */
export async function cgAsync<T extends TensorTree>(
  A: (x: T) => NoInfer<T>,
  b: T,
  options: CgOptions<NoInfer<T>> = {},
): Promise<[x: T, info: CgInfo]> {
  const { start, step } = iteration('cgAsync', A, b, options);
  const { maxiter = 10 * size(b) } = options;
  const loop = eagerLoop('cgAsync', start, step);
  try {
    for (let i = 0; i < maxiter && unfinished(await loop.state.error.data(), await loop.state.threshold.data()); i++)
      loop.advance();
    return loop.result();
  } finally {
    loop.dispose();
  }
}

function unfinished(error: ArrayLike<number>, threshold: ArrayLike<number>): boolean {
  return (error[0] as number) > (threshold[0] as number);
}

/** The first state, and the one after another; one that has converged stays as it is. Both are to be traced. */
function iteration<T extends TensorTree>(
  name: string,
  A: (x: T) => T,
  b: T,
  options: CgOptions<T>,
): { start(): State<T>; step(state: State<T>): State<T> } {
  if (typeof A !== 'function') {
    throw new Error(`${name}: A must be a function; of a matrix give its product, (x) => tf.dot(matrix, x)`);
  }
  const known = ['x0', 'maxiter', 'damping', 'tol', 'atol', 'preconditioner'];
  const { x0, damping = 0, tol = 1e-5, atol = 0, preconditioner } = checkOptions(name, options, known);
  const { leaves, structure } = tensorLeaves(name, 'the tensor of b', b);
  const likeB = (what: string, tree: T): T => {
    matchingLeaves(name, what, tree, structure, leaves);
    return tree;
  };
  const apply = (x: T): T => plus(likeB('result of A', A(x)), damping, x);
  const precondition = (r: T): T =>
    preconditioner === undefined ? r : likeB('result of the preconditioner', preconditioner(r));
  const errorOf = (r: T, gamma: Tensor): Tensor => (preconditioner === undefined ? gamma : dot(r, r));
  return {
    start() {
      const x = x0 === undefined ? map(zerosLike, b) : likeB('start x0', x0);
      const residual = x0 === undefined ? b : plus(b, -1, apply(x));
      const direction = precondition(residual);
      const gamma = dot(residual, direction);
      const threshold = maximum(mul(tol ** 2, dot(b, b)), atol ** 2);
      return { x, residual, direction, gamma, error: errorOf(residual, gamma), threshold, niter: scalar(0, 'int32') };
    },
    step({ x, residual, direction, gamma, error, threshold, niter }) {
      const active = greater(error, threshold);
      const product = apply(direction);
      const alpha = whereActive(active, gamma, dot(direction, product));
      const nextResidual = plus(residual, neg(alpha), product);
      const preconditioned = precondition(nextResidual);
      const nextGamma = dot(nextResidual, preconditioned);
      return {
        x: plus(x, alpha, direction),
        residual: nextResidual,
        direction: plus(preconditioned, whereActive(active, nextGamma, gamma), direction),
        gamma: nextGamma,
        error: errorOf(nextResidual, nextGamma),
        threshold,
        niter: add(niter, cast(active, 'int32')),
      };
    },
  };
}

/** `a / b` where active, else 0, also for derivatives. */
function whereActive(active: Tensor, a: Tensor, b: Tensor): Tensor {
  return where(active, div(a, where(active, b, 1)), 0);
}

/** `x + factor y` */
function plus<T extends TensorTree>(x: T, factor: number | Tensor, y: T): T {
  return factor === 0 ? x : map((a: Tensor, b: Tensor) => add(a, mul(factor, b)), x, y);
}

function dot<T extends TensorTree>(x: T, y: T): Tensor {
  const products = flatten(map((a: Tensor, b: Tensor) => sum(mul(a, b)), x, y) as TensorTree).leaves;
  return products.reduce((total, product) => add(total, product), scalar(0) as Tensor);
}

function solution<T extends TensorTree>({ x, error, threshold, niter }: State<T>): [T, CgInfo] {
  return [x, { error, converged: lessEqual(error, threshold), niter }];
}

/** Iterations one at a time, compiled. */
function eagerLoop<T extends TensorTree>(
  name: string,
  start: () => State<T>,
  step: (state: State<T>) => State<T>,
): { readonly state: State<T>; advance(): void; result(): [x: T, info: CgInfo]; dispose(): void } {
  const compiled = jit(step, { name });
  let state = evaluate(name, start);
  return {
    get state() {
      return state;
    },
    advance() {
      const next = compiled(state);
      disposeTensors(state);
      state = next;
    },
    result: () => evaluate(name, () => solution(state)),
    dispose() {
      disposeTensors(state);
      compiled.dispose();
    },
  };
}

function disposeTensors(tree: unknown): void {
  for (const leaf of flatten<unknown>(tree).leaves) (leaf as Tensor).dispose();
}
