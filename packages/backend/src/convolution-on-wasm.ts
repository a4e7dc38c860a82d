/** Convolutions of images on wasm, forward and with respect to images and filters, of one filter for all images or one for each group. */
import { assembly } from './assembly.ts';
import { type Address, type CallsOf, call, input, integers, result, scratch } from './calls.ts';
import { convolutionKernels } from './kernels-convolution.ts';
import { type Attributes, sizeOf } from './program.ts';
import { withIntegers } from './wasm-functions.ts';

type Numbers = readonly number[];

interface Operand {
  readonly shape: Numbers;
  readonly address: Address;
}

/** In the order in which `assembly` takes them: `x`, `filter` and `y`. */
type Operands = readonly [x: Operand, filter: Operand, y: Operand];

/** What `assembly` takes as the description of a convolution. */
function geometryOf([x, filter, y]: Operands, { strides, dilations, paddings }: Attributes): Numbers {
  const before = (paddings as readonly Numbers[]).map(([first]) => first as number);
  const groups = sizeOf(filter.shape.slice(0, -4));
  return [
    ...[groups, x.shape.at(-4)!, ...x.shape.slice(-3), ...y.shape.slice(-3), ...filter.shape.slice(-4, -2)],
    ...[...(strides as Numbers), ...(dilations as Numbers), ...before],
  ];
}

/** The kernel of this name on canonical attributes: `ordered` says which of its inputs and its result are x, filter and y. */
function convolution(
  kernel: string,
  name: 'convolveForward' | 'convolveToImage' | 'convolveToFilter',
  ordered: (first: Operand, second: Operand, result: Operand) => Operands,
): CallsOf {
  const { shape: shapeOf } = convolutionKernels[kernel]!;
  return ({ device, inputs, attributes }) => {
    const [first, second] = inputs.map(({ shape }, i): Operand => ({ shape, address: input(i) })) as [Operand, Operand];
    const { shape } = shapeOf(inputs, attributes);
    const operands = ordered(first, second, { shape, address: result() });
    const geometry = geometryOf(operands, attributes);
    return {
      result: { shape, dtype: 'float32' },
      integers: geometry,
      scratch: withIntegers(device, geometry, (address) => assembly(device).convolveScratch(address)),
      calls: [call(assembly, name, ...operands.map(({ address }) => address), integers(), scratch())],
    };
  };
}

export const convolveForward: CallsOf = convolution('Conv2D', 'convolveForward', (x, filter, y) => [x, filter, y]);

export const convolveToImage: CallsOf = convolution('Conv2DBackpropInput', 'convolveToImage', (y, filter, x) => [
  x,
  filter,
  y,
]);

export const convolveToFilter: CallsOf = convolution('Conv2DBackpropFilter', 'convolveToFilter', (x, y, filter) => [
  x,
  filter,
  y,
]);
