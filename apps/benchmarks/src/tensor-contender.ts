/** What the contenders that compute with tensors have in common. */
import type * as tf from '@tensorflow/tfjs';
import { startOf } from './checks/start.ts';
import type { Contender } from './contender.ts';
import { disposeTensors, readTensors, ready, toTensors } from './tensors.ts';
import type { Algorithm, Named, Point, Workload } from './workloads/workload.ts';

/** A state of its own, and what takes one step. */
export interface Run {
  step(batch: Named<tf.Tensor>): void;
  /** The state, which stays the run's. */
  state(): { readonly [part in keyof Point]: Named<tf.Tensor> };
  dispose(): void;
}

/** A contender on the current device, with runs that `begin` at a state. */
export function tensorContender(
  identity: Pick<Contender, 'name' | 'version'>,
  { model, algorithm }: Workload,
  begin: (start: Point, algorithm: Algorithm) => Run,
): Contender {
  const batches = model.batches.map(toTensors);
  const batchOf = (step: number): Named<tf.Tensor> => batches[step % batches.length] as Named<tf.Tensor>;
  const timed = begin(startOf(model, algorithm), algorithm);
  let done = 0;
  return {
    ...identity,
    async advance(start, settings, steps) {
      const run = begin(start, settings);
      try {
        for (let i = 0; i < steps; i++) run.step(batchOf(i));
        const { params, companions } = run.state();
        return { params: await readTensors(params), companions: await readTensors(companions) };
      } finally {
        run.dispose();
      }
    },
    async time(calls) {
      const start = performance.now();
      for (let i = 0; i < calls; i++) timed.step(batchOf(done++));
      await ready(Object.values(timed.state().companions)[0] as tf.Tensor);
      return performance.now() - start;
    },
    close() {
      timed.dispose();
      for (const batch of batches) disposeTensors(batch);
    },
  };
}
