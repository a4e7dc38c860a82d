/** `tf.grad` and its kin, and `tf.customGrad`, inside of a trace. */

import {
  type Atom,
  currentTrace,
  type KernelParameters,
  literalOf,
  record,
  type Trace,
  type TraceHooks,
} from '@posteriors/backend';
import { ones, type Tensor } from '@tensorflow/tfjs-core';
import { requireReal } from './arguments.ts';
import { ownValues, recordCall } from './call.ts';
import { pullBack } from './differentiate.ts';
import { zerosLike } from './shapes.ts';

export const hooks: TraceHooks = {
  // `f` runs in the open trace, so that tensors which it hands out by closure stay valid.
  gradients(f, xs, dy) {
    const trace = currentTrace() as Trace;
    // As in tfjs, a tensor that stands twice in `xs` has its whole gradient twice.
    const distinct = [...new Set(xs)];
    requireReal('tf.grad', 'the argument', xs, String);
    return withValues(trace, distinct, () => {
      const start = trace.equations.length;
      const value = f();
      requireReal('tf.grad', 'the result', [value], () => '');
      const cotangents = pullBack(trace, start, distinct, [value], [dy ?? ones(value.shape)]);
      return { value, grads: xs.map((x) => cotangents[distinct.indexOf(x)] ?? zerosLike(x)) };
    });
  },

  customGradient({ forwardFunc, backwardsFunc, inputs }: KernelParameters): Tensor {
    const args = Object.values(inputs);
    requireReal('tf.customGrad', 'the argument', args, String);
    let saved: Tensor[] = [];
    const result = forwardFunc(null, (tensors) => {
      saved = tensors;
    });
    requireReal('tf.customGrad', 'the result', [result], () => '');
    const values = ownValues(args, [result]);
    const backward = ([dy]: readonly Tensor[]): Tensor[] => {
      const cotangents = backwardsFunc(dy as Tensor, saved);
      return args.map((_, i) => (cotangents[i] as () => Tensor)());
    };
    return recordCall('customGrad', 'reverse', args, values, [], backward)[0] as Tensor;
  },
};

/** Runs `run` while those of `xs` that are literals stand for values, so that equations on them can be followed. */
function withValues<T>(trace: Trace, xs: readonly Tensor[], run: () => T): T {
  const literals = xs.filter((x) => literalOf(x) !== undefined) as unknown as (Tensor & { atom: Atom })[];
  const restored = literals.map((x) => {
    const { atom } = x;
    x.atom = trace.atom(record('Identity', [x]));
    return () => {
      x.atom = atom;
    };
  });
  try {
    return run();
  } finally {
    for (const restore of restored) restore();
  }
}
