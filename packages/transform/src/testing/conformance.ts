import { type DeviceName, setBackend } from '@posteriors/backend';
import { leaves } from '@posteriors/tree';
import type { Tensor } from '@tensorflow/tfjs-core';
import { disposeTensors } from '../state.ts';
import { memory, require, requireMemory } from './expect.ts';
import { ofAllParameters, ofDevices, ofSettings } from './numbers.ts';
import { ofOwnership } from './ownership.ts';
import { frozen, makeBatch, nested, one, type Problem, vector } from './problem.ts';
import type { ConformanceOptions, Property, State } from './property.ts';

/** One property of an algorithm. `run` throws unless it holds. */
export interface Check {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/**
 * Checks of an algorithm: on each device, with parameters that are nested, a vector, a single number, and partly frozen.
 *
 * They run one at a time, change the current device, and count tensors: nothing else may make any meanwhile.
 */
export function conformance<S extends State>(given: ConformanceOptions<S>): Check[] {
  const options = { hyper: {}, draws: 'always', devices: ['cpu'], tolerance: 1e-5, ...given } as const;
  const on = (device: DeviceName, problem: Problem, [property, holds]: Property<S>): Check => ({
    name: `${given.name} on ${device}, ${problem.name}: ${property}`,
    run: async () => {
      await setBackend(device);
      const before = memory();
      const [params, batch] = [problem.makeParams(), makeBatch(4)];
      const transform = options.build(problem.logPosterior, {});
      await holds({ transform, problem, params, batch, options });
      for (const leaf of leaves<Tensor>([params, batch] as never))
        require('what the caller made is disposed; only its owner may', !leaf.isDisposed);
      disposeTensors([params, batch]);
      requireMemory('after all states were disposed', memory(), before);
    },
  });
  return options.devices.flatMap((device) => [
    ...[nested, vector, one, frozen].flatMap((problem) =>
      ofAllParameters<S>().map((property) => on(device, problem, property)),
    ),
    ...[...ofSettings<S>(), ...ofOwnership<S>(), ...(device === 'cpu' ? [] : ofDevices<S>())].map((property) =>
      on(device, nested, property),
    ),
  ]);
}
