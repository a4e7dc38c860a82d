// vmap equals the loop over examples: for every rule with each operand batched alone and together, and with other transforms.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { record, setBackend } from '@posteriors/backend';
import { interpret, type NdArray } from '@posteriors/interpreter';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Axis,
  customJvp,
  customVjp,
  grad,
  hvp,
  jacfwd,
  jacrev,
  jit,
  jvp,
  valueAndGrad,
  vmap,
} from '../src/index.ts';
import { cases } from './cases.ts';
import type { Case } from './draws.ts';
import { draw, expectClose, type Input, programOf, runOnDevice, sizeOf, uniforms } from './float64.ts';

await setBackend('cpu');

type Tensor = tf.Tensor;
type Function = (...xs: Tensor[]) => Tensor;

/** Arrays of one shape as one, along a new axis; a negative axis counts from the end. */
function stack(arrays: readonly NdArray[], at: number): NdArray {
  const { shape } = arrays[0]!;
  const axis = at < 0 ? at + shape.length + 1 : at;
  const block = sizeOf(shape.slice(axis));
  const values: number[] = [];
  for (let start = 0; start < sizeOf(shape); start += block) {
    for (const array of arrays) values.push(...array.values.subarray(start, start + block));
  }
  return { shape: [...shape.slice(0, axis), arrays.length, ...shape.slice(axis)], values: Float64Array.from(values) };
}

function stackInputs(examples: readonly Input[], axis: number): Input {
  return { ...stack(examples, axis), dtype: examples[0]!.dtype };
}

/** The gradient of a function of float32 inputs among `f`'s, as one vector; as a matrix where inputs have leading `rows`. */
function gradient({ f, draws }: Pick<Case, 'f' | 'draws'>, rows: readonly number[] = []): Function {
  return (...xs) => {
    const floats = xs.filter((_, i) => draws[i]!.dtype === 'float32');
    const loss = (moving: Tensor[]): Tensor => {
      let next = 0;
      const y = f(...xs.map((x, i) => (draws[i]!.dtype === 'float32' ? moving[next++]! : x)));
      return tf.sum(tf.mul(y, tf.add(y, 1)));
    };
    return tf.concat(
      grad(loss)(floats).map((g) => tf.reshape(g, [...rows, g.size / sizeOf(rows)])),
      rows.length,
    );
  };
}

/** Which operands are batched: each alone, and all together. */
function subsets(count: number): boolean[][] {
  const alone = Array.from({ length: count }, (_, i) => Array.from({ length: count }, (_, k) => k === i));
  return count === 1 ? alone : [...alone, new Array<boolean>(count).fill(true)];
}

interface Mapped {
  readonly what: string;
  readonly program: ReturnType<typeof programOf>;
  readonly inputs: readonly Input[];
  readonly expected: NdArray;
}

const size = 3;

/** `f` mapped over the operands of a subset, beside what the loop gives. */
function mapped(each: Case, f: Function, batched: readonly boolean[], inAxis: number, outAxis: number): Mapped {
  const uniform = uniforms(5);
  const shared = draw(each, uniform);
  const examples = Array.from({ length: size }, () =>
    draw(each, uniform).map((own, i) => (batched[i] ? own : shared[i]!)),
  );
  const single = programOf((xs) => [f(...xs)], shared);
  const results = examples.map((inputs) => interpret(single, inputs)[0]!);
  const rank = results[0]!.shape.length;
  const outAxes = Math.min(outAxis, rank);
  // The axis counted in an operand without its batch: not beyond its end.
  const inAxes = shared.map(({ shape }, i): Axis => (batched[i] ? Math.min(inAxis, shape.length) : null));
  const inputs = shared.map((own, i) =>
    batched[i]
      ? stackInputs(
          examples.map((example) => example[i]!),
          inAxes[i] as number,
        )
      : own,
  );
  const program = programOf((xs) => [vmap((...own: Tensor[]) => f(...own), { inAxes, outAxes })(...xs)], inputs);
  return {
    what: `batched [${batched}], axes [${inAxes}] to ${outAxes}`,
    program,
    inputs,
    expected: stack(results, outAxes),
  };
}

/** Mapped twice: the outer one over the first operand, the inner one over the last, which may be the same one. */
function mappedTwice(each: Case): Mapped {
  const uniform = uniforms(6);
  const shared = draw(each, uniform);
  const last = shared.length - 1;
  const rows = [draw(each, uniform), draw(each, uniform)];
  const columns = Array.from({ length: size }, () => draw(each, uniform));
  const grid = rows.map((row) =>
    columns.map((column) => {
      if (last === 0) return draw(each, uniform);
      return shared.map((input, i) => (i === 0 ? row[0]! : i === last ? column[last]! : input));
    }),
  );
  const single = programOf((xs) => [each.f(...xs)], shared);
  const results = grid.map((row) => row.map((inputs) => interpret(single, inputs)[0]!));
  const inputs = shared.map((own, i) => {
    if (last === 0)
      return {
        ...stack(
          grid.map((row) =>
            stack(
              row.map(([x]) => x!),
              0,
            ),
          ),
          1,
        ),
        dtype: own.dtype,
      };
    if (i === 0)
      return stackInputs(
        grid.map(([inputs]) => inputs![0]!),
        0,
      );
    return i === last
      ? stackInputs(
          grid[0]!.map((inputs) => inputs[last]!),
          0,
        )
      : own;
  });
  const outer = shared.map((_, i): Axis => (last === 0 ? 1 : i === 0 ? 0 : null));
  const inner = shared.map((_, i): Axis => (i === last ? 0 : null));
  const program = programOf(
    (xs) => [vmap(vmap(each.f, { inAxes: inner }), { inAxes: outer, outAxes: 1 })(...xs)],
    inputs,
  );
  return {
    what: 'mapped twice',
    program,
    inputs,
    expected: stack(
      results.map((row) => stack(row, 0)),
      1,
    ),
  };
}

function variants(each: Case): Mapped[] {
  const { f, draws } = each;
  const all = new Array<boolean>(draws.length).fill(true);
  const slope = gradient(each);
  const slopes = mapped(each, slope, all, 0, 0);
  const whole = gradient({ f: (...xs) => vmap((...own: Tensor[]) => f(...own))(...xs), draws }, [size]);
  return [
    { ...slopes, what: 'the gradient of a map', program: programOf((xs) => [whole(...xs)], slopes.inputs) },
    ...subsets(draws.length).flatMap((batched) => [
      mapped(each, f, batched, 0, 0),
      mapped(each, f, batched, 1, 1),
      mapped(each, f, batched, Infinity, Infinity),
      mapped(each, slope, batched, 0, 0),
    ]),
    mapped(each, (...xs) => vmap(slope, { inAxes: xs.map(() => 0) })(...xs.map((x) => tf.expandDims(x))), all, 0, 0),
    mappedTwice(each),
  ];
}

describe.each(cases.map((each) => [each.name, each] as const))('%s', (_, each) => {
  let all: Mapped[];
  beforeAll(() => {
    all = variants(each);
  });

  test('equals the loop in float64', () => {
    for (const { what, program, inputs, expected } of all) {
      const [received] = interpret(program, inputs);
      expect(received!.shape, what).toEqual(expected.shape);
      expectClose(what, received!.values, expected.values, 1e-12, 1e-12);
    }
  });

  test.each(['cpu', 'wasm'] as const)('%s agrees', async (device) => {
    await setBackend(device);
    for (const { what, program, inputs, expected } of all) {
      expectClose(what, runOnDevice(program, inputs)[0]!, expected.values, 1e-4, 1e-5);
    }
  });
});

// Nested maps soon have more axes than the kernels of a device take.
describe.each(['cpu', 'wasm'] as const)('seven axes on %s', (device) => {
  const shape = [2, 1, 2, 3, 1, 2, 2];
  const input: Input = { dtype: 'float32', shape, values: Float64Array.from({ length: 48 }, (_, i) => Math.sin(i)) };
  const part = (x: Tensor, size: readonly number[]): Tensor =>
    record('Slice', [x], { begin: shape.map(() => 0), size });
  const paddings = [
    [1, 0],
    [0, 0],
    [0, 1],
    [0, 0],
    [2, 0],
    [0, 0],
    [0, 1],
  ];
  test.each<[string, Function]>([
    ['Add', (x) => tf.add(x, tf.add(x, 1))],
    ['Add that broadcasts', (x) => tf.add(part(x, [2, 1, 1, 1, 1, 2, 2]), part(x, [1, 1, 2, 3, 1, 1, 1]))],
    [
      'Multiply that broadcasts every other axis',
      (x) =>
        tf.mul(
          tf.reshape(part(x, [2, 1, 2, 1, 1, 2, 2]), [2, 1, 2, 1, 2, 1, 2]),
          tf.reshape(part(x, [2, 1, 2, 1, 1, 2, 1]), [1, 2, 1, 2, 1, 2, 1]),
        ),
    ],
    ['Maximum', (x) => tf.maximum(x, tf.neg(part(x, [1, 1, 2, 1, 1, 2, 1])))],
    ['PadV2', (x) => record('PadV2', [x], { paddings, constantValue: 0.5 })],
    ['Transpose', (x) => tf.transpose(x, [6, 3, 1, 0, 2, 5, 4])],
    ['BroadcastTo', (x) => record('BroadcastTo', [x], { shape: [2, 3, 2, 3, 4, 2, 2] })],
    ['Slice', (x) => record('Slice', [x], { begin: [1, 0, 0, 1, 0, 0, 1], size: [1, 1, 2, 2, 1, 1, 1] })],
    ['Reverse', (x) => tf.reverse(x, [0, 3, 6])],
    ['Max', (x) => tf.max(x, [0, 3, 6])],
    ['Cumprod', (x) => tf.cumprod(x, 3)],
    ['Softmax', (x) => tf.softmax(x)],
    ['Concat', (x) => tf.concat([x, tf.mul(x, 2)], 3)],
    ['GatherV2', (x) => tf.gather(x, tf.tensor1d([1, 0, 1], 'int32'), 3)],
    ['Select', (x) => tf.where(tf.greater(x, 0), x, tf.square(x))],
    ['BatchMatMul', (x) => tf.matMul(x, x, false, true)],
  ])('%s', async (_, f) => {
    await setBackend(device);
    const program = programOf(([x]) => [f(x!), grad((v: Tensor) => tf.sum(tf.square(f(v))))(x!)], [input]);
    const expected = interpret(program, [input]);
    runOnDevice(program, [input]).forEach((values, i) => {
      expectClose(`output ${i}`, values, expected[i]!.values, 1e-5);
    });
  });

  test('an empty batch, and a batch of one', async () => {
    await setBackend(device);
    const f = (x: Tensor): Tensor => tf.sum(tf.matMul(tf.reshape(tf.softmax(x), [1, 3]), tf.ones([3, 2])));
    expect(vmap(f)(tf.zeros([0, 3])).shape).toEqual([0]);
    expect(vmap(grad(f))(tf.zeros([0, 3])).shape).toEqual([0, 3]);
    expect(vmap(f)(tf.zeros([1, 3]))).toBeAllClose([2]);
  });
});

describe('with other transforms', () => {
  beforeAll(() => setBackend('cpu'));

  const w = tf.tensor2d([
    [0.5, -1],
    [2, 0.25],
    [1, 1],
  ]);
  const xs = tf.tensor2d([
    [1, 2, 3],
    [-1, 0.5, 0],
    [0.1, 0.2, -0.3],
    [2, 1, 0],
  ]);
  const loss = (weight: Tensor, x: Tensor): Tensor =>
    tf.sum(tf.tanh(tf.matMul(tf.reshape(x, [1, 3]), weight as tf.Tensor2D)));
  const row = (x: Tensor, i: number): Tensor => tf.gather(x, i);
  const loop = (f: (x: Tensor) => Tensor): Tensor => tf.stack(tf.unstack(xs).map(f));

  test('per-example gradients', () => {
    const perExample = vmap(grad(loss), { inAxes: [null, 0] })(w, xs);
    expect(perExample).toBeAllClose(loop((x) => grad(loss)(w, x)));
  });

  test('the gradient of a mapped function is the sum of them', () => {
    const total = grad((weight: Tensor) => tf.sum(vmap(loss, { inAxes: [null, 0] })(weight, xs)))(w);
    expect(total).toBeAllClose(
      tf.sum(
        loop((x) => grad(loss)(w, x)),
        0,
      ),
    );
  });

  test('forward mode of a mapped function', () => {
    const [, tangent] = jvp((weight: Tensor) => vmap(loss, { inAxes: [null, 0] })(weight, xs), [w], [tf.onesLike(w)]);
    expect(tangent).toBeAllClose(loop((x) => jvp((weight: Tensor) => loss(weight, x), [w], [tf.onesLike(w)])[1]));
  });

  test('Hessians of mapped functions, and mapped Hessians', () => {
    const along = tf.cos(w);
    const product = (f: (weight: Tensor) => Tensor): Tensor => hvp(f, [w], [along])[1];
    const mappedLoss = (weight: Tensor): Tensor => tf.sum(vmap(loss, { inAxes: [null, 0] })(weight, xs));
    const products = loop((x) => product((weight) => loss(weight, x)));
    expect(product(mappedLoss)).toBeAllClose(tf.sum(products, 0));
    expect(vmap((x: Tensor) => product((weight) => loss(weight, x)))(xs)).toBeAllClose(products);
    const second = (x: Tensor): Tensor => jacfwd(jacrev((weight: Tensor) => loss(weight, x)))(w) as Tensor;
    const hessians = loop(second);
    expect(vmap(second)(xs)).toBeAllClose(hessians);
    expect(jit(vmap(second))(xs)).toBeAllClose(hessians);
    expect(jacfwd(jacrev(mappedLoss))(w) as Tensor).toBeAllClose(tf.sum(hessians, 0));
    expect(tf.sum(tf.mul(hessians, along), [3, 4])).toBeAllClose(products);
  });

  test('jit inside and outside', () => {
    const expected = loop((x) => grad(loss)(w, x));
    expect(vmap(jit(grad(loss)), { inAxes: [null, 0] })(w, xs)).toBeAllClose(expected);
    expect(jit(vmap(grad(loss), { inAxes: [null, 0] }))(w, xs)).toBeAllClose(expected);
    expect(jit(vmap(jit(vmap(jit(tf.exp)))))(xs)).toBeAllClose(tf.exp(xs));
  });

  test('tf.customGrad keeps its derivative for each example', () => {
    const clipped = tf.customGrad((x, save) => {
      (save as tf.GradSaveFunc)([x as Tensor]);
      return {
        value: tf.square(x as Tensor),
        gradFunc: (dy: Tensor, saved: Tensor[]) => tf.mul(dy, tf.sign(saved[0]!)),
      };
    });
    const f = (x: Tensor): Tensor => tf.sum(clipped(x));
    expect(vmap(f)(xs)).toBeAllClose(loop(f));
    expect(vmap(grad(f))(xs)).toBeAllClose(tf.sign(xs));
    expect(grad((all: Tensor) => tf.sum(vmap(f)(all)))(xs)).toBeAllClose(tf.sign(xs));
  });

  test('customJvp and customVjp keep theirs, with operands mapped or not', () => {
    // The rules are not the true derivatives, so that it shows which one is used.
    const forward = customJvp(
      (a: Tensor, b: Tensor): Tensor => tf.mul(a, b),
      ([a, b], [ta, tb]) => tf.add(tf.mul(tf.mul(b, 2), ta), tf.mul(tf.mul(a, 3), tb)),
    );
    const backward = customVjp(
      (a: Tensor, b: Tensor): Tensor => tf.mul(a, b),
      ([a, b], cotangent) => [tf.mul(tf.mul(b, 2), cotangent), tf.mul(tf.mul(a, 3), cotangent)] as [Tensor, Tensor],
    );
    const b = row(xs, 1);
    for (const f of [forward, backward]) {
      const g = (x: Tensor, y: Tensor): Tensor => tf.sum(f(x, y));
      expect(vmap(g)(xs, xs)).toBeAllClose(loop((x) => g(x, x)));
      expect(vmap(grad(g), { inAxes: [0, null] })(xs, b)).toBeAllClose(tf.mul(2, tf.broadcastTo(b, xs.shape)));
      expect(vmap(grad(g), { inAxes: [null, 0] })(b, xs)).toBeAllClose(tf.mul(2, xs));
      expect(grad((y: Tensor) => tf.sum(vmap(g, { inAxes: [0, null] })(xs, y)))(b)).toBeAllClose(
        tf.mul(3, tf.sum(xs, 0)),
      );
      const [, tangent] = jvp((y: Tensor) => vmap(g, { inAxes: [0, null] })(xs, y), [b], [tf.onesLike(b)]);
      expect(tangent).toBeAllClose(tf.mul(3, tf.sum(xs, 1)));
      expect(vmap(vmap((x: Tensor) => grad(f as Function)(x, x)))(xs)).toBeAllClose(tf.mul(2, xs));
    }
  });

  test('a custom derivative that is the same for all examples is repeated', () => {
    const f = customVjp(
      (a: Tensor): Tensor => tf.sum(a),
      (): [Tensor] => [tf.fill([3], 7)],
    );
    expect(vmap(grad(f))(xs)).toBeAllClose(tf.fill([4, 3], 7));
    expect(grad((all: Tensor) => tf.sum(vmap(f)(all)))(xs)).toBeAllClose(tf.fill([4, 3], 7));
  });

  test('trees go in and out, tensors that do not depend on the example are repeated, and other leaves pass', () => {
    const result = vmap(({ x, scale }: { x: Tensor; scale: number }) => ({
      y: tf.mul(x, scale),
      constant: tf.scalar(7),
      note: 'as it is',
    }))({ x: xs, scale: 2 });
    expect(result.note).toBe('as it is');
    expect(result.y).toBeAllClose(tf.mul(xs, 2));
    expect(result.constant).toBeAllClose([7, 7, 7, 7]);
  });

  test('valueAndGrad of a tree, mapped over one leaf axis inside', () => {
    const f = (params: { w: Tensor; b: Tensor }, x: Tensor): Tensor => tf.add(loss(params.w, x), tf.sum(params.b));
    const [values, slopes] = vmap(valueAndGrad(f), { inAxes: [null, 1] })({ w, b: tf.scalar(1) }, tf.transpose(xs));
    expect(values).toBeAllClose(loop((x) => tf.add(loss(w, x), 1)));
    expect(slopes.w).toBeAllClose(loop((x) => grad(loss)(w, x)));
    expect(slopes.b).toBeAllClose([1, 1, 1, 1]);
  });

  test('a captured tensor is shared by all examples, also where it is an outer example', () => {
    const outer = vmap((a: Tensor) => vmap((b: Tensor) => tf.sum(tf.mul(a, b)))(xs))(xs);
    expect(outer).toBeAllClose(tf.matMul(xs, xs, false, true));
  });
});
