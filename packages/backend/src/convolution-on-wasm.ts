/** Convolutions of images on wasm, forward and with respect to images and filters, of one filter for all images or one for each group. */
import type { KernelFunc } from '@tensorflow/tfjs-core';
import { assembly, withIntegers, written } from './assembly.ts';
import { kernelCall } from './kernel-call.ts';
import { convolutionKernels } from './kernels-convolution.ts';
import { type Attributes, sizeOf } from './program.ts';
import { addressOf, withScratch } from './wasm-functions.ts';

type Numbers = readonly number[];

interface Operand {
  readonly shape: Numbers;
  readonly address: number;
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
): KernelFunc {
  const { shape: shapeOf } = convolutionKernels[kernel]!;
  return (call) => {
    const { device, inputs, attributes } = kernelCall(call);
    const [first, second] = inputs.map(
      (input): Operand => ({ shape: input.shape, address: addressOf(device, input) }),
    ) as [Operand, Operand];
    const { shape } = shapeOf(inputs, attributes);
    const { convolveScratch, [name]: convolve } = assembly(device);
    return written(device, shape, 'float32', (address) => {
      const operands = ordered(first, second, { shape, address });
      withIntegers(device, geometryOf(operands, attributes), (geometry) =>
        withScratch(device, convolveScratch(geometry), (scratch) =>
          convolve(...operands.map((operand) => operand.address), geometry, scratch),
        ),
      );
    });
  };
}

export const convolveForward: KernelFunc = convolution('Conv2D', 'convolveForward', (x, filter, y) => [x, filter, y]);

export const convolveToImage: KernelFunc = convolution('Conv2DBackpropInput', 'convolveToImage', (y, filter, x) => [
  x,
  filter,
  y,
]);

export const convolveToFilter: KernelFunc = convolution('Conv2DBackpropFilter', 'convolveToFilter', (x, y, filter) => [
  x,
  filter,
  y,
]);
