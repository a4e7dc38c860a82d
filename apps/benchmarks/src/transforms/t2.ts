import * as tf from '@tensorflow/tfjs';
import { makeProgram } from 'posteriors';
import { timeInTurn } from '../timing.ts';
import { version } from '../version.ts';
import type { Measure } from './measure.ts';

const LAYERS = 100;

/** A deep network: three kernels a layer. */
function network(x: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  let y = x;
  for (let layer = 0; layer < LAYERS; layer++) y = tf.tanh(tf.add(tf.matMul(y, weights), bias));
  return y;
}

/** How long it takes to trace a program, over the number of kernels in it: the host's work, which no device does. */
export const measure: Measure = {
  title: `tracing a network of ${LAYERS} layers, for each kernel`,
  async run(timing) {
    const inputs = [tf.zeros([2, 8]), tf.zeros([8, 8]), tf.zeros([8])] as const;
    const trace = makeProgram(network);
    const kernels = trace(...inputs).equations.length;
    const contender = {
      async time(count: number): Promise<number> {
        const start = performance.now();
        for (let i = 0; i < count; i++) trace(...inputs);
        return performance.now() - start;
      },
    };
    const [{ medianMs, spread }] = (await timeInTurn([contender], timing)) as [{ medianMs: number; spread: number }];
    tf.dispose([...inputs]);
    return [{ timed: [{ name: `tracing, one of ${kernels} kernels`, version, medianMs: medianMs / kernels, spread }] }];
  },
};
