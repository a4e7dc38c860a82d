/** TensorFlow.js as one writes it without a library, on the same device. */
import * as tf from '@tensorflow/tfjs';
import { tensorContender } from '../tensor-contender.ts';
import type { Algorithm, CurvatureWorkload, PosteriorWorkload, Workload } from '../workloads/workload.ts';
import type { Peer } from './peer.ts';
import { beginFisher } from './tfjs-fisher.ts';
import { beginSampler } from './tfjs-samplers.ts';

const identity = { name: 'tfjs eager', version: tf.version.tfjs };

/** More gradients in a step than this are not worth waiting for. */
const MOST_EXAMPLES = 128;

/** Measured for the LSTM: 137 s on cpu. wasm has no such kernel. */
const TOO_SLOW =
  'a step would take minutes: the gradient of tf.gather goes through all words for each of the vocabulary';

export const tfjsEager: Peer = {
  async contenders(workload) {
    const reason = whyNot(workload);
    if (reason !== undefined) return [{ name: identity.name, missing: reason }];
    if (workload.kind === 'posterior') {
      const { model } = workload;
      const begin = (start: Parameters<typeof beginSampler>[2], algorithm: Algorithm) =>
        beginSampler(model, algorithm as PosteriorWorkload['algorithm'], start);
      return [tensorContender(identity, workload, begin)];
    }
    const { model } = workload;
    return [
      tensorContender(identity, workload, (start, algorithm) =>
        beginFisher(model, algorithm as CurvatureWorkload['algorithm'], start),
      ),
    ];
  },
  stop() {},
};

function whyNot({ kind, model, algorithm }: Workload): string | undefined {
  if (kind === 'posterior') return model.eagerLogPosterior === undefined ? TOO_SLOW : undefined;
  if (algorithm.name === 'ekf.denseFisher') return 'tfjs has no Cholesky factorisation';
  if (algorithm.name === 'laplace.denseHessian' || algorithm.name === 'laplace.denseGgn') {
    return 'tfjs has neither Hessians nor Jacobians';
  }
  const examples = Object.values(model.batches[0] ?? {})[0]?.shape[0] ?? 0;
  if (examples > MOST_EXAMPLES)
    return 'a gradient for each example: its time grows with the batch, see the smaller one';
  return;
}
