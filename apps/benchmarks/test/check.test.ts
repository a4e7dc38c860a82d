import { random } from 'posteriors';
import { expect, test } from 'vitest';
import { checkContender } from '../src/check.ts';
import type { Contender } from '../src/contender.ts';
import { sghmcPath } from '../src/reference.ts';
import { load } from '../src/workloads/w1.ts';
import { mapNamed, type PosteriorWorkload, type Sghmc } from '../src/workloads/workload.ts';

const workload = (await load()) as PosteriorWorkload;
const algorithm = workload.algorithm as Sghmc;

/** SGHMC in float64 as it should be, but for factors of its learning rate and of its noise. */
function chain({ rate = 1, noise = 1 }): Contender {
  let key = random.key(0);
  const learningRate = rate * algorithm.learningRate;
  return {
    name: 'a chain',
    version: '1.0',
    async advance(start, settings, steps) {
      const { temperature } = settings as Sghmc;
      const sd = noise * Math.sqrt(2 * algorithm.alpha * temperature * learningRate);
      let point = start;
      for (let step = 0; step < steps; step++) {
        const { params, companions } = sghmcPath(point, workload.model, { ...algorithm, learningRate }, 1);
        const [next, draw] = random.split(key);
        key = next as Uint32Array;
        const normals = random.normal(draw as Uint32Array, [2]);
        const values = normals.dataSync();
        normals.dispose();
        point = {
          params,
          companions: mapNamed(companions, (m) => m.map((each, i) => each + sd * (values[i] as number))),
        };
      }
      return point;
    },
    time: async () => 1,
    close() {},
  };
}

test('accepts the step of the workload', async () => {
  await expect(checkContender(chain({}), workload)).resolves.toBeUndefined();
});

test('refuses another step, without noise or of other noise', async () => {
  await expect(checkContender(chain({ rate: 1.01 }), workload)).rejects.toThrow(
    /^W1, a chain 1\.0: its params after 3 steps without noise are off by/,
  );
  await expect(checkContender(chain({ noise: 0 }), workload)).rejects.toThrow('the mean square of its noise is 0');
  await expect(checkContender(chain({ noise: 1.3 }), workload)).rejects.toThrow('the mean square of its noise');
});
