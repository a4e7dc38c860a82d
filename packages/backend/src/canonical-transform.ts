/** tfjs's projective transforms of images. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { sample } from './canonical-resize.ts';
import type { DataType } from './program.ts';
import { constant, record } from './trace.ts';
import { broadcastTo, cast, named, reshape, scalar, slice, type Translations } from './translation.ts';

export const transformTranslations: Translations = {
  Transform: named('image transforms', ([image, transforms], attributes) => {
    const { interpolation, fillMode, fillValue, outputShape } = attributes;
    const [batch, height, width, channels] = image!.shape as [number, number, number, number];
    const [rows, columns] = (outputShape as [number, number] | undefined | null) ?? [height, width];
    const count = transforms!.shape[0] as number;
    const entry = (i: number): Tensor => reshape(slice(transforms!, [0, i], [count, 1]), [count, 1, 1]);
    const across = constant(counting(columns), [columns], 'float32');
    const down = constant(counting(rows), [rows, 1], 'float32');
    // t_i x + t_i+1 y + offset
    const combination = (i: number, offset: Tensor): Tensor => {
      const part = record('Add', [record('Multiply', [entry(i), across]), record('Multiply', [entry(i + 1), down])]);
      return record('Add', [part, offset]);
    };
    const projection = combination(6, scalar(1));
    const isInfinite = record('Equal', [projection, scalar(0)]);
    const divisor = record('Select', [isInfinite, broadcastTo(scalar(1), projection.shape), projection]);
    const place = (i: number, length: number): Tensor =>
      inside(record('RealDiv', [combination(i, entry(i + 2)), divisor]), length, fillMode);
    const [x, y] = [place(0, width), place(3, height)];

    // Around the image lies a border of the value to fill with, which all that is outside of it counts as.
    const numbers = cast(image!, 'float32');
    const isFilled = fillMode === undefined || fillMode === 'constant';
    const around = [1, 1];
    const bordered = isFilled
      ? record('PadV2', [numbers], { paddings: [[0, 0], around, around, [0, 0]], constantValue: fillValue as number })
      : numbers;
    const moved = (at: Tensor): Tensor => (isFilled ? record('Add', [at, scalar(1)]) : at);
    const examples = constant(Int32Array.from(counting(batch)), [batch, 1, 1], 'int32');
    const shape = [batch, rows, columns, channels];
    const sampled = broadcastTo(sample(bordered, examples, moved(y), moved(x), interpolation as string), shape);
    const mask = broadcastTo(reshape(isInfinite, [...isInfinite.shape, 1]), shape);
    const filled = record('Select', [mask, broadcastTo(scalar(fillValue as number), shape), sampled]);
    return cast(filled, image!.dtype as DataType);
  }),
};

function counting(length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => i);
}

/** Where in the image a place outside of it is taken from: an axis of `length` is repeated, reflected or ends with its last pixels. */
function inside(place: Tensor, length: number, mode: unknown): Tensor {
  if (mode === 'nearest') return clip(place, length);
  if (mode === 'reflect') return clip(reflected(place, length), length);
  if (mode === 'wrap') return clip(wrapped(place, length), length);
  return place;
}

function clip(place: Tensor, length: number): Tensor {
  return record('ClipByValue', [place], { clipValueMin: 0, clipValueMax: length - 1 });
}

/** `dcba|abcd|dcba` */
function reflected(place: Tensor, length: number): Tensor {
  const phase = record('Sub', [place, periods(place, 2 * length, 2 * length)]);
  const back = record('Sub', [scalar(2 * length - 1), phase]);
  return record('Select', [record('Less', [phase, scalar(length)]), phase, back]);
}

/** `abcd|abcd|abcd`: as tfjs has it, every `length - 1` pixels outside of the image move a place by `length`. */
function wrapped(place: Tensor, length: number): Tensor {
  if (length === 1) return broadcastTo(scalar(0), place.shape);
  const above = record('Sub', [place, periods(place, length - 1, length)]);
  const negated = record('Neg', [place]);
  const below = record('Add', [place, record('Add', [periods(negated, length - 1, length), scalar(length)])]);
  const high = record('Select', [record('Greater', [place, scalar(length - 1)]), above, place]);
  return record('Select', [record('Less', [place, scalar(0)]), below, high]);
}

/** `shift` times the number of whole periods in a number. */
function periods(x: Tensor, period: number, shift: number): Tensor {
  const count = record('Floor', [record('RealDiv', [x, scalar(period)])]);
  return record('Multiply', [count, scalar(shift)]);
}
