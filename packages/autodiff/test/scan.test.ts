// A loop as one equation against the loop written out: values, derivatives to the third order, batches and compilation.
import '@tensorflow/tfjs';
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { type Equation, type Program, setBackend, trace } from '@posteriors/backend';
import { interpret } from '@posteriors/interpreter';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { hooks } from '../src/hooks.ts';
import {
  customJvp,
  customVjp,
  evaluate,
  grad,
  hessian,
  hvp,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linearize,
  makeProgram,
  scan,
  vjp,
  vmap,
} from '../src/index.ts';
import { difference, directions, expectClose, type Input, only, runOnDevice, uniforms } from './float64.ts';

await setBackend('cpu');

type Tensor = tf.Tensor;
type Scan = typeof scan;

/** The same loop, written out. */
const unrolled = ((f: (carry: never, x: never) => [never, never], init: never, xs: never, options: never) => {
  const { length, reverse = false } = (options ?? {}) as { length?: number; reverse?: boolean };
  return evaluate('unrolled', () => {
    const slices = (tree: unknown, i: number): unknown =>
      tree === null
        ? null
        : tree instanceof tf.Tensor
          ? tf.squeeze(tf.slice(tree, [i], [1]), [0])
          : Object.fromEntries(Object.entries(tree as object).map(([name, leaf]) => [name, slices(leaf, i)]));
    const first = (tree: unknown): number | undefined =>
      tree === null ? undefined : tree instanceof tf.Tensor ? tree.shape[0] : first(Object.values(tree as object)[0]);
    const count = length ?? (first(xs) as number);
    let carry = init;
    const ys: Tensor[] = new Array(count);
    for (let step = 0; step < count; step++) {
      const i = reverse ? count - 1 - step : step;
      const [next, y] = f(carry, slices(xs, i) as never);
      carry = next;
      ys[i] = y;
    }
    return [carry, tf.stack(ys)];
  });
}) as unknown as Scan;

type Inputs = [w: Tensor, h: Tensor, xs: Tensor];
interface Loop {
  readonly name: string;
  run(loop: Scan, ...inputs: Inputs): Tensor;
}

// A network that feeds back, with a weight in a closure.
const recurrent =
  (options: { reverse?: boolean }) =>
  (loop: Scan, w: Tensor, h: Tensor, xs: Tensor): Tensor => {
    const [last, ys] = loop(
      (carry: Tensor, x: Tensor) => {
        const next = tf.tanh(tf.add(tf.squeeze(tf.matMul(tf.reshape(carry, [1, 2]), w as tf.Tensor2D), [0]), x));
        return [next, tf.mul(next, carry)];
      },
      h,
      xs,
      options,
    );
    return tf.add(tf.sum(tf.mul(last, [1, -2])), tf.sum(tf.square(ys)));
  };

const custom = customVjp(
  (a: Tensor, b: Tensor) => tf.mul(tf.sin(a), b),
  ([a, b], dy): [Tensor, Tensor] => [tf.mul(dy, tf.mul(tf.cos(a), b)), tf.mul(dy, tf.sin(a))],
);
const forward = customJvp(
  (a: Tensor) => tf.exp(tf.mul(a, 0.3)),
  (_, [da], value) => tf.mul(tf.mul(da, 0.3), value),
);

const loops: Loop[] = [
  { name: 'a recurrent network', run: recurrent({}) },
  { name: 'a recurrent network in reverse', run: recurrent({ reverse: true }) },
  {
    name: 'several carries of which some are constant to derivatives',
    run(loop, w, h, xs) {
      const [{ a, count }, ys] = loop(
        ({ a, b, count }: { a: Tensor; b: Tensor; count: Tensor }, x: Tensor) => {
          const scaled = tf.mul(b, tf.cast(count, 'float32'));
          return [
            { a: tf.add(a, tf.mul(scaled, x)), b: tf.sin(tf.add(b, a)), count: tf.add(count, tf.scalar(1, 'int32')) },
            tf.sign(tf.add(a, x)),
          ];
        },
        { a: tf.zeros([2]), b: h, count: tf.scalar(1, 'int32') },
        xs,
      );
      return tf.sum(tf.mul(tf.add(a, tf.mul(ys, tf.cast(count, 'float32'))), tf.sum(w)));
    },
  },
  {
    name: 'a loop in a loop',
    run(loop, w, h, xs) {
      const [last] = loop(
        (carry: Tensor, x: Tensor) => {
          const [inner, rows] = loop(
            (state: Tensor, row: Tensor) => [tf.sin(tf.add(tf.mul(state, row), x)), tf.mul(state, carry)],
            carry,
            w,
          );
          return [tf.mul(inner, tf.sum(rows)), []] as never;
        },
        h,
        xs,
      );
      return tf.sum(last);
    },
  },
  {
    name: 'custom derivatives',
    run(loop, w, h, xs) {
      const [last, ys] = loop(
        (carry: Tensor, x: Tensor) => [custom(carry, tf.add(x, tf.sum(w, 0))), forward(carry)],
        h,
        xs,
      );
      return tf.add(tf.sum(last), tf.sum(tf.mul(ys, xs)));
    },
  },
  {
    name: 'a carry that starts anew, one that is exchanged, and results that repeat',
    run(loop, w, h, xs) {
      const [[a, b], ys] = loop(
        ([a, b]: [Tensor, Tensor], x: Tensor): [[Tensor, Tensor], Tensor] => [[tf.mul(b, tf.mul(x, x)), x], a],
        [h, tf.sum(w, 0)],
        xs,
      );
      return tf.add(tf.sum(tf.mul(a, b)), tf.sum(tf.exp(tf.mul(ys, ys))));
    },
  },
  {
    name: 'no slices',
    run(loop, w, h, xs) {
      const scale = tf.add(tf.sum(w), tf.mean(xs));
      const [last] = loop((carry: Tensor) => [tf.sin(tf.mul(carry, scale)), carry], h, null, { length: 3 });
      return tf.sum(tf.mul(last, last));
    },
  },
];

const inputs: Input[] = [
  { dtype: 'float32', shape: [2, 2], values: Float64Array.of(0.5, -0.25, 0.75, 0.5) },
  { dtype: 'float32', shape: [2], values: Float64Array.of(0.5, 1.25) },
  { dtype: 'float32', shape: [3, 2], values: Float64Array.of(0.25, -0.5, 1, 0.125, -0.75, 0.5) },
];
const tensorsOf = (): Inputs =>
  inputs.map(({ values, shape }) => tf.tensor(Float32Array.from(values), [...shape])) as Inputs;

const inner = (as: readonly Tensor[], bs: readonly Tensor[]): Tensor =>
  as.map((a, i) => tf.sum(tf.mul(a, bs[i]!))).reduce((a, b) => tf.add(a, b));

/** Value, slopes to the third order in both modes, and cotangents. */
function derivatives(f: (...xs: Inputs) => Tensor): (tensors: Tensor[]) => Tensor[] {
  return (tensors) => {
    const xs = tensors.slice(0, 3) as Inputs;
    const along = tensors.slice(3) as Inputs;
    const push =
      (g: (...xs: Inputs) => Tensor) =>
      (...point: Inputs): Tensor =>
        jvp(g, point, along)[1];
    const pull =
      (g: (...xs: Inputs) => Tensor) =>
      (...point: Inputs): Tensor =>
        inner(grad((all: Inputs) => g(...all))(point), along);
    return [
      f(...xs),
      push(f)(...xs),
      push(push(f))(...xs),
      push(push(push(f)))(...xs),
      pull(f)(...xs),
      push(pull(f))(...xs),
      pull(push(f))(...xs),
      pull(pull(f))(...xs),
      push(pull(pull(f)))(...xs),
      ...grad((all: Inputs) => f(...all))(xs),
      ...grad((all: Inputs) => push(f)(...all))(xs),
    ];
  };
}

function equationsOf(program: Program): Equation[] {
  return program.equations.flatMap((equation) =>
    equation.type === 'scan' ? [equation, ...equationsOf(equation.body)] : [equation],
  );
}

describe.each(loops)('$name', ({ run }) => {
  const along = directions(inputs, uniforms(3));
  const avals = [...inputs, ...along];
  const looped = trace(
    derivatives((...xs) => run(scan, ...xs)),
    avals,
    hooks,
  );
  const written = trace(
    derivatives((...xs) => run(unrolled, ...xs)),
    avals,
    hooks,
  );

  test('equals the loop written out, and the differences, in float64', () => {
    expect(equationsOf(only(looped, 0)).some(({ type }) => type === 'scan')).toBe(true);
    expect(equationsOf(written).some(({ type }) => type === 'scan')).toBe(false);
    const [values, expected] = [looped, written].map((program) => interpret(program, avals));
    values!.forEach(({ values: received }, i) => {
      expectClose(`output ${i}`, received, expected![i]!.values, 1e-10, 1e-12);
    });
    const slope = (output: number): Float64Array => difference(looped, output, avals, along);
    for (const [derivative, of] of [
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 0],
      [5, 4],
      [6, 1],
      [7, 4],
    ] as const) {
      expectClose(`${derivative} of ${of}`, values![derivative]!.values, slope(of), 1e-6, 1e-8);
    }
  });

  test.each(['cpu', 'wasm'] as const)('on %s', async (device) => {
    await setBackend(device);
    const expected = interpret(looped, avals);
    runOnDevice(looped, avals).forEach((values, i) => {
      expectClose(`output ${i}`, values, expected[i]!.values, 2e-4, 1e-5);
    });
  });

  test('batched, alone and together', async () => {
    await setBackend('cpu');
    const xs = tensorsOf();
    const batches = xs.map((x) => tf.stack([x, tf.mul(x, -0.5), tf.add(x, 0.25)])) as Inputs;
    const total = (...all: Inputs): Tensor => run(scan, ...all);
    const slope = (...all: Inputs): Tensor => grad((w: Tensor) => run(scan, w, all[1], all[2]))(all[0]);
    const curve = (...all: Inputs): Tensor => grad((h: Tensor) => tf.sum(slope(all[0], h, all[2])))(all[1]);
    for (const f of [total, slope, curve]) {
      for (const batched of [[0], [1], [2], [0, 1], [1, 2], [0, 1, 2]]) {
        const inAxes = xs.map((_, i) => (batched.includes(i) ? 0 : null));
        const given = xs.map((x, i) => (batched.includes(i) ? batches[i] : x)) as Inputs;
        const rows = [0, 1, 2].map((row) =>
          f(...(xs.map((x, i) => (batched.includes(i) ? tf.unstack(batches[i]!)[row] : x)) as Inputs)),
        );
        expect(vmap(f, { inAxes })(...given), `${batched}`).toBeAllClose(tf.stack(rows), { rtol: 1e-4, atol: 1e-5 });
      }
    }
    // The derivative of a batch, and a batch of batches.
    const whole = (h: Tensor): Tensor => tf.sum(vmap(total, { inAxes: [null, 0, null] })(xs[0], h, xs[2]));
    const each = vmap((h: Tensor) => grad((one: Tensor) => total(xs[0], one, xs[2]))(h));
    expect(grad(whole)(batches[1])).toBeAllClose(each(batches[1]), { rtol: 1e-4, atol: 1e-5 });
    const square = tf.stack([batches[1], tf.neg(batches[1])]);
    expect(vmap(each)(square)).toBeAllClose(tf.stack(tf.unstack(square).map((rows) => each(rows))), {
      rtol: 1e-4,
      atol: 1e-5,
    });
  });

  test('compiled, linearised, with Hessians and Jacobians', () => {
    const [w, h, xs] = tensorsOf();
    const by =
      (loop: Scan) =>
      (point: Tensor): Tensor =>
        run(loop, w, point, xs);
    const close = { rtol: 1e-4, atol: 1e-5 };
    expect(jit(grad(by(scan)))(h)).toBeAllClose(grad(by(unrolled))(h), close);
    const direction = tf.tensor1d([0.5, -1]) as Tensor;
    expect(hvp(by(scan), [h], [direction])).toBeAllClose(hvp(by(unrolled), [h], [direction]), close);
    expect(hessian(by(scan))(h)).toBeAllClose(hessian(by(unrolled))(h), close);
    expect(jacfwd(grad(by(scan)))(h)).toBeAllClose(jacrev(grad(by(scan)))(h), close);
    const line = linearize(by(scan), [h]);
    expect(line.pushforward(direction)).toBeAllClose(jvp(by(unrolled), [h], [direction])[1], close);
    const pulled = vjp(by(scan), [h]);
    expect(pulled.pullback(tf.scalar(1))[0]).toBeAllClose(grad(by(unrolled))(h), close);
    line.dispose();
    pulled.dispose();
  });
});

describe('the equation', () => {
  const [w, h, xs] = tensorsOf();

  test('traces the body once, and its program does not grow with the length', () => {
    let calls = 0;
    const sums = (x: Tensor): Tensor => {
      const step = (carry: Tensor, row: Tensor): [Tensor, Tensor[]] => {
        calls++;
        return [tf.sin(tf.add(carry, row)), []];
      };
      return tf.sum(scan(step, h, x)[0]);
    };
    const [short, long] = [tf.ones([2, 2]), tf.ones([200, 2])].map((x) => makeProgram(grad(sums))(x));
    expect(calls).toBe(2);
    expect(equationsOf(long!).length).toBe(equationsOf(short!).length);
    // The loop itself, which stacks what the derivative needs, and the one of its derivative; nothing is computed twice.
    const kernels = equationsOf(long!).map((equation) =>
      equation.type === 'kernel' ? equation.kernel : equation.type,
    );
    expect(kernels.filter((kernel) => kernel === 'scan')).toHaveLength(2);
    expect(kernels.filter((kernel) => kernel === 'Sin')).toHaveLength(1);
  });

  test('what is the same in all iterations is computed once and not stacked', () => {
    const program = makeProgram(
      grad((weights: Tensor) => {
        const step = (carry: Tensor): [Tensor, Tensor[]] => [
          tf.squeeze(tf.matMul(tf.reshape(carry, [1, 2]), tf.exp(weights) as tf.Tensor2D), [0]),
          [],
        ];
        return tf.sum(scan(step, h, null, { length: 7 })[0]);
      }),
    )(w);
    const stacked = equationsOf(program).flatMap(({ type, outputs }) => (type === 'scan' ? outputs : []));
    expect(stacked.some(({ shape }) => `${shape}` === '7,2,2')).toBe(false);
    expect(stacked.some(({ shape }) => `${shape}` === '7,1,2' || `${shape}` === '7,2')).toBe(true);
  });

  test('of no iterations, of no elements, and of a body without results', () => {
    const [last, ys] = scan((carry: Tensor, x: Tensor) => [tf.add(carry, x), tf.mul(carry, x)], h, tf.zeros([0, 2]));
    expect(last).toBeAllClose(h);
    expect(ys.shape).toEqual([0, 2]);
    const [none] = scan((carry: Tensor, x: Tensor) => [tf.add(carry, tf.sum(x)), x], tf.scalar(2), tf.zeros([3, 0]));
    expect(none).toBeAllClose(2);
    const gradient = grad((c: Tensor) =>
      tf.sum(scan((carry: Tensor, x: Tensor) => [tf.mul(carry, x), []], c, tf.zeros([0, 2]))[0]),
    )(h);
    expect(gradient).toBeAllClose([1, 1]);
    const nothing = scan(() => [[], tf.scalar(4)], [], null, { length: 2 });
    expect(nothing).toBeAllClose([[], [4, 4]]);
  });

  test('of trees, whose types it keeps', () => {
    const init = { total: tf.scalar(0) as Tensor };
    const rows = { x: xs, scale: tf.tensor1d([1, 2, 3]) as Tensor };
    const result = scan(
      ({ total }: typeof init, { x, scale }: typeof rows) => [
        { total: tf.add(total, tf.mul(scale, tf.sum(x))) },
        { x },
      ],
      init,
      rows,
    );
    expectTypeOf(result).toEqualTypeOf<[carry: { total: Tensor }, ys: { x: Tensor }]>();
    expect(result[0].total).toBeAllClose(-0.25 + 2 * 1.125 + 3 * -0.25);
    expect(result[1].x).toBeAllClose(xs);
  });

  test('under tfjs tape, in jit, and with custom derivatives that loop', () => {
    const f = (c: Tensor): Tensor =>
      tf.sum(scan((carry: Tensor, x: Tensor) => [tf.sin(tf.mul(carry, x)), []], c, xs)[0]);
    expect(tf.grad(f)(h)).toBeAllClose(grad(f)(h));
    expect(tf.grad(jit(f))(h)).toBeAllClose(grad(f)(h));
    // The rules use loops that are linear in the tangent or cotangent.
    const power = (x: Tensor): Tensor => tf.mul(x, tf.mul(x, x));
    const product = (slope: Tensor, v: Tensor): Tensor =>
      scan((carry: Tensor) => [tf.mul(carry, slope), []], v, null, { length: 1 })[0];
    const byTangent = customJvp(power, ([x], [v]) => product(tf.mul(3, tf.square(x)), v));
    const byCotangent = customVjp(power, ([x], dy): [Tensor] => [product(tf.mul(3, tf.square(x)), dy)]);
    for (const rule of [byTangent, byCotangent]) {
      const value = (x: Tensor): Tensor => tf.sum(rule(x));
      expect(grad(value)(h)).toBeAllClose(tf.mul(3, tf.square(h)));
      expect(jvp(rule, [h], [tf.onesLike(h) as Tensor])[1]).toBeAllClose(tf.mul(3, tf.square(h)));
      expect(hessian(value)(h)).toBeAllClose(tf.diag(tf.mul(6, h)), { atol: 1e-5 });
    }
  });

  test.each(['cpu', 'wasm'] as const)('leaves what it returns on %s', async (device) => {
    await setBackend(device);
    const [weights, start, rows] = tensorsOf();
    const f = recurrent({});
    const slope = (a: Tensor): Tensor => grad((v: Tensor) => f(scan, v, start, rows))(a);
    expectNoLeak(() => slope(weights).dispose());
    const batch = tf.stack([weights, weights]);
    expectNoLeak(() => vmap(slope)(batch).dispose());
    tf.dispose([weights, start, rows, batch]);
    await setBackend('cpu');
  });
});
