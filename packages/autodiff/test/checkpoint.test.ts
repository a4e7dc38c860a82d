// Rematerialisation: the same derivatives from fewer values that are held at once.
import '@tensorflow/tfjs';
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { type Program, setBackend, simplify, sizeOf, trace } from '@posteriors/backend';
import { interpret } from '@posteriors/interpreter';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { hooks } from '../src/hooks.ts';
import { checkpoint, grad, hessian, jit, jvp, makeProgram, scan, valueAndGrad, vjp, vmap } from '../src/index.ts';
import { expectClose } from './float64.ts';

await setBackend('cpu');

type Tensor = tf.Tensor;

const x: Tensor = tf.tensor1d([0.5, -0.25, 1]);
const w: Tensor = tf.tensor1d([1.5, 0.5, -1]);
const block = (v: Tensor, weight: Tensor): Tensor => tf.sin(tf.exp(tf.mul(tf.cos(tf.mul(v, weight)), 0.5)));

/** The most numbers that a program holds at once, each value from its equation to its last use. */
function peak(program: Program): number {
  const lastUse = new Map<number, number>();
  program.equations.forEach(({ inputs }, i) => {
    for (const input of inputs) if (input.kind === 'value') lastUse.set(input.id, i);
  });
  for (const output of program.outputs) if (output.kind === 'value') lastUse.set(output.id, program.equations.length);
  let [held, most] = [0, 0];
  const live = new Map<number, number>();
  program.equations.forEach(({ outputs }, i) => {
    for (const { id, shape } of outputs) live.set(id, sizeOf(shape));
    held = [...live.values()].reduce((sum, size) => sum + size, 0);
    most = Math.max(most, held);
    for (const id of [...live.keys()]) if ((lastUse.get(id) ?? -1) <= i) live.delete(id);
  });
  return most;
}

describe('memory', () => {
  const chain =
    (wrap: <F extends (v: Tensor, weight: Tensor) => Tensor>(f: F) => F) =>
    (v: Tensor): Tensor => {
      let value = v;
      for (let i = 0; i < 8; i++) value = wrap(block)(value, w);
      return tf.sum(value);
    };
  const [kept, again] = [(f: never) => f, checkpoint as never].map((wrap) =>
    simplify(makeProgram(grad(chain(wrap as never)))(x)),
  );
  const count = (program: Program, kernel: string): number =>
    program.equations.filter((equation) => equation.type === 'kernel' && equation.kernel === kernel).length;

  test('what a block computes is computed again in the backward pass, and not held', () => {
    expect(count(kept!, 'Exp')).toBe(8);
    // The gradient does not need the value of the last block.
    expect(count(again!, 'Exp')).toBe(7 + 8);
    expect(peak(again!)).toBeLessThan(0.6 * peak(kept!));
    // In the forward pass nothing but the arguments of the blocks is computed for later.
    const backward = again!.equations.findIndex(
      (equation) => equation.type === 'kernel' && equation.kernel === 'Barrier',
    );
    const forward = new Set(again!.equations.slice(0, backward).flatMap(({ outputs }) => outputs.map(({ id }) => id)));
    const later = again!.equations.slice(backward).flatMap(({ inputs }) => inputs);
    expect(new Set(later.filter((a) => a.kind === 'value' && forward.has(a.id))).size).toBeLessThanOrEqual(8);
  });

  test('in a loop, the carry and the slice are all that is stacked', () => {
    const loop = (step: typeof block) => (v: Tensor) =>
      tf.sum(scan((carry: Tensor) => [step(carry, w), []], v, null, { length: 50 })[0]);
    const stacked = (f: (v: Tensor) => Tensor): number =>
      makeProgram(grad(f))(x)
        .equations.flatMap(({ type, outputs }) => (type === 'scan' ? outputs : []))
        .filter(({ shape }) => shape[0] === 50).length;
    expect(stacked(loop(block))).toBeGreaterThan(2);
    expect(stacked(loop(checkpoint(block)))).toBe(1);
    expect(grad(loop(checkpoint(block)))(x)).toBeAllClose(grad(loop(block))(x), { rtol: 1e-4 });
  });
});

describe('derivatives are those of the function', () => {
  const apart = (v: Tensor, weight: Tensor): Tensor => tf.sum(tf.mul(block(block(v, weight), weight), v));
  const through = (v: Tensor, weight: Tensor): Tensor =>
    tf.sum(tf.mul(checkpoint(checkpoint(block))(checkpoint(block)(v, weight), weight), v));

  test('to the third order, in float64', () => {
    const along = tf.tensor1d([1, -0.5, 0.25]) as Tensor;
    const derivatives =
      (f: typeof apart) =>
      ([v, weight, direction]: Tensor[]): Tensor[] => {
        const push = (g: (p: Tensor) => Tensor) => (p: Tensor) => jvp(g, [p], [direction!])[1];
        const pull = (g: (p: Tensor) => Tensor) => (p: Tensor) => tf.sum(tf.mul(grad(g)(p), direction!));
        const g = (p: Tensor): Tensor => f(p, weight!);
        return [
          g,
          push(g),
          pull(g),
          push(pull(g)),
          pull(push(g)),
          pull(pull(g)),
          pull(pull(pull(g))),
          push(push(pull(g))),
        ].map((h) => h(v!));
      };
    const inputs = [x, w, along].map((tensor) => ({
      shape: tensor.shape,
      values: Float64Array.from(tensor.dataSync()),
    }));
    const [received, expected] = [through, apart].map((f) =>
      interpret(
        trace(
          derivatives(f),
          [x, w, along].map(({ shape }) => ({ shape, dtype: 'float32' })),
          hooks,
        ),
        inputs,
      ),
    );
    received!.forEach(({ values }, i) => {
      expectClose(`output ${i}`, values, expected![i]!.values, 1e-10);
    });
  });

  test('batched, compiled, and of all arguments and what was captured', () => {
    const captured = (v: Tensor): Tensor =>
      grad((weight: Tensor) => tf.sum(checkpoint((p: Tensor) => block(p, weight))(v)))(w);
    const plain = (v: Tensor): Tensor => grad((weight: Tensor) => tf.sum(block(v, weight)))(w);
    expect(captured(x)).toBeAllClose(plain(x));
    const rows = tf.stack([x, tf.neg(x)]);
    expect(jit(vmap(captured))(rows)).toBeAllClose(vmap(plain)(rows));
    expect(hessian((v: Tensor) => through(v, w))(x)).toBeAllClose(hessian((v: Tensor) => apart(v, w))(x), {
      rtol: 1e-4,
      atol: 1e-5,
    });
    const pulled = vjp((v: Tensor, weight: Tensor) => checkpoint(block)(v, weight), [x, w]);
    const expected = vjp(block, [x, w]);
    expect(pulled.pullback(x)).toBeAllClose(expected.pullback(x));
    pulled.dispose();
    expected.dispose();
  });

  test('of trees with integers, results that are arguments, and results that are constant', () => {
    type Input = { v: Tensor; index: Tensor };
    const pick = ({ v, index }: Input): { picked: Tensor; same: Tensor; index: Tensor; one: Tensor } => ({
      picked: tf.sin(tf.gather(v, index as tf.Tensor1D)),
      same: v,
      index,
      one: tf.scalar(1),
    });
    const index = tf.tensor1d([2, 0, 0], 'int32') as Tensor;
    const total =
      (f: typeof pick) =>
      (v: Tensor): Tensor => {
        const { picked, same, index: i, one } = f({ v, index });
        return tf.add(tf.sum(tf.mul(picked, tf.mul(same, tf.cast(i, 'float32')))), one);
      };
    expect(valueAndGrad(total(checkpoint(pick)))(x)).toBeAllClose(valueAndGrad(total(pick))(x));
    expect(checkpoint(pick)({ v: x, index })).toBeAllClose(pick({ v: x, index }));
  });

  test.each(['cpu', 'wasm'] as const)('leaves what it returns on %s', async (device) => {
    await setBackend(device);
    const v = tf.tensor1d([0.5, 1]) as Tensor;
    const value = (p: Tensor): Tensor => tf.sum(checkpoint(block)(p, p));
    expectNoLeak(() => {
      const compiled = jit(grad(value));
      const [eager, later] = [grad(value)(v), compiled(v)];
      expect(eager).toBeAllClose(later);
      tf.dispose([eager, later, checkpoint(block)(v, v)]);
      compiled.dispose();
    });
    v.dispose();
    await setBackend('cpu');
  });
});

test('errors name the argument or result', () => {
  expect(() => checkpoint(block)(x, 3 as never)).toThrow('checkpoint: the argument $[1] is not a tensor but number');
  expect(() => checkpoint((_: Tensor) => ({ y: 'text' }) as never)(x)).toThrow(
    'checkpoint: the result $.y is not a tensor but string',
  );
  expect(() => checkpoint((async () => x) as never)(x)).toThrow('checkpoint: the function is async');
});
