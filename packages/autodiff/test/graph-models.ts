// Converted models made in memory: a graph of nodes as a converter writes it, and the weights of its constants.
import { type GraphModel, loadGraphModelSync } from '@tensorflow/tfjs-converter';
import type { io } from '@tensorflow/tfjs-core';
import { sizeOf, uniforms } from './float64.ts';

type Attribute = { readonly [kind: string]: unknown };

interface GraphDefNode {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: { [name: string]: Attribute };
}

interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
  readonly values: readonly number[];
}

const types = { float32: 'DT_FLOAT', int32: 'DT_INT32', string: 'DT_STRING', bool: 'DT_BOOL' } as const;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Attributes as the file has them. */
export const type = (dtype: keyof typeof types): Attribute => ({ type: types[dtype] });
export const flag = (b: boolean): Attribute => ({ b });
const int = (i: number): Attribute => ({ i: `${i}` });
export const float = (f: number): Attribute => ({ f });
const text = (s: string): Attribute => ({ s: base64(s) });
const ints = (...values: number[]): Attribute => ({ list: { i: values.map(String) } });
const texts = (...values: string[]): Attribute => ({ list: { s: values.map(base64) } });

/** A graph to which nodes are added; each method returns the name of the node. */
export class GraphBuilder {
  readonly #nodes: GraphDefNode[] = [];
  readonly #weights: Weight[] = [];
  readonly #uniform = uniforms(11);

  node(op: string, name: string, inputs: readonly string[], attr: { [name: string]: Attribute } = {}): string {
    this.#nodes.push({ name, op, input: inputs, attr: { ...attr } });
    return name;
  }

  placeholder(name: string, shape: readonly number[], dtype: keyof typeof types = 'float32'): string {
    const dim = shape.map((size) => ({ size: `${size}` }));
    return this.node('Placeholder', name, [], { dtype: type(dtype), shape: { shape: { dim } } });
  }

  constant(name: string, values: readonly number[], shape: readonly number[], dtype: Weight['dtype']): string {
    this.#weights.push({ name, shape, dtype, values });
    return this.node('Const', name, [], { dtype: type(dtype) });
  }

  /** An int32 constant: a scalar, or a vector. */
  integers(name: string, values: number | readonly number[]): string {
    return this.constant(name, [values].flat(), typeof values === 'number' ? [] : [values.length], 'int32');
  }

  /** A float32 constant of numbers between -1 and 1, or above `least`. */
  weight(name: string, shape: readonly number[], least = -1): string {
    const values = Array.from({ length: sizeOf(shape) }, () => least + 2 * this.#uniform());
    return this.constant(name, values, shape, 'float32');
  }

  /** The model. Without `outputs`, what no other node takes is one. */
  build(signature?: io.ModelArtifacts['signature'], structuredOutputKeys?: string[]): GraphModel<io.IOHandlerSync> {
    const bytes = this.#weights.map(({ dtype, values }) =>
      Buffer.from((dtype === 'float32' ? Float32Array : Int32Array).from(values).buffer),
    );
    const all = Buffer.concat(bytes);
    return loadGraphModelSync({
      modelTopology: { node: this.#nodes, versions: { producer: 1, minConsumer: 1 } },
      weightSpecs: this.#weights.map(({ name, shape, dtype }) => ({ name, shape: [...shape], dtype })),
      weightData: all.buffer.slice(all.byteOffset, all.byteOffset + all.byteLength) as ArrayBuffer,
      ...(signature && { signature }),
      ...(structuredOutputKeys && { userDefinedMetadata: { structuredOutputKeys } }),
    });
  }
}

/** The values of all weights, to compare later. */
export const weightValues = ({ weights }: Pick<GraphModel, 'weights'>): readonly (readonly number[])[] =>
  Object.values(weights).map(([weight]) => [...weight!.dataSync()]);

/** A dense layer: product, offset and activation as nodes of their own. */
export function dense(
  g: GraphBuilder,
  x: string,
  name: string,
  shape: readonly [number, number],
  activation: string,
): string {
  const product = g.node('MatMul', `${name}/MatMul`, [x, g.weight(`${name}/kernel`, shape)]);
  const sum = g.node('BiasAdd', `${name}/BiasAdd`, [product, g.weight(`${name}/bias`, [shape[1]])]);
  return g.node(activation, `${name}/${activation}`, [sum]);
}

/** Inputs [-1, 3]; layers as nodes and as one fused op. */
export function denseModel(): GraphModel<io.IOHandlerSync> {
  const g = new GraphBuilder();
  const hidden = dense(g, g.placeholder('x', [-1, 3]), 'hidden', [3, 4], 'Relu');
  const inputs = [hidden, g.weight('fused/kernel', [4, 4]), g.weight('fused/bias', [4])];
  const fused = g.node('_FusedMatMul', 'fused', inputs, { fused_ops: texts('BiasAdd', 'Elu'), num_args: int(1) });
  dense(g, fused, 'output', [4, 2], 'Softmax');
  return g.build();
}

/** Images [-1, 6, 6, 2]: convolutions, batch normalisation, pooling, and a reshape to a shape that is computed. */
export function convolutionModel(): GraphModel<io.IOHandlerSync> {
  const g = new GraphBuilder();
  const window = { strides: ints(1, 1, 1, 1), dilations: ints(1, 1, 1, 1), data_format: text('NHWC') };
  const x = g.placeholder('image', [-1, 6, 6, 2]);
  const paddings = g.constant('pad/paddings', [0, 0, 1, 0, 0, 1, 0, 0], [4, 2], 'int32');
  const padded = g.node('Pad', 'pad', [x, paddings]);
  const kernel = g.weight('conv/kernel', [2, 2, 2, 3]);
  const convolved = g.node('Conv2D', 'conv', [padded, kernel], { ...window, padding: text('VALID') });
  const statistics = [g.weight('norm/mean', [3]), g.weight('norm/variance', [3], 0.5)];
  const variance = g.node('Identity', 'norm/variance/read', [statistics[1]!]);
  const scaled = [convolved, g.weight('norm/gamma', [3]), g.weight('norm/beta', [3]), statistics[0]!, variance];
  const normal = g.node('FusedBatchNormV3', 'norm', scaled, { epsilon: float(1e-3), is_training: flag(false) });
  const filter = g.weight('depthwise/kernel', [2, 2, 3, 1]);
  const deep = g.node('DepthwiseConv2dNative', 'depthwise', [normal, filter], { ...window, padding: text('SAME') });
  const active = g.node('Tanh', 'depthwise/Tanh', [deep]);
  const pool = { ksize: ints(1, 2, 2, 1), strides: ints(1, 2, 2, 1), padding: text('VALID') };
  const pooled = g.node('MaxPool', 'pool', [active], pool);
  const averages = g.node('Mean', 'mean', [pooled, g.integers('mean/axes', [1])], { keep_dims: flag(false) });
  // [batch, 3, 3] as [batch, 3 * 3], with what a converter writes for that.
  const shape = g.node('Shape', 'flatten/Shape', [averages]);
  const part = (name: string, from: number, to: number): string =>
    g.node(
      'StridedSlice',
      `flatten/${name}`,
      [
        shape,
        g.integers(`flatten/${name}/begin`, [from]),
        g.integers(`flatten/${name}/end`, [to]),
        g.integers(`flatten/${name}/strides`, [1]),
      ],
      { shrink_axis_mask: int(1) },
    );
  const size = g.node('Mul', 'flatten/size', [part('rows', 1, 2), part('columns', 2, 3)]);
  const wanted = g.node('Pack', 'flatten/Pack', [part('batch', 0, 1), size], { N: int(2), axis: int(0) });
  dense(g, g.node('Reshape', 'flatten', [averages, wanted]), 'output', [9, 2], 'Tanh');
  return g.build();
}

/** Images [-1, 4, 4, 2]: convolutions with offset and activation in one op, one of them with a learned slope. */
export function fusedModel(): GraphModel<io.IOHandlerSync> {
  const g = new GraphBuilder();
  const window = { strides: ints(1, 1, 1, 1), dilations: ints(1, 1, 1, 1), data_format: text('NHWC') };
  const first = [
    g.placeholder('image', [-1, 4, 4, 2]),
    g.weight('conv/kernel', [3, 3, 2, 3]),
    g.weight('conv/bias', [3]),
  ];
  const convolved = g.node('_FusedConv2D', 'conv', first, {
    ...window,
    padding: text('SAME'),
    fused_ops: texts('BiasAdd', 'Elu'),
    num_args: int(1),
  });
  const learned = [g.weight('deep/kernel', [2, 2, 3, 1]), g.weight('deep/bias', [3]), g.weight('deep/slope', [3])];
  g.node('FusedDepthwiseConv2dNative', 'deep', [convolved, ...learned], {
    ...window,
    padding: text('VALID'),
    fused_ops: texts('BiasAdd', 'Prelu'),
    num_args: int(2),
  });
  return g.build();
}

/** Indices [-1, 3] below 5 and rows [-1, 2], by name; several outputs, by name too. */
export function embeddingModel(): GraphModel<io.IOHandlerSync> {
  const g = new GraphBuilder();
  const words = g.placeholder('words', [-1, 3], 'int32');
  const rows = g.placeholder('rows', [-1, 2]);
  const table = [g.weight('table', [5, 2]), words, g.integers('table/axis', 0)];
  const vectors = g.node('GatherV2', 'vectors', table, { batch_dims: int(0) });
  const mean = g.node('Mean', 'mean', [vectors, g.integers('mean/axes', [1])]);
  const joined = g.node('ConcatV2', 'joined', [mean, rows, g.integers('joined/axis', -1)], { N: int(2) });
  dense(g, joined, 'score', [4, 1], 'Sigmoid');
  // The scale is a scalar, the bounds of the clip are read.
  const scaled = g.node('Mul', 'scaled', [joined, g.constant('scale', [0.5], [], 'float32')]);
  const bounds = ['least', 'most'].map((name, i) => g.constant(name, [i - 0.3], [], 'float32'));
  g.node('ClipByValue', 'clipped', [scaled, ...bounds]);
  const tensor = (name: string) => ({ name: `${name}:0`, dtype: 'DT_FLOAT', tensorShape: {} });
  return g.build(
    {
      inputs: { ids: { ...tensor('words'), dtype: 'DT_INT32' }, features: tensor('rows') },
      outputs: { probability: tensor('score/Sigmoid'), clipped: tensor('clipped') },
    } as never,
    ['probability', 'clipped'],
  );
}

/** Sequences [-1, -1, 4]: attention with two heads, whose shapes are computed, and layer normalisation by its parts. */
export function attentionModel(): GraphModel<io.IOHandlerSync> {
  const g = new GraphBuilder();
  const x = g.placeholder('x', [-1, -1, 4]);
  const shape = g.node('Shape', 'shape', [x]);
  const lengths = g.node('GatherV2', 'lengths', [shape, g.integers('lengths/at', [0, 1]), g.integers('zero', 0)], {
    batch_dims: int(0),
  });
  const apart = [lengths, g.integers('heads', [2, 2]), g.integers('apart/axis', 0)];
  const split = g.node('ConcatV2', 'apart/shape', apart, { N: int(2) });
  const joint = [lengths, g.integers('width', [4]), g.integers('joined/axis', 0)];
  const joined = g.node('ConcatV2', 'joined/shape', joint, { N: int(2) });
  const swap = g.integers('swap', [0, 2, 1, 3]);
  const heads = (name: string): string => {
    const equation = { equation: text('abc,cd->abd'), N: int(2) };
    const projected = g.node('Einsum', name, [x, g.weight(`${name}/kernel`, [4, 4])], equation);
    return g.node('Transpose', `${name}/heads`, [g.node('Reshape', `${name}/apart`, [projected, split]), swap]);
  };
  const scores = g.node('BatchMatMulV2', 'scores', [heads('query'), heads('key')], { adj_y: flag(true) });
  const scaled = g.node('Mul', 'scaled', [scores, g.constant('scale', [Math.SQRT1_2], [], 'float32')]);
  const seen = g.node('BatchMatMulV2', 'seen', [g.node('Softmax', 'weights', [scaled]), heads('value')]);
  const back = g.node('Reshape', 'joined', [g.node('Transpose', 'seen/back', [seen, swap]), joined]);
  const sum = g.node('AddV2', 'residual', [x, back]);
  const last = g.integers('last', [-1]);
  const keep = { keep_dims: flag(true) };
  const mean = g.node('Mean', 'norm/mean', [sum, last], keep);
  const square = g.node('SquaredDifference', 'norm/square', [sum, mean]);
  const variance = g.node('Mean', 'norm/variance', [square, last], keep);
  const epsilon = g.constant('norm/epsilon', [1e-2], [], 'float32');
  const inverse = g.node('Rsqrt', 'norm/rsqrt', [g.node('AddV2', 'norm/add', [variance, epsilon])]);
  const scale = g.node('Mul', 'norm/mul', [inverse, g.weight('norm/gamma', [4])]);
  g.node('Mul', 'norm', [g.node('Sub', 'norm/sub', [sum, mean]), scale]);
  return g.build();
}

/** Images [-1, -1, -1, 2], half as large again: the size is computed with real numbers. */
export function resizeModel(): GraphModel<io.IOHandlerSync> {
  const g = new GraphBuilder();
  const x = g.placeholder('image', [-1, -1, -1, 2]);
  const bounds = [1, 3, 1].map((at, i) => g.integers(`bound${i}`, [at]));
  const size = g.node('StridedSlice', 'size', [g.node('Shape', 'shape', [x]), ...bounds]);
  const numbers = g.node('Cast', 'numbers', [size], { SrcT: type('int32'), DstT: type('float32') });
  const larger = g.node('Mul', 'larger', [numbers, g.constant('factor', [1.5, 1.5], [2], 'float32')]);
  const whole = g.node('Cast', 'whole', [g.node('Floor', 'floor', [larger])], { DstT: type('int32') });
  const resized = g.node('ResizeBilinear', 'resized', [x, whole], { half_pixel_centers: flag(true) });
  g.node('Mul', 'weighted', [resized, g.weight('weight', [2])]);
  return g.build();
}
