/** A network with one hidden layer, by plain float64 loops over one example after the other. */
import type { Named, Weighted } from './workload.ts';

export interface Sizes {
  readonly inputs: number;
  readonly hidden: number;
  readonly classes: number;
}

/** A function of the hidden units, and its derivative as a function of its value. */
export interface Activation {
  readonly value: (x: number) => number;
  readonly slope: (value: number) => number;
}

export const relu: Activation = { value: (x) => Math.max(x, 0), slope: (value) => (value > 0 ? 1 : 0) };
export const tanh: Activation = { value: Math.tanh, slope: (value) => 1 - value * value };

type Weights = Named<Float64Array>;

/** An example on its way through the network. */
interface Pass {
  readonly input: ArrayLike<number>;
  readonly hidden: Float64Array;
  readonly probabilities: Float64Array;
}

export interface Loops {
  /** The gradient of the log likelihood of each example. Its parts are bias1, bias2, weights1, weights2. */
  gradients(weights: Weights, images: Float32Array, labels: Int32Array): Iterable<Float64Array>;
  /** Of the softmax: diag(p) - p pᵀ is the sum over classes k of p_k (e_k - p) (e_k - p)ᵀ, which the Jacobian takes to the parameters. */
  ggnTerms(weights: Weights, images: Float32Array): Iterable<Weighted>;
}

export function networkLoops(sizes: Sizes, activation: Activation): Loops {
  const { inputs, hidden, classes } = sizes;
  const length = hidden + classes + inputs * hidden + hidden * classes;

  const forward = (weights: Weights, input: ArrayLike<number>): Pass => {
    const units = dense(input, weights.weights1!, weights.bias1!).map(activation.value);
    const exps = dense(units, weights.weights2!, weights.bias2!).map(Math.exp);
    const total = exps.reduce((sum, value) => sum + value, 0);
    return { input, hidden: units, probabilities: exps.map((value) => value / total) };
  };

  /** What the transposed Jacobian makes of a vector of outputs. */
  const backward = (weights: Weights, { input, hidden: units }: Pass, outputs: Float64Array): Float64Array => {
    const result = new Float64Array(length);
    const back = result.subarray(0, hidden);
    for (let unit = 0; unit < hidden; unit++) {
      let sum = 0;
      for (let k = 0; k < classes; k++) sum += outputs[k]! * weights.weights2![unit * classes + k]!;
      back[unit] = sum * activation.slope(units[unit]!);
    }
    result.set(outputs, hidden);
    outer(result, hidden + classes, input, back);
    outer(result, hidden + classes + inputs * hidden, units, outputs);
    return result;
  };

  const rows = function* (images: Float32Array): Generator<Float32Array> {
    for (let start = 0; start < images.length; start += inputs) yield images.subarray(start, start + inputs);
  };
  const residual = (probabilities: Float64Array, label: number): Float64Array =>
    probabilities.map((p, k) => (k === label ? 1 - p : -p));

  return {
    *gradients(weights, images, labels) {
      let row = 0;
      for (const input of rows(images)) {
        const pass = forward(weights, input);
        yield backward(weights, pass, residual(pass.probabilities, labels[row++]!));
      }
    },
    *ggnTerms(weights, images) {
      for (const input of rows(images)) {
        const pass = forward(weights, input);
        for (let k = 0; k < classes; k++) {
          yield [pass.probabilities[k]!, backward(weights, pass, residual(pass.probabilities, k))];
        }
      }
    },
  };
}

/** input [n] weights [n, m] + bias [m] */
function dense(input: ArrayLike<number>, weights: Float64Array, bias: Float64Array): Float64Array {
  const m = bias.length;
  const outputs = bias.slice();
  for (let i = 0; i < input.length; i++) {
    const value = input[i]!;
    if (value === 0) continue;
    for (let j = 0; j < m; j++) outputs[j]! += value * weights[i * m + j]!;
  }
  return outputs;
}

/** Writes column rowᵀ, [n] [m], into `target` from `offset` on. */
function outer(target: Float64Array, offset: number, column: ArrayLike<number>, row: ArrayLike<number>): void {
  for (let i = 0; i < column.length; i++) {
    if (column[i] === 0) continue;
    for (let j = 0; j < row.length; j++) target[offset + i * row.length + j] = column[i]! * row[j]!;
  }
}
