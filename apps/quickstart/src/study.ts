/** One run of the quick start: data, training, predictions and what they are worth. */
import * as tf from '@tensorflow/tfjs';
import { metrics, random, setBackend } from 'posteriors';
import { shuffledBatches } from './batches.ts';
import { type Digits, loadFashion, loadMnist } from './data.ts';
import { algorithms, buildModel } from './inference.ts';
import { OptionError, type Options } from './options.ts';
import { type Predictions, predict } from './predict.ts';
import type { Result, Uncertainty } from './report.ts';
import { createProgress } from './terminal-progress.ts';

const NUM_DRAWS = 32;

/** Images with what the network thinks of them. */
export interface Judged extends Uncertainty {
  /** Epistemic and total entropy of each image, in nats. */
  readonly epistemicEach: Float64Array;
  readonly totalEach: Float64Array;
}

export interface Study {
  readonly result: Result;
  readonly test: Digits;
  /** Probabilities of the ten digits for each test digit, averaged over the draws. */
  readonly meanPrediction: metrics.Prediction;
  readonly digits: Judged;
  readonly clothes: Judged;
}

/** Trains on the MNIST digits with a progress bar, then judges test digits and pictures of clothes. */
export async function study({ algorithm, epochs, batch, backend, seed }: Options): Promise<Study> {
  await useDevice(backend);
  const { train, test } = await loadMnist();
  const fashion = await loadFashion();

  const model = buildModel(seed);
  const [dataKey, inferenceKey] = random.split(random.key(seed));
  const steps = epochs * Math.floor(train.count / batch);
  const progress = createProgress({ total: steps, label: 'Training' });
  const start = performance.now();
  let step = 0;
  const draws = await algorithms[algorithm]({
    model,
    batches: shuffledBatches(train, batch, epochs, dataKey),
    numData: train.count,
    steps,
    numDraws: NUM_DRAWS,
    key: inferenceKey,
    onStep: async (figures) => {
      step++;
      if (!progress.isDue(step)) return;
      const values: { [name: string]: number } = {};
      for (const [name, tensor] of Object.entries(figures)) values[name] = (await tensor.data())[0] as number;
      await progress.update(step, values);
    },
  }).finally(() => progress.stop());
  const seconds = (performance.now() - start) / 1000;

  const testPredictions = await predict(model, draws, test);
  const foreignPredictions = await predict(model, draws, fashion);
  for (const draw of draws) tf.dispose(draw as tf.TensorContainer);

  const meanPrediction = metrics.meanPrediction(testPredictions);
  const digits = judge('MNIST test digits', testPredictions);
  const clothes = judge('Fashion-MNIST images', foreignPredictions);
  const result: Result = {
    testAccuracy: metrics.accuracy(meanPrediction, test.labels),
    testLogLikelihood: -metrics.negativeLogLikelihood(meanPrediction, test.labels),
    ece: metrics.expectedCalibrationError(meanPrediction, test.labels, { bins: 15 }),
    oodAuroc: metrics.auroc(clothes.epistemicEach, digits.epistemicEach),
    stepsPerSecond: steps / seconds,
    seconds,
    seed,
    backend,
    algorithm,
  };
  return { result, test, meanPrediction, digits, clothes };
}

/** Starts the device; older Nodes have no WebGPU of their own, there the package `webgpu` brings it. */
async function useDevice(backend: Options['backend']): Promise<void> {
  tf.env().set('PROD', true);
  if (backend === 'webgpu' && globalThis.navigator?.gpu === undefined) {
    const { create, globals } = await import('webgpu');
    Object.assign(globalThis, globals);
    Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]) }, configurable: true });
  }
  try {
    await setBackend(backend);
  } catch (error) {
    throw new OptionError(`--backend ${backend}: ${(error as Error).message}`);
  }
}

function judge(name: string, predictions: Predictions): Judged {
  const { aleatoric, epistemic, total } = metrics.entropySplit(predictions);
  const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    name,
    count: predictions.shape[1],
    aleatoric: mean(aleatoric),
    epistemic: mean(epistemic),
    epistemicEach: epistemic,
    totalEach: total,
  };
}

/** The most doubtful test digits: their index, and their digit and the two likeliest ones in words. */
export function mostDoubtful(
  { test, meanPrediction, digits }: Study,
  count: number,
): { digit: number; caption: string }[] {
  const order = Array.from(digits.totalEach.keys()).sort(
    (a, b) => (digits.totalEach[b] ?? 0) - (digits.totalEach[a] ?? 0),
  );
  const classes = meanPrediction.values.length / test.count;
  return order.slice(0, count).map((digit) => {
    const guesses = Array.from(meanPrediction.values.subarray(digit * classes, (digit + 1) * classes))
      .map((probability, k) => ({ probability, k }))
      .sort((a, b) => b.probability - a.probability)
      .slice(0, 2)
      .map(({ probability, k }) => `${k} (${Math.round(100 * probability)} %)`);
    return { digit, caption: `is ${test.labels[digit]}: ${guesses.join(', ')}` };
  });
}
