/** The inference of the quick start: from a tf.layers model to draws of its parameters. */
import * as tf from '@tensorflow/tfjs';
import {
  categoricalLogProb,
  diagNormalLogProb,
  type LogProbFn,
  type ModelParameters,
  modelParameters,
  modelToFunction,
  optim,
  random,
  run,
  sampleChain,
  sgmcmc,
  tree,
  vi,
  withAux,
} from 'posteriors';

export type Batch = readonly [images: tf.Tensor, labels: tf.Tensor];

export interface Training {
  readonly model: tf.LayersModel;
  readonly batches: Iterable<Batch>;
  readonly numData: number;
  readonly steps: number;
  readonly numDraws: number;
  readonly key: Uint32Array;
  readonly onStep: (figures: { readonly [name: string]: tf.Tensor }) => Promise<void>;
}

/** The network: logits of the ten digits. The seed makes its initial weights. */
export function buildModel(seed: number): tf.LayersModel {
  const kernelInitializer = tf.initializers.glorotUniform({ seed: seed + 1 });
  return tf.sequential({
    layers: [
      tf.layers.dense({ inputShape: [784], units: 64, activation: 'relu', kernelInitializer }),
      tf.layers.dense({ units: 10, kernelInitializer }),
    ],
  });
}

/** Per digit: the mean log likelihood of a batch, and the log density of a standard normal prior over the number of digits. */
function logPosteriorOf(model: tf.LayersModel, numData: number): LogProbFn<ModelParameters, Batch, []> {
  const network = modelToFunction(model);
  return (params, [images, labels]) => {
    const logLikelihood = tf.mean(categoricalLogProb(network(params, images), labels));
    return withAux(tf.add(logLikelihood, tf.div(diagNormalLogProb(params), numData)), []);
  };
}

/** Variational inference; the draws are from the normal distribution that it fits. */
async function variational({
  model,
  batches,
  numData,
  steps,
  numDraws,
  key,
  onStep,
}: Training): Promise<ModelParameters[]> {
  const logPosterior = logPosteriorOf(model, numData);
  const [initKey, drawKey] = random.split(key);
  const optimizer = optim.adam({ learningRate: optim.cosineDecaySchedule(5e-3, steps) });
  const transform = vi.diag.build(logPosterior, optimizer, { temperature: 1 / numData, initLogSds: -3 });
  const state = transform.init(modelParameters(model), { key: initKey });
  await run(transform, state, batches, { onStep: ({ nelbo }) => onStep({ nelbo }) });
  const draws = tf.tidy(() => tree.unstack(vi.diag.sample(state, { sampleShape: [numDraws], key: drawKey })));
  state.dispose();
  return draws;
}

/** Stochastic gradient Hamiltonian Monte Carlo; the draws are the last 30 % of the chain, thinned. */
async function hamiltonian({
  model,
  batches,
  numData,
  steps,
  numDraws,
  key,
  onStep,
}: Training): Promise<ModelParameters[]> {
  const logPosterior = logPosteriorOf(model, numData);
  const transform = sgmcmc.sghmc.build(logPosterior, { learningRate: 0.3, alpha: 1, temperature: 1 / numData });
  const state = transform.init(modelParameters(model), { key });
  const thin = Math.max(1, Math.floor((0.3 * steps) / numDraws));
  const burnIn = Math.max(0, steps - thin * numDraws);
  const draws = await sampleChain(transform, state, batches, {
    burnIn,
    thin,
    onStep: ({ logPosterior: value }) => onStep({ logPosterior: value }),
  });
  state.dispose();
  return draws;
}

/** The algorithms by name. Each resolves to draws from the posterior, which the caller owns. */
export const algorithms: { readonly [name in 'vi' | 'sghmc']: (training: Training) => Promise<ModelParameters[]> } = {
  vi: variational,
  sghmc: hamiltonian,
};
