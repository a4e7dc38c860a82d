/** The quick start: trains a Bayesian neural network on the MNIST digits and shows what it is unsure of. */
import * as tf from '@tensorflow/tfjs';
import { metrics, random, setBackend } from 'posteriors';
import { shuffledBatches } from './batches.ts';
import { type Digits, loadFashion, loadMnist, PIXELS } from './data.ts';
import { algorithms, buildModel } from './inference.ts';
import { OptionError, type Options, parseOptions, usage } from './options.ts';
import { predict, type Predictions } from './predict.ts';
import { formatReport, type Result, type Uncertainty, writeJson } from './report.ts';
import { allowsColour } from './terminal.ts';
import { drawDigits } from './terminal-digits.ts';
import { createProgress } from './terminal-progress.ts';

const NUM_DRAWS = 32;
const DOUBTFUL_SHOWN = 8;

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) console.log(usage);
  else await main(options);
} catch (error) {
  // Not thrown on: a handler that tfjs's wasm device leaves behind would print its whole source.
  console.error(error instanceof OptionError ? error.message : error);
  process.exitCode = error instanceof OptionError ? 2 : 1;
}

async function main({ algorithm, epochs, batch, backend, seed, json }: Options): Promise<void> {
  tf.env().set('PROD', true);
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

  const digits = await predict(model, draws, test);
  const clothes = await predict(model, draws, fashion);
  for (const draw of draws) tf.dispose(draw as tf.TensorContainer);

  const mean = metrics.meanPrediction(digits);
  const doubt = metrics.entropySplit(digits);
  const foreignDoubt = metrics.entropySplit(clothes);
  const result: Result = {
    testAccuracy: metrics.accuracy(mean, test.labels),
    testLogLikelihood: -metrics.negativeLogLikelihood(mean, test.labels),
    ece: metrics.expectedCalibrationError(mean, test.labels, { bins: 15 }),
    oodAuroc: metrics.auroc(foreignDoubt.epistemic, doubt.epistemic),
    stepsPerSecond: steps / seconds,
    seconds,
    seed,
    backend,
    algorithm,
  };
  console.log(`\n${mostDoubtful(test, mean.values, doubt.total)}\n`);
  console.log(formatReport(result, uncertainty('MNIST test digits', digits, doubt), uncertainty('Fashion-MNIST images', clothes, foreignDoubt)));
  if (json !== undefined) await writeJson(json, result);
}

/** Starts the device; Node has no WebGPU of its own, so there the package `webgpu` brings it. */
async function useDevice(backend: Options['backend']): Promise<void> {
  if (backend === 'webgpu' && globalThis.navigator?.gpu === undefined) {
    const { create, globals } = await import('webgpu');
    Object.assign(globalThis, globals);
    Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]) }, configurable: true });
  }
  await setBackend(backend);
}

function uncertainty(name: string, { shape }: Predictions, { aleatoric, epistemic }: metrics.EntropySplit): Uncertainty {
  const average = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
  return { name, count: shape[1], aleatoric: average(aleatoric), epistemic: average(epistemic) };
}

/** The test digits with the highest total entropy, drawn with what they are and what they are taken for. */
function mostDoubtful({ images, labels, count }: Digits, probabilities: ArrayLike<number>, entropy: ArrayLike<number>): string {
  const order = Array.from({ length: count }, (_, i) => i).sort((a, b) => (entropy[b] as number) - (entropy[a] as number));
  const shown = order.slice(0, DOUBTFUL_SHOWN);
  const classes = probabilities.length / count;
  const captions = shown.map((digit) => {
    const row = Array.from({ length: classes }, (_, k) => probabilities[digit * classes + k] as number);
    const guesses = row
      .map((probability, k) => ({ probability, k }))
      .sort((a, b) => b.probability - a.probability)
      .slice(0, 2)
      .map(({ probability, k }) => `${k} (${Math.round(100 * probability)} %)`);
    return `a ${labels[digit]}, taken for ${guesses.join(' or ')}`.slice(0, 28);
  });
  const pictures = shown.map((digit) => images.subarray(digit * PIXELS, (digit + 1) * PIXELS));
  const columns = process.stdout.columns ?? 120;
  return `The test digits it is least sure of:\n\n${drawDigits(pictures, captions, { columns, colour: allowsColour(process.stdout) })}`;
}
