import { type NdArray, showShape, sizeOf } from './array.ts';
import { numberOf, stringOf } from './attributes.ts';
import { blocksAt } from './indexing.ts';
import { type Kernels, ofOne, ofTwo } from './kernel.ts';

export const selection: Kernels = {
  TopKIndices: ofOne((x, attributes) => {
    const k = numberOf(attributes, 'k');
    const length = x.shape.at(-1);
    if (length === undefined || k > length)
      throw new Error(`no ${k} largest elements in the rows of ${showShape(x.shape)}`);
    const shape = [...x.shape.slice(0, -1), k];
    const values = new Float64Array(sizeOf(shape));
    for (let row = 0; row < sizeOf(x.shape.slice(0, -1)); row++) {
      const elements = x.values.subarray(row * length, (row + 1) * length);
      const order = [...elements.keys()].sort((i, j) => elements[j]! - elements[i]! || i - j);
      values.set(order.slice(0, k), row * k);
    }
    return { shape, values };
  }),

  SearchSorted: ofTwo((sequence, sought, attributes) => {
    const side = stringOf(attributes, 'side');
    const [rows, length] = matrix(sequence);
    const [, count] = matrix(sought);
    const before = side === 'left' ? (a: number, b: number) => a < b : (a: number, b: number) => a <= b;
    const values = new Float64Array(sought.values.length);
    for (let row = 0; row < rows; row++) {
      const elements = sequence.values.subarray(row * length, (row + 1) * length);
      for (let i = row * count; i < (row + 1) * count; i++) {
        values[i] = elements.filter((element) => before(element, sought.values[i]!)).length;
      }
    }
    return { shape: sought.shape, values };
  }),

  TensorScatterUpdate: (inputs) => {
    const [tensor, indices, updates] = inputs as readonly [NdArray, NdArray, NdArray];
    const { starts, block } = blocksAt(indices, tensor.shape);
    const values = tensor.values.slice();
    starts.forEach((start, i) => {
      values.set(updates.values.subarray(i * block, (i + 1) * block), start);
    });
    return { shape: tensor.shape, values };
  },
};

function matrix({ shape }: NdArray): [rows: number, columns: number] {
  const [rows, columns] = shape;
  if (shape.length !== 2) throw new Error(`searches rows of matrices, not of ${showShape(shape)}`);
  return [rows!, columns!];
}
