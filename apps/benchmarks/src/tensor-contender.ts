/** What the contenders that compute with tensors have in common. */
import type * as tf from '@tensorflow/tfjs';
import { startOf } from './checks/start.ts';
import type { Contender } from './contender.ts';
import { timeCalls } from './many-steps.ts';
import { disposeTensors, readTensors, ready, toTensors } from './tensors.ts';
import type { Algorithm, Named, Point, Workload } from './workloads/workload.ts';

/** A state of its own, and what takes its steps. */
export interface Run {
  /** Takes one step or, if it loops by itself, `count`. */
  step(batch: Named<tf.Tensor>, count: number): void;
  /** The state, which stays the run's. */
  state(): { readonly [part in keyof Point]: Named<tf.Tensor> };
  dispose(): void;
}

/** A contender on the current device, with runs that `begin` at a state. */
export function tensorContender(
  identity: Pick<Contender, 'name' | 'version' | 'stepsPerCall'>,
  { model, algorithm }: Workload,
  begin: (start: Point, algorithm: Algorithm) => Run,
): Contender {
  const batches = model.batches.map(toTensors);
  const batchOf = (step: number): Named<tf.Tensor> => batches[step % batches.length] as Named<tf.Tensor>;
  const timed = begin(startOf(model, algorithm), algorithm);
  const { stepsPerCall = 1 } = identity;
  let done = 0;
  return {
    ...identity,
    async advance(start, settings, steps) {
      const run = begin(start, settings);
      try {
        for (let i = 0; i < steps; i += stepsPerCall) run.step(batchOf(i), Math.min(stepsPerCall, steps - i));
        const { params, companions } = run.state();
        return { params: await readTensors(params), companions: await readTensors(companions) };
      } finally {
        run.dispose();
      }
    },
    time: (steps) =>
      timeCalls(
        steps,
        stepsPerCall,
        () => timed.step(batchOf(done++), stepsPerCall),
        () => ready(Object.values(timed.state().companions)[0] as tf.Tensor),
      ),
    close() {
      timed.dispose();
      for (const batch of batches) disposeTensors(batch);
    },
  };
}
