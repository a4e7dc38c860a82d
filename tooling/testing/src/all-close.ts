import { Tensor } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

/** A value is close where `|received - expected| <= atol + rtol * |expected|`. */
export interface Tolerance {
  /** Relative tolerance. By default 1e-5 where a side is float32, else 1e-12. */
  readonly rtol?: number;
  /** Absolute tolerance. By default 1e-6 where a side is float32, else 1e-14. */
  readonly atol?: number;
}

type NumericArray = Float32Array | Float64Array | Int32Array | Uint8Array | Uint32Array;
type Mismatch = { readonly path: string; readonly received: number; readonly expected: number };
type Comparison = Required<Tolerance> & { count: number; readonly mismatches: Mismatch[] };

const isNumeric = (value: unknown): value is NumericArray => ArrayBuffer.isView(value) && !(value instanceof DataView);
const isList = (value: unknown): value is ArrayLike<unknown> => Array.isArray(value) || isNumeric(value);
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

function hasFloat32(value: unknown): boolean {
  if (value instanceof Tensor) return value.dtype === 'float32';
  if (value instanceof Float32Array) return true;
  if (isNumeric(value) || !isObject(value)) return false;
  return Object.values(value).some(hasFloat32);
}

function describe(value: unknown): string {
  if (value instanceof Tensor) return `Tensor [${value.shape}]`;
  if (isNumeric(value)) return `${value.constructor.name} [${value.length}]`;
  if (Array.isArray(value)) return `[${value.length} items]`;
  if (isObject(value)) return `{${Object.keys(value).sort().join(', ')}}`;
  return String(value);
}

function structureError(path: string, received: unknown, expected: unknown): Error {
  return new Error(`toBeAllClose: structures differ at ${path}: ${describe(received)} vs ${describe(expected)}`);
}

function compareNumbers(received: number, expected: number, path: string, result: Comparison): void {
  result.count += 1;
  if (Object.is(received, expected) || received === expected) return;
  const allowed = result.atol + result.rtol * Math.abs(expected);
  if (allowed < Infinity && Math.abs(received - expected) <= allowed) return;
  result.mismatches.push({ path, received, expected });
}

/** A tensor in nested arrays, or flat beside a typed array of its size. Other values as they are. */
function read(value: unknown, beside: unknown): unknown {
  if (!(value instanceof Tensor)) return value;
  return isNumeric(beside) && beside.length === value.size ? value.dataSync() : value.arraySync();
}

function compare(received: unknown, expected: unknown, path: string, result: Comparison): void {
  if (received instanceof Tensor || expected instanceof Tensor) {
    const shapes = [received, expected].flatMap((value) => (value instanceof Tensor ? [String(value.shape)] : []));
    if (new Set(shapes).size > 1) throw structureError(path, received, expected);
    compare(read(received, expected), read(expected, received), path, result);
    return;
  }
  if (typeof received === 'number' && typeof expected === 'number') {
    compareNumbers(received, expected, path, result);
    return;
  }
  if (isList(received) && isList(expected)) {
    if (received.length !== expected.length) throw structureError(path, received, expected);
    for (let i = 0; i < received.length; i++) compare(received[i], expected[i], `${path}[${i}]`, result);
    return;
  }
  if (isObject(received) && isObject(expected) && !isList(received) && !isList(expected)) {
    const keys = Object.keys(received).sort();
    if (String(keys) !== String(Object.keys(expected).sort())) throw structureError(path, received, expected);
    for (const key of keys) compare(received[key], expected[key], `${path}.${key}`, result);
    return;
  }
  if (!Object.is(received, expected)) throw structureError(path, received, expected);
}

function report({ mismatches, count, rtol, atol }: Comparison): string {
  const size = ({ received, expected }: Mismatch) => Math.abs(received - expected) / (atol + rtol * Math.abs(expected));
  const score = (mismatch: Mismatch) => (Number.isNaN(size(mismatch)) ? Infinity : size(mismatch));
  const worst = mismatches.reduce((a, b) => (score(b) > score(a) ? b : a));
  const difference = Math.abs(worst.received - worst.expected).toPrecision(3);
  return (
    `toBeAllClose: ${mismatches.length} of ${count} values differ by more than rtol ${rtol}, atol ${atol}; the worst is ` +
    `${worst.path}: received ${worst.received}, expected ${worst.expected}, difference ${difference}`
  );
}

/**
 * Compares numbers, typed arrays, tensors, and nested arrays and objects of them, value by value. The structures must be
 * equal; NaN equals NaN. Tensors are read synchronously: of a tensor on webgpu pass `await tensor.data()`.
 */
export function toBeAllClose(
  received: unknown,
  expected: unknown,
  tolerance: Tolerance = {},
): { pass: boolean; message: () => string } {
  const single = hasFloat32(received) || hasFloat32(expected);
  const { rtol = single ? 1e-5 : 1e-12, atol = single ? 1e-6 : 1e-14 } = tolerance;
  const result: Comparison = { rtol, atol, count: 0, mismatches: [] };
  try {
    compare(received, expected, '$', result);
  } catch (error) {
    return { pass: false, message: () => (error as Error).message };
  }
  if (result.mismatches.length > 0) return { pass: false, message: () => report(result) };
  return {
    pass: true,
    message: () => `toBeAllClose: all ${result.count} values are within rtol ${rtol}, atol ${atol}`,
  };
}

expect.extend({ toBeAllClose });

declare module 'vitest' {
  // biome-ignore lint/suspicious/noExplicitAny: a merged declaration repeats vitest's own type parameter
  interface Matchers<T = any> {
    /** All values are close to the expected ones: numbers, typed arrays, tensors, nested arrays and objects. */
    toBeAllClose(expected: unknown, tolerance?: Tolerance): T;
  }
}
