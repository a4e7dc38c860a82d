// Batching rules: each operand batched alone and together, on each axis, nested, and inside and outside of derivatives, against loops.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { grad, jit, jvp, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { cases } from './cases.ts';
import { draw, numbers } from './float64.ts';

type Tensor = tf.Tensor;
type Shape = readonly number[];

const SIZE = 3;
const close = { rtol: 1e-4, atol: 1e-5 };

const tensors = (shapes: readonly Shape[], seed: number): Tensor[] =>
  draw(shapes, numbers(seed)).map(({ shape, values }) => tf.tensor(Float32Array.from(values), [...shape]));

/** All ways to choose some of `count` operands, but none of them. */
function choices(count: number): boolean[][] {
  return Array.from({ length: 2 ** count - 1 }, (_, bits) =>
    Array.from({ length: count }, (__, i) => (((bits + 1) >> i) & 1) === 1),
  );
}

/** Element `i` along `axis`. */
const element = (x: Tensor, axis: number, i: number): Tensor =>
  tf.squeeze(
    tf.slice(
      x,
      x.shape.map((_, k) => (k === axis ? i : 0)),
      x.shape.map((n, k) => (k === axis ? 1 : n)),
    ),
    [axis],
  );

const loop = (f: (...xs: Tensor[]) => Tensor, xs: readonly Tensor[], axes: readonly (number | null)[]): Tensor =>
  tf.stack(
    Array.from({ length: SIZE }, (_, i) => f(...xs.map((x, k) => (axes[k] === null ? x : element(x, axes[k]!, i))))),
  );

// Where there are no elements there is nothing to compare but the shape, which the slices of tfjs do not reach.
const table = cases
  .filter(({ shapes }) => shapes.every((shape) => !shape.includes(0)))
  .map(({ name, f, shapes }) => [name, f, shapes] as const);

describe.each(['cpu', 'wasm'] as const)('%s', (device) => {
  beforeAll(() => setBackend(device));

  test.each(table)('%s', (_, f, shapes) => {
    for (const chosen of choices(shapes.length)) {
      for (const axis of [0, 1]) {
        const axes = chosen.map((batched) => (batched ? axis : null));
        const wide = shapes.map((shape, i) =>
          chosen[i] ? [...shape.slice(0, axis), SIZE, ...shape.slice(axis)] : shape,
        );
        const xs = tensors(wide, 5);
        const mapped = vmap(f, { inAxes: axes });
        expect(mapped(...xs), `axes ${axes}`).toBeAllClose(loop(f, xs, axes), close);
        if (axis === 1) continue;
        const slope = (...at: Tensor[]): Tensor => grad((x: Tensor) => tf.sum(tf.square(f(x, ...at.slice(1)))))(at[0]!);
        expect(vmap(slope, { inAxes: axes })(...xs), 'gradients').toBeAllClose(loop(slope, xs, axes), close);
        const tangents = tensors(wide, 6);
        const moved = jvp((all: Tensor[]) => mapped(...all), [xs], [tangents])[1];
        const each = (...all: Tensor[]): Tensor =>
          jvp((at: Tensor[]) => f(...at), [all.slice(0, shapes.length)], [all.slice(shapes.length)])[1];
        expect(moved, 'tangents').toBeAllClose(loop(each, [...xs, ...tangents], [...axes, ...axes]), close);
      }
    }
  });

  test.each(table)('%s, twice', (_, f, shapes) => {
    // Every operand along the outer axis, and the first or the last along the inner one.
    for (const inner of [0, shapes.length - 1]) {
      const axes = shapes.map((__, i) => (i === inner ? 0 : null));
      const xs = tensors(
        shapes.map((shape, i) => (i === inner ? [SIZE, SIZE, ...shape] : [SIZE, ...shape])),
        7,
      );
      const once = vmap(f, { inAxes: axes });
      const twice = jit((...all: Tensor[]) => vmap(once)(...all));
      const expected = loop(
        (...each) => loop(f, each, axes),
        xs,
        xs.map(() => 0),
      );
      expect(twice(...xs)).toBeAllClose(expected, close);
      twice.dispose();
    }
  });
});
