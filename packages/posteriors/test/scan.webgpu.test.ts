// Loops of updates on webgpu, for one chain and for many. Skipped where there is no adapter.
import { provideWebGPU } from '@posteriors/testing';
import { describe, expect, test } from 'vitest';
import { chains, check, scan, setBackend, tree } from '../src/index.ts';
import { differenceOf, families, makeBatches, makeParams, type State, type Values, valuesOf } from './families.ts';

const available = await provideWebGPU();
const collect = ({ params }: State): State['params'] => params;

/** Five updates in one call, of which every second is collected, for one chain or two. */
async function looped(device: 'cpu' | 'webgpu', name: string, count: number): Promise<[state: Values, draws: Values]> {
  await setBackend(device);
  const single = families[name]!;
  const transform = count === 1 ? single : chains(single);
  const params = count === 1 ? makeParams(1) : tree.stack([1, 2].map(makeParams));
  const [state, draws] = scan(transform, transform.init(params, { seed: 3 }), makeBatches(5), { collect, thin: 2 });
  await check(state);
  return [await valuesOf(state), await valuesOf(draws)];
}

describe.skipIf(!available)('webgpu', () => {
  test.each([
    ['sgmcmc.baoa', 1],
    ['vi.diag', 2],
  ] as const)('%s with %i chains gives the numbers of cpu', async (name, count) => {
    const [wanted, given] = [await looped('cpu', name, count), await looped('webgpu', name, count)];
    expect(differenceOf(given[0], wanted[0])).toBeLessThan(1e-4);
    expect(differenceOf(given[1], wanted[1])).toBeLessThan(1e-4);
  });
});
