// What holds for every program, on random ones: chains of operations on a matrix, of 3 to 10.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import { interpret } from '@posteriors/interpreter';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkpoint, grad, jacfwd, jacrev, jit, jvp, scan, vjp, vmap } from '../src/index.ts';
import { cases } from './cases.ts';
import {
  directions,
  draw,
  expectClose,
  type Input,
  only,
  programOf,
  runOnDevice,
  sizeOf,
  uniforms,
} from './float64.ts';

type Tensor = tf.Tensor;

/** From a matrix of up to 4 x 4, and four more numbers, to another such matrix with elements of unit size. */
type Operation = (x: tf.Tensor2D, v: tf.Tensor1D) => Tensor;

const row = (x: tf.Tensor2D, v: tf.Tensor1D): Tensor => tf.slice(v, [0], [x.shape[1]]);
const column = (x: tf.Tensor2D, v: tf.Tensor1D): Tensor =>
  tf.expandDims(tf.slice(v, [4 - x.shape[0]], [x.shape[0]]), 1);
const asImage = (x: tf.Tensor2D): tf.Tensor4D => tf.reshape(x, [1, ...x.shape, 1]);
/** Away from numbers that operations leave: zeros of padding, and elements that were equal. */
const apart = (x: tf.Tensor2D): tf.Tensor2D => {
  const ramp = tf.reshape(tf.range(0, x.size), x.shape);
  return tf.add(tf.add(x, 0.1234), tf.mul(ramp, 0.0371));
};
const rows = (x: tf.Tensor2D): tf.Tensor1D => tf.tensor1d([x.shape[0] - 1, 0, 0], 'int32');

const operations: { readonly [name: string]: Operation } = {
  abs: (x) => tf.abs(apart(x)),
  asinh: (x) => tf.asinh(x),
  atan2: (x, v) => tf.atan2(x, tf.add(2, row(x, v))),
  cos: (x) => tf.cos(x),
  elu: (x) => tf.elu(apart(x)),
  erf: (x) => tf.erf(x),
  exp: (x) => tf.exp(tf.neg(tf.softplus(x))),
  leakyRelu: (x) => tf.leakyRelu(apart(x), 0.25),
  log: (x) => tf.log(tf.add(1, tf.square(x))),
  reciprocal: (x) => tf.reciprocal(tf.add(1, tf.square(x))),
  relu: (x) => tf.relu(apart(x)),
  rsqrt: (x) => tf.rsqrt(tf.add(1, tf.square(x))),
  selu: (x) => tf.selu(apart(x)),
  sigmoid: (x) => tf.sigmoid(x),
  sin: (x) => tf.sin(x),
  square: (x) => tf.square(tf.tanh(x)),
  clip: (x) => tf.clipByValue(apart(x), -0.8, 0.8),

  add: (x, v) => tf.add(x, row(x, v)),
  divide: (x, v) => tf.div(column(x, v), tf.add(1, tf.square(x))),
  itself: (x) => tf.mul(x, tf.tanh(x)),
  multiply: (x, v) => tf.mul(x, column(x, v)),
  maximum: (x, v) => tf.maximum(apart(x), row(x, v)),
  minimum: (x, v) => tf.minimum(apart(x), column(x, v)),
  mod: (x) => tf.mod(apart(x), 3.21),
  power: (x, v) => tf.pow(tf.sigmoid(x), tf.add(1.5, row(x, v))),
  select: (x, v) => tf.where(tf.greater(apart(x), column(x, v)), x, tf.sin(x)),
  subtract: (x, v) => tf.sub(row(x, v), x),
  prelu: (x, v) => tf.prelu(apart(x), row(x, v)),

  sum: (x) => tf.sub(x, tf.mul(0.3, tf.sum(x, 0))),
  mean: (x) => tf.add(x, tf.mean(x, 1, true)),
  prod: (x) => tf.mul(x, tf.prod(tf.tanh(x))),
  max: (x) => tf.sub(tf.max(apart(x), 1, true), x),
  min: (x) => tf.add(tf.min(apart(x), 0, true), x),
  logSumExp: (x) => tf.sub(x, tf.logSumExp(x, 0)),
  logSoftmax: (x) => tf.logSoftmax(x),
  softmax: (x) => tf.softmax(x),
  variance: (x) => tf.div(x, tf.sqrt(tf.add(1, tf.moments(x, 1, true).variance))),
  norm: (x) => tf.div(x, tf.add(1, tf.norm(apart(x)))),
  cumsum: (x) => tf.sin(tf.cumsum(x, 0, true)),
  cumprod: (x) => tf.cumprod(tf.tanh(x), 1, false, true),
  argMax: (x) => tf.mul(x, tf.add(0.5, tf.cast(tf.expandDims(tf.argMax(apart(x), 1), 1), 'float32'))),

  gram: (x) => tf.tanh(tf.matMul(x, x, true)),
  matMul: (x, v) => tf.matMul(x, tf.sin(tf.outerProduct(row(x, v) as tf.Tensor1D, tf.slice(v, [1])))),
  einsum: (x, v) => tf.sin(tf.einsum('ij,kj->ki', x, tf.outerProduct(tf.slice(v, [2]), row(x, v) as tf.Tensor1D))),
  conv2d: (x, v) => tf.sin(tf.reshape(tf.conv2d(asImage(x), tf.reshape(v, [2, 2, 1, 1]), 1, 'same'), x.shape)),
  conv1d: (x, v) => {
    const filter = tf.reshape(tf.outerProduct(v, row(x, v) as tf.Tensor1D), [2, x.shape[1], 2]) as tf.Tensor3D;
    return tf.tanh(tf.conv1d(x, filter, 1, 'same'));
  },
  avgPool: (x) => tf.reshape(tf.avgPool(asImage(x), 2, 1, 'same'), x.shape),
  maxPool: (x) => tf.reshape(tf.maxPool(asImage(apart(x)), 2, 1, 'same'), x.shape),

  concat: (x, v) => tf.slice(tf.concat([tf.expandDims(row(x, v)), x, x], 0), [1, 0], [x.shape[0], -1]),
  gather: (x) => tf.gather(x, rows(x)),
  gatherND: (x) => tf.gatherND(x, tf.expandDims(rows(x), 1)),
  pad: (x) =>
    tf.slice(
      tf.pad(x, [
        [1, 0],
        [0, 1],
      ]),
      [0, 0],
      [x.shape[0], x.shape[1]],
    ),
  mirrorPad: (x) =>
    tf.slice(
      tf.mirrorPad(
        x,
        [
          [1, 0],
          [0, 1],
        ],
        'symmetric',
      ),
      [0, 1],
      [x.shape[0], -1],
    ),
  reshape: (x) => tf.reshape(x, [x.shape[1], x.shape[0]]),
  reverse: (x) => tf.reverse(x, 1),
  scatterND: (x, v) =>
    tf.scatterND(tf.tensor2d([[1], [0], [1], [0]], [4, 1], 'int32'), tf.outerProduct(v, row(x, v) as tf.Tensor1D), [
      2,
      x.shape[1],
    ]),
  slice: (x) => tf.slice(x, [x.shape[0] - 1, 0], [1, -1]),
  stack: (x) => tf.reshape(tf.slice(tf.stack([x, tf.sin(x)], 1), [0, 1, 0], [-1, 1, -1]), x.shape),
  stridedSlice: (x) => tf.stridedSlice(x, [0, 0], [x.shape[0], x.shape[1]], [2, 1]),
  tile: (x) => tf.slice(tf.tile(x, [2, 2]), [0, 0], [Math.min(3, 2 * x.shape[0]), Math.min(4, 2 * x.shape[1])]),
  topk: (x) => tf.topk(apart(x), 1 + Math.floor(x.shape[1] / 2)).values,
  transpose: (x) => tf.transpose(x),
};

const programs = fc.record({
  names: fc.array(fc.constantFrom(...Object.keys(operations)), { minLength: 3, maxLength: 10 }),
  shape: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
  seed: fc.integer({ min: 1, max: 1e6 }),
});
type Drawn = typeof programs extends fc.Arbitrary<infer T> ? T : never;

const options = { numRuns: 200, seed: 11 };

function functionOf({ names }: Drawn): (x: Tensor, v: Tensor) => Tensor {
  return (x, v) => names.reduce((y, name) => operations[name]!(y as tf.Tensor2D, v as tf.Tensor1D) as Tensor, x);
}

/** Two points, two tangents, and weights of the value. */
function inputsOf(drawn: Drawn, count = 1): Input[] {
  const uniform = uniforms(drawn.seed);
  const batch = count === 1 ? [] : [count];
  return directions(
    [drawn.shape, [4], drawn.shape, [4], drawn.shape, [4]].map((shape) => ({ shape: [...batch, ...shape] })),
    uniform,
  );
}

const inner = (as: readonly Tensor[], bs: readonly Tensor[]): Tensor =>
  tf.addN(as.map((a, i) => tf.sum(tf.mul(a, bs[i]!))));

/** Weights of the elements of a value, all different. */
const weights = (y: Tensor): Tensor => tf.cos(tf.reshape(tf.range(0, y.size), y.shape));

/** A scalar function with a Hessian. */
const lossOf = (drawn: Drawn) => {
  const f = functionOf(drawn);
  return (p: readonly [Tensor, Tensor]): Tensor => {
    const y = f(...p);
    return tf.sum(tf.mul(weights(y), tf.add(y, tf.mul(tf.square(y), 0.5))));
  };
};

const kernelsSeen = new Set<string>();

test('<u, J v> = <J^T u, v>, and <u, H v> = <v, H u>', () => {
  fc.assert(
    fc.property(programs, (drawn) => {
      const f = functionOf(drawn);
      const inputs = inputsOf(drawn);
      const program = programOf((tensors) => {
        const [x, v, dx, dv, ex, ev] = tensors as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
        const [y, pushed] = jvp(f, [x, v], [dx, dv]);
        const pulled = vjp(f, [x, v]).pullback(weights(y));
        const loss = lossOf(drawn);
        const second = (tangent: readonly [Tensor, Tensor]): readonly Tensor[] =>
          jvp(grad(loss), [[x, v] as const], [tangent])[1] as readonly Tensor[];
        return [
          tf.sum(tf.mul(weights(y), pushed)),
          inner(pulled, [dx, dv]),
          inner([ex, ev], second([dx, dv])),
          inner([dx, dv], second([ex, ev])),
        ];
      }, inputs);
      for (const equation of program.equations) if (equation.type === 'kernel') kernelsSeen.add(equation.kernel);
      const [uJv, vJu, uHv, vHu] = interpret(program, inputs).map(({ values }) => values[0] as number);
      // Beside it what rounding leaves of terms that cancel.
      expectClose('<J^T u, v>', [vJu!], [uJv!], 1e-9, 1e-10);
      expectClose('<v, H u>', [vHu!], [uHv!], 1e-8, 1e-8);
    }),
    options,
  );
  expect(kernelsSeen.size).toBeGreaterThan(60);
});

/** The elements of any tensor, some of them or repeated, as a matrix with elements of unit size. */
const asMatrix = (y: Tensor): Tensor => {
  const places = Int32Array.from({ length: 9 }, (_, i) => i % y.size);
  return tf.sin(tf.reshape(tf.gather(tf.reshape(y, [-1]), tf.tensor1d(places, 'int32')), [3, 3]));
};

const withElements = cases.filter(({ shapes }) => shapes.every((shape) => !shape.includes(0)));

test('<u, J v> = <J^T u, v>, and <u, H v> = <v, H u>, behind each case of the kernels', () => {
  fc.assert(
    fc.property(programs, fc.constantFrom(...withElements), (drawn, each) => {
      const chain = functionOf(drawn);
      const uniform = uniforms(drawn.seed);
      const xs = draw(each, uniform);
      const inputs = [...xs, ...directions([{ shape: [4] }, ...xs, ...xs], uniform)];
      const n = xs.length;
      const floating = each.draws.map(({ dtype }) => dtype === 'float32');
      const program = programOf((tensors) => {
        const v = tensors[n] as Tensor;
        const some = (all: readonly Tensor[]): Tensor[] => all.filter((_, i) => floating[i]);
        const points = some(tensors.slice(0, n));
        const [us, vs] = [some(tensors.slice(n + 1, 2 * n + 1)), some(tensors.slice(2 * n + 1))];
        const f = (moving: readonly Tensor[]): Tensor => {
          let next = 0;
          const y = each.f(...tensors.slice(0, n).map((x, i) => (floating[i] ? moving[next++]! : x)));
          return y.size === 0 ? tf.scalar(0) : chain(asMatrix(y), v);
        };
        const loss = (moving: readonly Tensor[]): Tensor => {
          const y = f(moving);
          return tf.sum(tf.mul(weights(y), y));
        };
        const [value, pushed] = jvp(f, [points], [vs]);
        const [pulled] = vjp(f, [points]).pullback(weights(value));
        const second = (tangent: Tensor[]): Tensor[] => jvp(grad(loss), [points], [tangent])[1] as Tensor[];
        return [
          tf.sum(tf.mul(weights(value), pushed)),
          inner(pulled as readonly Tensor[], vs),
          inner(us, second(vs)),
          inner(vs, second(us)),
        ];
      }, inputs);
      const [uJv, vJu, uHv, vHu] = interpret(program, inputs).map(({ values }) => values[0] as number);
      expectClose(`<J^T u, v>, ${each.name}`, [vJu!], [uJv!], 1e-9, 1e-10);
      expectClose(`<v, H u>, ${each.name}`, [vHu!], [uHv!], 1e-8, 1e-8);
    }),
    options,
  );
});

test('vmap equals the loop, of values and of gradients', () => {
  fc.assert(
    fc.property(programs, fc.constantFrom([0, 0] as const, [0, null] as const, [null, 0] as const), (drawn, axes) => {
      const f = functionOf(drawn);
      const of = (x: Tensor, v: Tensor): Tensor[] => [f(x, v), ...grad(lossOf(drawn))([x, v])];
      const count = 3;
      const batched = inputsOf(drawn, count);
      const single = inputsOf({ ...drawn, seed: drawn.seed + 1 });
      const inputs = axes.map((axis, i) => (axis === 0 ? batched[i]! : single[i]!));
      const program = programOf((tensors) => {
        const each = Array.from({ length: count }, (_, k) =>
          of(...(tensors.map((t, i) => (axes[i] === 0 ? tf.gather(t, k) : t)) as [Tensor, Tensor])),
        );
        const mapped = vmap(of, { inAxes: axes })(...(tensors as [Tensor, Tensor])) as Tensor[];
        return mapped.flatMap((whole, i) => [whole, tf.stack(each.map((parts) => parts[i]!))]);
      }, inputs);
      const results = interpret(program, inputs);
      for (let i = 0; i < results.length; i += 2) {
        expect(results[i]!.shape).toEqual(results[i + 1]!.shape);
        expectClose(`vmap, result ${i / 2}`, results[i]!.values, results[i + 1]!.values, 1e-10, 1e-12);
      }
    }),
    options,
  );
});

/** Of pairs of results, that each is the same. */
function expectPairs(
  pairs: (tensors: readonly Tensor[]) => readonly (readonly [Tensor, Tensor])[],
  inputs: Input[],
): void {
  const results = interpret(
    programOf((tensors) => pairs(tensors).flat(), inputs),
    inputs,
  );
  for (let i = 0; i < results.length; i += 2) {
    expect(results[i]!.shape).toEqual(results[i + 1]!.shape);
    expectClose(`pair ${i / 2}`, results[i]!.values, results[i + 1]!.values, 1e-9, 1e-10);
  }
}

test('jacrev equals jacfwd, and checkpoint changes no gradient', () => {
  fc.assert(
    fc.property(programs, (drawn) => {
      const f = functionOf(drawn);
      const loss = lossOf(drawn);
      expectPairs(([x, v]) => {
        const point = [x!, v!] as const;
        const [plain, again] = [grad(loss)(point), grad((p: typeof point) => checkpoint(loss)(p))(point)];
        return [
          [jacrev((t: Tensor) => f(t, v!))(x!), jacfwd((t: Tensor) => f(t, v!))(x!)],
          ...plain.map((t, i) => [t, again[i] as Tensor] as const),
        ];
      }, inputsOf(drawn));
    }),
    { ...options, numRuns: 60 },
  );
});

test('scan equals the loop, its gradients too', () => {
  fc.assert(
    fc.property(programs, (drawn) => {
      const loss = lossOf(drawn);
      const count = 3;
      const body = (carry: Tensor, [x, v]: readonly [Tensor, Tensor]): [Tensor, Tensor] => {
        const next = tf.sin(tf.add(carry, loss([x, tf.add(v, carry)])));
        return [next, tf.mul(next, carry)];
      };
      const scanned = (xs: readonly [Tensor, Tensor]): Tensor => {
        const [carry, ys] = scan(body, tf.scalar(0.3) as Tensor, xs);
        return tf.add(carry, tf.sum(ys));
      };
      const looped = (xs: readonly [Tensor, Tensor]): Tensor => {
        let carry: Tensor = tf.scalar(0.3);
        const ys: Tensor[] = [];
        for (let k = 0; k < count; k++) {
          const [next, y] = body(carry, [tf.gather(xs[0], k), tf.gather(xs[1], k)]);
          carry = next;
          ys.push(y);
        }
        return tf.add(carry, tf.addN(ys));
      };
      expectPairs(
        ([x, v]) => {
          const point = [x!, v!] as const;
          const [ofScan, ofLoop] = [grad(scanned)(point), grad(looped)(point)];
          return [[scanned(point), looped(point)], ...ofScan.map((t, i) => [t, ofLoop[i] as Tensor] as const)];
        },
        inputsOf(drawn, count),
      );
    }),
    { ...options, numRuns: 60 },
  );
});

describe.each(['cpu', 'wasm'] as const)('%s', (device) => {
  test('runs values, tangents and gradients as float64 has them', async () => {
    await setBackend(device);
    fc.assert(
      fc.property(programs, (drawn) => {
        const f = functionOf(drawn);
        const inputs = inputsOf(drawn);
        const program = programOf((tensors) => {
          const [x, v, dx, dv] = tensors as [Tensor, Tensor, Tensor, Tensor];
          return [...jvp(f, [x, v], [dx, dv]), ...grad(lossOf(drawn))([x, v])];
        }, inputs);
        const expected = interpret(program, inputs);
        runOnDevice(only(program, 0, 1, 2, 3), inputs).forEach((values, i) => {
          expectClose(`result ${i}`, values, expected[i]!.values, 1e-4, 1e-5);
        });
      }),
      options,
    );
  });
});

// Operations of tfjs that wasm lacks or gets wrong have nothing there to be compared with.
test('jit equals the operations one by one', async () => {
  await setBackend('cpu');
  fc.assert(
    fc.property(programs, (drawn) => {
      const [x, v] = inputsOf(drawn).map(({ shape, values }) => tf.tensor(Float32Array.from(values), [...shape]));
      const compiled = jit(functionOf(drawn));
      try {
        const before = tf.memory().numTensors;
        const received = compiled(x!, v!);
        expect(tf.memory().numTensors).toBe(before + 1);
        const expected = tf.tidy(() => functionOf(drawn)(x!, v!));
        expect(received.shape).toEqual(expected.shape);
        expect(received.size).toBe(sizeOf(expected.shape));
        expectClose('jit', received.dataSync(), expected.dataSync(), 1e-5, 1e-5);
        tf.dispose([received, expected]);
      } finally {
        compiled.dispose();
        tf.dispose([x!, v!]);
      }
    }),
    options,
  );
});
