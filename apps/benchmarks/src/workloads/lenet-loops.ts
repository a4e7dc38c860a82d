/** LeNet-5 by plain float64 loops: layers that go forward and back over one example after the other. */
import { mapNamed, type Named } from './workload.ts';

/** Numbers `[side, side, channels]`. */
interface Grid {
  readonly side: number;
  readonly channels: number;
  readonly values: Float64Array;
}

/** What a layer makes of its input, and its derivative: what comes back goes on to the input, and adds to the gradient of its weights. */
interface Step {
  readonly output: Grid;
  back(output: Float64Array): Float64Array;
}

type Layer = (input: Grid) => Step;

/** The gradient of the mean log likelihood and of the log prior over `count`. */
export function lenetGradient(
  params: Named<Float64Array>,
  images: readonly ArrayLike<number>[],
  labels: Int32Array,
  count: number,
): Named<Float64Array> {
  const gradient = mapNamed(params, (leaf) => new Float64Array(leaf.length));
  const weights = (kind: string, layer: number) => ({
    matrix: params[`${kind}${layer}`]!,
    bias: params[`bias${layer}`]!,
    toMatrix: gradient[`${kind}${layer}`]!,
    toBias: gradient[`bias${layer}`]!,
  });
  const layers = [
    ...[convolution(weights('filters', 1), 5, 2), tanh, pooling],
    ...[convolution(weights('filters', 2), 5, 0), tanh, pooling],
    // A dense layer is a convolution by filters as large as its input.
    ...[convolution(weights('weights', 3), 5, 0), tanh],
    ...[convolution(weights('weights', 4), 1, 0), tanh],
    convolution(weights('weights', 5), 1, 0),
  ];
  images.forEach((image, row) => {
    let at: Grid = { side: 28, channels: 1, values: Float64Array.from(image) };
    const steps = layers.map((layer) => {
      const step = layer(at);
      at = step.output;
      return step;
    });
    const exps = at.values.map(Math.exp);
    const total = exps.reduce((sum, value) => sum + value, 0);
    let residual: Float64Array = exps.map((value, k) => ((k === labels[row] ? 1 : 0) - value / total) / images.length);
    for (const step of steps.toReversed()) residual = step.back(residual);
  });
  return mapNamed(gradient, (leaf, name) => leaf.map((value, i) => value - params[name]![i]! / count));
}

interface Weights {
  /** `[size, size, channels, outputs]` */
  readonly matrix: Float64Array;
  readonly bias: Float64Array;
  readonly toMatrix: Float64Array;
  readonly toBias: Float64Array;
}

function convolution({ matrix, bias, toMatrix, toBias }: Weights, size: number, padding: number): Layer {
  const outputs = bias.length;
  return ({ side, channels, values }) => {
    const end = side + 2 * padding - size + 1;
    const output = new Float64Array(end * end * outputs);
    /** Each product in the convolution: the places of an input, of the weights for it, and of the outputs that it goes to. */
    const products = (each: (input: number, weight: number, output: number) => void): void => {
      for (let y = 0; y < end; y++) {
        for (let x = 0; x < end; x++) {
          for (let dy = 0; dy < size; dy++) {
            for (let dx = 0; dx < size; dx++) {
              const [row, column] = [y + dy - padding, x + dx - padding];
              if (row < 0 || column < 0 || row >= side || column >= side) continue;
              for (let c = 0; c < channels; c++) {
                const weight = ((dy * size + dx) * channels + c) * outputs;
                each((row * side + column) * channels + c, weight, (y * end + x) * outputs);
              }
            }
          }
        }
      }
    };
    for (let place = 0; place < output.length; place++) output[place] = bias[place % outputs]!;
    products((input, weight, place) => {
      const value = values[input]!;
      for (let k = 0; k < outputs; k++) output[place + k]! += value * matrix[weight + k]!;
    });
    return {
      output: { side: end, channels: outputs, values: output },
      back: (residual) => {
        const back = new Float64Array(values.length);
        residual.forEach((value, place) => {
          toBias[place % outputs]! += value;
        });
        products((input, weight, place) => {
          const value = values[input]!;
          let sum = 0;
          for (let k = 0; k < outputs; k++) {
            const coming = residual[place + k]!;
            toMatrix[weight + k]! += value * coming;
            sum += coming * matrix[weight + k]!;
          }
          back[input]! += sum;
        });
        return back;
      },
    };
  };
}

const tanh: Layer = (input) => {
  const values = input.values.map(Math.tanh);
  return {
    output: { ...input, values },
    back: (residual) => residual.map((value, i) => value * (1 - values[i]! ** 2)),
  };
};

/** Means over squares of 2 x 2. */
const pooling: Layer = ({ side, channels, values }) => {
  const end = side / 2;
  const placeOf = (input: number): number => {
    const [row, column] = [Math.floor(input / channels / side), Math.floor(input / channels) % side];
    return ((row >> 1) * end + (column >> 1)) * channels + (input % channels);
  };
  const output = new Float64Array(end * end * channels);
  values.forEach((value, input) => {
    output[placeOf(input)]! += value / 4;
  });
  return {
    output: { side: end, channels, values: output },
    back: (residual) => values.map((_, input) => residual[placeOf(input)]! / 4),
  };
};
