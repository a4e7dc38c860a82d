/** `tf.grad` and its kin, and `tf.customGrad`, inside of a trace. */
import { ones, type Tensor } from '@tensorflow/tfjs-core';
import { currentTrace, type KernelParameters, type Trace, type TraceHooks } from '@posteriors/backend';
import { recordCall } from './call.ts';
import { pullBack } from './differentiate.ts';
import { zerosLike } from './shapes.ts';

export const hooks: TraceHooks = {
  // `f` runs in the open trace, so that tensors which it hands out by closure stay valid.
  gradients(f, xs, dy) {
    const trace = currentTrace() as Trace;
    const start = trace.equations.length;
    const value = f();
    const cotangents = pullBack(trace, start, xs, [value], [dy ?? ones(value.shape)]);
    return { value, grads: cotangents.map((cotangent, i) => cotangent ?? zerosLike(xs[i] as Tensor)) };
  },

  customGradient({ forwardFunc, backwardsFunc, inputs }: KernelParameters): Tensor {
    const args = Object.values(inputs);
    let saved: Tensor[] = [];
    const value = forwardFunc(null, (tensors) => {
      saved = tensors;
    });
    const backward = ([dy]: readonly Tensor[]): Tensor[] => {
      const cotangents = backwardsFunc(dy as Tensor, saved);
      return args.map((_, i) => (cotangents[i] as () => Tensor)());
    };
    return recordCall('customGrad', 'reverse', args, [value], backward)[0] as Tensor;
  },
};
