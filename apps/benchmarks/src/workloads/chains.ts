import { mapNamed, type Named, type Posterior } from './workload.ts';

/** The posterior for `chains` chains side by side, which start a little apart; `eager` is the sum of their log posteriors, by tfjs alone. */
export function withChains(model: Posterior, chains: number, eager?: Posterior['eagerLogPosterior']): Posterior {
  const ofChain = (params: Named<Float64Array>, chain: number): Named<Float64Array> =>
    mapNamed(params, (leaf) => leaf.subarray((chain * leaf.length) / chains, ((chain + 1) * leaf.length) / chains));
  const { eagerLogPosterior: _, ...alone } = model;
  return {
    ...alone,
    ...(eager === undefined ? {} : { eagerLogPosterior: eager }),
    chains,
    single: model,
    params: mapNamed(model.params, ({ shape, values }) => {
      const stacked = new Float32Array(chains * values.length);
      for (let i = 0; i < stacked.length; i++) stacked[i] = (values[i % values.length] as number) + 0.01 * Math.sin(i);
      return { shape: [chains, ...shape], values: stacked };
    }),

    gradient: (params) => {
      const gradients = Array.from({ length: chains }, (_, chain) => model.gradient(ofChain(params, chain)));
      return mapNamed(params, (leaf, name) => {
        const all = new Float64Array(leaf.length);
        for (const [chain, gradient] of gradients.entries()) {
          all.set(gradient[name] as Float64Array, (chain * leaf.length) / chains);
        }
        return all;
      });
    },
  };
}
