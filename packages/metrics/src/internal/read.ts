import type { HostArray, Matrix, MatrixStack, Vector } from '../array.ts';

/** How far the probabilities of one row may be from a sum of 1: room for float16 and float32 rounding. */
const SUM_TOLERANCE = 1e-3;

/** Probabilities of `classes` classes, one row after the other. */
export type Rows = { readonly values: ArrayLike<number>; readonly count: number; readonly classes: number };

/** Reads numbers of shape `[n]`, at least one of them and none NaN. */
export function readVector(where: string, input: Vector, name: string): ArrayLike<number> {
  const { values } = readArray(where, input, name, 1);
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) throw new Error(`${where}: ${name}[${i}] is NaN`);
  }
  return values;
}

/** Reads probabilities of shape `[n, k]`; each row must be a distribution. */
export function readProbabilities(where: string, input: Matrix, name: string): Rows {
  const { values, shape } = readArray(where, input, name, 2);
  const [count = 0, classes = 0] = shape;
  const rows = { values, count, classes };
  checkDistributions(where, rows, (row) => `${name}[${row}]`);
  return rows;
}

/** Reads probabilities of shape `[s, n, k]` as `s * n` rows; each must be a distribution. */
export function readSamples(where: string, input: MatrixStack, name: string): Rows & { readonly samples: number } {
  const { values, shape } = readArray(where, input, name, 3);
  const [samples = 0, count = 0, classes = 0] = shape;
  const rows = { values, count: samples * count, classes };
  checkDistributions(where, rows, (row) => `${name}[${Math.floor(row / count)}][${row % count}]`);
  return { values, samples, count, classes };
}

/** Reads class indices of shape `[n]`, one for each row of probabilities. */
export function readLabels(where: string, input: Vector, rows: Rows): ArrayLike<number> {
  const { values } = readArray(where, input, 'labels', 1);
  if (values.length !== rows.count) {
    throw new Error(`${where}: ${values.length} labels for ${rows.count} rows of probabilities`);
  }
  for (let i = 0; i < values.length; i++) {
    const label = values[i] as number;
    if (!Number.isInteger(label) || label < 0 || label >= rows.classes) {
      const expected = `probabilities have ${rows.classes} classes, 0 to ${rows.classes - 1}`;
      throw new Error(`${where}: labels[${i}] is ${label}, but the ${expected}`);
    }
  }
  return values;
}

function checkDistributions(where: string, rows: Rows, path: (row: number) => string): void {
  const { values, count, classes } = rows;
  for (let row = 0; row < count; row++) {
    let sum = 0;
    for (let k = 0; k < classes; k++) {
      const p = values[row * classes + k] as number;
      if (!(p >= 0)) {
        throw new Error(`${where}: ${path(row)}[${k}] is ${p}, not a probability; apply a softmax to logits first`);
      }
      sum += p;
    }
    if (!(Math.abs(sum - 1) <= SUM_TOLERANCE)) {
      throw new Error(`${where}: ${path(row)} sums to ${sum}, expected 1; apply a softmax to logits first`);
    }
  }
}

function readArray(where: string, input: Vector | Matrix | MatrixStack, name: string, rank: number): HostArray {
  const array = isShaped(input) ? readShaped(where, input, name, rank) : flattenNested(where, input, name, rank);
  if (array.values.length === 0) {
    throw new Error(`${where}: ${name} is empty, of shape ${showShape(array.shape)}; expected at least one example`);
  }
  return array;
}

function readShaped(where: string, input: HostArray, name: string, rank: number): HostArray {
  if (input.values === undefined) {
    throw new Error(`${where}: ${name} is a tensor; pass \`await fromTensor(${name})\``);
  }
  if (input.shape.length !== rank) {
    throw new Error(`${where}: ${name} has shape ${showShape(input.shape)}, expected ${showShape(axes(rank))}`);
  }
  const size = input.shape.reduce((product, length) => product * length, 1);
  if (input.values.length !== size) {
    const held = `${name} holds ${input.values.length} values`;
    throw new Error(`${where}: ${held}, but its shape ${showShape(input.shape)} asks for ${size}`);
  }
  return input;
}

function flattenNested(where: string, input: ArrayLike<unknown>, name: string, rank: number): HostArray {
  const index: number[] = [];
  const path = () => name + index.map((i) => `[${i}]`).join('');
  const shape = nestedShape(input, rank);
  const values = new Float64Array(shape.reduce((product, length) => product * length, 1));
  let offset = 0;
  const fill = (level: unknown): void => {
    const axis = index.length;
    if (axis === rank) {
      if (typeof level !== 'number') throw new Error(`${where}: ${path()} is ${show(level)}, expected a number`);
      values[offset++] = level;
      return;
    }
    if (!isArrayLike(level)) {
      throw new Error(`${where}: ${path()} is ${show(level)}, expected ${name} of shape ${showShape(axes(rank))}`);
    }
    if (level.length !== shape[axis]) {
      const first = name + '[0]'.repeat(axis);
      throw new Error(`${where}: ${path()} has ${level.length} entries, ${first} has ${shape[axis]}`);
    }
    for (let i = 0; i < level.length; i++) {
      index.push(i);
      fill(level[i]);
      index.pop();
    }
  };
  fill(input);
  return { values, shape };
}

/** The shape that the first entries of nested arrays have. */
function nestedShape(input: ArrayLike<unknown>, rank: number): number[] {
  const shape: number[] = [];
  let level: unknown = input;
  while (shape.length < rank && isArrayLike(level)) {
    shape.push(level.length);
    level = level[0];
  }
  return shape;
}

function isShaped(input: unknown): input is HostArray {
  return typeof input === 'object' && input !== null && 'shape' in input;
}

function isArrayLike(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);
}

/** The names of the axes of an array of this rank. */
function axes(rank: number): string[] {
  return rank === 1 ? ['n'] : ['s', 'n', 'k'].slice(3 - rank);
}

function showShape(shape: readonly (number | string)[]): string {
  return `[${shape.join(', ')}]`;
}

function show(value: unknown): string {
  return isArrayLike(value) ? `an array of ${value.length}` : String(value);
}
