/** The LSTM by plain float64 loops over one example after the other, forward in time and back. */
import { mapNamed, type Named } from './workload.ts';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** What a step in time needs to go back. */
interface Moment {
  readonly word: number;
  /** Before the step. */
  readonly hidden: Float64Array;
  readonly memory: Float64Array;
  /** Entering, forgetting, candidate and leaving, one after the other. */
  readonly gates: Float64Array;
  /** After it, through tanh. */
  readonly squashed: Float64Array;
}

/** The gradient of the mean log likelihood and of the log prior over `count`. */
export function lstmGradient(
  params: Named<Float64Array>,
  words: Int32Array,
  labels: Int32Array,
  count: number,
): Named<Float64Array> {
  const gradient = mapNamed(params, (leaf) => leaf.map((value) => -value / count));
  const { outputs, outputsBias } = params;
  const classes = outputsBias!.length;
  const length = words.length / labels.length;
  labels.forEach((label, row) => {
    const moments: Moment[] = [];
    const units = params.bias!.length / 4;
    let [hidden, memory] = [new Float64Array(units), new Float64Array(units)];
    for (const word of words.subarray(row * length, (row + 1) * length)) {
      const moment = forward(params, word, hidden, memory);
      moments.push(moment);
      memory = memory.map(
        (value, u) => moment.gates[units + u]! * value + moment.gates[u]! * moment.gates[2 * units + u]!,
      );
      hidden = moment.squashed.map((value, u) => moment.gates[3 * units + u]! * value);
    }
    const exps = outputsBias!.map((bias, k) =>
      Math.exp(hidden.reduce((sum, h, u) => sum + h * outputs![u * classes + k]!, bias)),
    );
    const total = exps.reduce((sum, value) => sum + value, 0);
    const residual = exps.map((value, k) => ((k === label ? 1 : 0) - value / total) / labels.length);
    const toHidden = new Float64Array(units);
    for (let k = 0; k < classes; k++) {
      gradient.outputsBias![k]! += residual[k]!;
      for (let u = 0; u < units; u++) {
        gradient.outputs![u * classes + k]! += hidden[u]! * residual[k]!;
        toHidden[u]! += residual[k]! * outputs![u * classes + k]!;
      }
    }
    let back: Residuals = { hidden: toHidden, memory: new Float64Array(units) };
    for (const moment of moments.toReversed()) back = backward(params, gradient, moment, back);
  });
  return gradient;
}

function forward(
  { embedding, inputs, recurrent, bias }: Named<Float64Array>,
  word: number,
  hidden: Float64Array,
  memory: Float64Array,
): Moment {
  const units = hidden.length;
  const width = 4 * units;
  const sums = bias!.slice();
  for (let i = 0; i < units; i++) {
    const x = embedding![word * units + i]!;
    for (let g = 0; g < width; g++) sums[g]! += x * inputs![i * width + g]! + hidden[i]! * recurrent![i * width + g]!;
  }
  const gates = sums.map((value, g) => (Math.floor(g / units) === 2 ? Math.tanh(value) : sigmoid(value)));
  const squashed = memory.map((value, u) => Math.tanh(gates[units + u]! * value + gates[u]! * gates[2 * units + u]!));
  return { word, hidden, memory, gates, squashed };
}

/** The derivatives by output and memory. */
interface Residuals {
  readonly hidden: Float64Array;
  readonly memory: Float64Array;
}

/** Adds to the gradient what a step in time contributes. Answers the derivatives before it. */
function backward(
  { embedding, inputs, recurrent }: Named<Float64Array>,
  gradient: Named<Float64Array>,
  { word, hidden, memory, gates, squashed }: Moment,
  after: Residuals,
): Residuals {
  const units = hidden.length;
  const width = 4 * units;
  const toSums = new Float64Array(width);
  const toMemory = new Float64Array(units);
  for (let u = 0; u < units; u++) {
    const [enter, forget, candidate, leave] = [0, 1, 2, 3].map((g) => gates[g * units + u]!) as [
      number,
      number,
      number,
      number,
    ];
    const through = after.memory[u]! + after.hidden[u]! * leave * (1 - squashed[u]! ** 2);
    toMemory[u] = through * forget;
    toSums[u] = through * candidate * enter * (1 - enter);
    toSums[units + u] = through * memory[u]! * forget * (1 - forget);
    toSums[2 * units + u] = through * enter * (1 - candidate ** 2);
    toSums[3 * units + u] = after.hidden[u]! * squashed[u]! * leave * (1 - leave);
  }
  const toHidden = new Float64Array(units);
  for (let g = 0; g < width; g++) gradient.bias![g]! += toSums[g]!;
  for (let i = 0; i < units; i++) {
    let toInput = 0;
    const x = embedding![word * units + i]!;
    for (let g = 0; g < width; g++) {
      gradient.inputs![i * width + g]! += x * toSums[g]!;
      gradient.recurrent![i * width + g]! += hidden[i]! * toSums[g]!;
      toInput += toSums[g]! * inputs![i * width + g]!;
      toHidden[i]! += toSums[g]! * recurrent![i * width + g]!;
    }
    gradient.embedding![word * units + i]! += toInput;
  }
  return { hidden: toHidden, memory: toMemory };
}
