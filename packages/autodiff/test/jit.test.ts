import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { printProgram, setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, expectTypeOf, test, vi } from 'vitest';
import { Count, grad, jit, jvp, vmap } from '../src/index.ts';

await setBackend('cpu');

type Tensor = tf.Tensor;

const x = tf.tensor1d([1, 2, 3]);

beforeEach(async () => {
  await setBackend('cpu');
});
afterEach(() => vi.restoreAllMocks());

describe('one program for each kind of arguments', () => {
  test('new values never trace again; new structures, shapes, dtypes and devices do', async () => {
    const f = jit((tree: { a: Tensor; b?: Tensor }) => tf.add(tree.a, tree.a));
    expect(f({ a: x })).toBeAllClose([2, 4, 6]);
    expect(f({ a: tf.tensor1d([5, 6, 7]) })).toBeAllClose([10, 12, 14]);
    expect(f.traces).toBe(1);
    expect(f({ a: tf.tensor1d([5]) })).toBeAllClose([10]);
    expect(f.traces).toBe(2);
    expect(f({ a: tf.tensor1d([5], 'int32') }).dtype).toBe('int32');
    expect(f.traces).toBe(3);
    f({ a: x, b: x });
    expect(f.traces).toBe(4);
    for (const a of [x, tf.tensor1d([5])]) f({ a });
    expect(f.traces).toBe(4);
    expect(f.programs).toHaveLength(4);
    await setBackend('wasm');
    expect(f({ a: x })).toBeAllClose([2, 4, 6]);
    expect(f.traces).toBe(5);
    await setBackend('cpu');
    expect(f({ a: x })).toBeAllClose([2, 4, 6]);
    expect(f.traces).toBe(5);
  });

  test('the order of keys does not matter', () => {
    const f = jit(({ a, b }: { a: Tensor; b: Tensor }) => tf.sub(a, b));
    expect(f({ a: tf.scalar(3), b: tf.scalar(1) })).toBeAllClose(2);
    expect(f({ b: tf.scalar(1), a: tf.scalar(3) })).toBeAllClose(2);
    expect(f.traces).toBe(1);
  });

  test('numbers are inputs, and keys are int32 tensors of their words', () => {
    const f = jit((v: Tensor, scale: number, key: Uint32Array) => ({
      y: tf.mul(v, scale),
      key: tf.add(key as unknown as Tensor, tf.scalar(1, 'int32')),
    }));
    for (const scale of [2, 0.1, -7]) {
      const { y, key } = f(x, scale, new Uint32Array([scale > 0 ? 2 ** 32 - 2 : 5, 1]));
      expect(y).toBeAllClose(tf.mul(x, scale));
      expect(key.dtype).toBe('int32');
      expect(key).toBeAllClose([scale > 0 ? -1 : 6, 2]);
    }
    expect(f.traces).toBe(1);
    expect(grad((v: Tensor) => tf.sum(f(v, 3, new Uint32Array([0, 1])).y))(x)).toBeAllClose([3, 3, 3]);
  });

  test('numbers are passed by vmap as they are, and what counts on one comes back as a number', () => {
    const f = jit(
      vmap(({ v, n }: { v: Tensor; n: number }) => ({
        scaled: tf.mul(v, n),
        n: new Count(n as unknown as Tensor, 2) as unknown as number,
      })),
    );
    const rows = tf.tensor2d([[1, 2], [3, 4]]); // biome-ignore format: one line
    expect(f({ v: rows, n: 3 })).toEqual({ n: 5, scaled: expect.anything() });
    const { scaled, n } = f({ v: rows, n: 10 });
    expect(scaled).toBeAllClose([[10, 20], [30, 40]]); // biome-ignore format: one line
    expect([n, f.traces]).toEqual([12, 1]);
    // A scalar tensor is not what the program was made for, whatever was compiled before.
    expect(() => f({ v: rows, n: tf.scalar(3) as unknown as number })).toThrow(
      /axis 0 is outside of a tensor of rank 0/,
    );
    expect(f({ v: rows, n: 4 }).n).toBe(6);
  });

  test('a number of the caller, as which a step comes back, cannot be computed with while it is traced', () => {
    const f = jit((n: number) => (new Count(n as unknown as Tensor, 1) as unknown as number) % 2);
    expect(() => f(3)).toThrow(/is not known while a function is compiled/);
  });

  test('strings, booleans, null and undefined are part of the program', () => {
    const f = jit((v: Tensor, mode: string, negate: boolean, more: Tensor | null | undefined) => {
      const y = mode === 'exp' ? tf.exp(v) : tf.square(v);
      const signed = negate ? tf.neg(y) : y;
      return more ? tf.add(signed, more) : signed;
    });
    expect(f(x, 'square', true, null)).toBeAllClose([-1, -4, -9]);
    expect(f(x, 'square', false, undefined)).toBeAllClose([1, 4, 9]);
    expect(f(x, 'exp', false, null)).toBeAllClose(tf.exp(x));
    expect(f(x, 'square', false, x)).toBeAllClose([2, 6, 12]);
    expect(f(x, 'square', true, null)).toBeAllClose([-1, -4, -9]);
    expect(f.traces).toBe(4);
  });

  test('what is no tensor comes back as it was', () => {
    const f = jit((v: Tensor, n: number) => ({
      v,
      text: 'note',
      nothing: null,
      list: [tf.mul(v, n), true, 3] as const,
    }));
    const result = f(x, 2);
    expectTypeOf(result.v).toEqualTypeOf<Tensor>();
    expect(result).toBeAllClose({ v: [1, 2, 3], text: 'note', nothing: null, list: [[2, 4, 6], true, 3] });
    result.v.dispose();
    expect(x.isDisposed).toBe(false);
  });

  test('a tensor in a closure is read at each call, a number is frozen', () => {
    const held = tf.variable(tf.scalar(10));
    let frozen = 1;
    const f = jit((v: Tensor) => tf.add(tf.mul(v, frozen), held));
    expect(f(x)).toBeAllClose([11, 12, 13]);
    frozen = 100;
    held.assign(tf.scalar(20));
    expect(f(x)).toBeAllClose([21, 22, 23]);
    expect(f.traces).toBe(1);
    held.dispose();
  });

  test('a result that stands twice is two tensors', () => {
    const [a, b] = jit((v: Tensor): [Tensor, Tensor] => {
      const y = tf.exp(v);
      return [y, y];
    })(x);
    a.dispose();
    expect(b).toBeAllClose(tf.exp(x));
  });

  test('programs can be printed, as they were traced and as they run', () => {
    const f = jit((v: Tensor) => tf.sum(tf.mul(tf.mul(v, 1), v)));
    f(x);
    expect(printProgram(f.sources[0]!)).toMatch(
      /^program\(v0: float32\[3\]\) {\n.*Multiply\(v0, 1\)\n.*Multiply\(v1, v0\)\n.*Sum.*\(v2\)\n {2}return v3\n}$/,
    );
    expect(printProgram(f.programs[0]!).match(/Multiply/g)).toHaveLength(1);
  });
});

describe('retraces', () => {
  test('the ninth trace warns and names the argument with both shapes', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const step = jit(function step({ rows }: { rows: Tensor }) {
      return tf.sum(rows);
    });
    for (let n = 1; n <= 8; n++) step({ rows: tf.ones([n, 2]) });
    expect(warn).not.toHaveBeenCalled();
    step({ rows: tf.ones([9, 2]) });
    expect(warn).toHaveBeenCalledOnce();
    expect(warn.mock.calls[0]![0]).toBe(
      'step was traced 9 times; each new structure, shape or dtype compiles anew. ' +
        'Last time $[0].rows was float32[8,2] and is float32[9,2]. Pad batches to one shape.',
    );
    step({ rows: tf.ones([10, 2]) });
    expect(warn).toHaveBeenCalledOnce();
    expect(step.traces).toBe(10);
  });

  test('the least recently used of many programs is dropped', () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const f = jit((v: Tensor) => tf.mul(v, 2));
    for (let n = 1; n <= 40; n++) f(tf.ones([n])).dispose();
    expect(f.traces).toBe(40);
    expect(f.programs).toHaveLength(32);
    f(tf.ones([40])).dispose();
    expect(f.traces).toBe(40);
    expect(f(tf.ones([1]))).toBeAllClose([2]);
    expect(f.traces).toBe(41);
  });
});

describe('purity', () => {
  test('hidden random numbers are refused by name', () => {
    expect(() => jit((v: Tensor) => tf.mul(v, Math.random()))(x)).toThrow(
      /^Math.random draws hidden random numbers while a function is traced/,
    );
    expect(() => jit((v: Tensor) => tf.add(v, tf.randomNormal([3])))(x)).toThrow(
      /^tf.randomNormal \(.*\) draws hidden random numbers/,
    );
    expect(() => jit((v: Tensor) => tf.dropout(v, 0.5))(x)).toThrow(/draws hidden random numbers/);
    expect(() => jit((v: Tensor) => tf.mul(v, crypto.getRandomValues(new Uint8Array(1))[0]!))(x)).toThrow(
      /^crypto.getRandomValues draws/,
    );
  });

  test('a function whose second trace differs is refused', () => {
    let calls = 0;
    expect(() => jit((v: Tensor) => tf.mul(v, calls++), { name: 'counting' })(x)).toThrow(
      /^counting: traced twice, the function gave different programs \(another input of Multiply: a constant float32\[\]\)/,
    );
    expect(() => jit((v: Tensor) => (calls++ % 2 === 0 ? tf.exp(v) : tf.log(v)))(x)).toThrow('(Exp and Log)');
    expect(() => jit((v: Tensor) => (calls++ % 2 === 0 ? tf.exp(v) : tf.exp(tf.exp(v))))(x)).toThrow(
      /\([12] and [12] equations\)/,
    );
    expect(() => jit((v: Tensor) => (calls++ % 2 === 0 ? v : tf.scalar(1)))(x)).toThrow('(another output)');
    expect(() => jit((v: Tensor) => tf.sum(v, calls++ % 2))(tf.ones([2, 2]))).toThrow('different programs (Sum');
    // So does what a custom derivative computes.
    const scaled = (v: Tensor): Tensor =>
      tf.customGrad(((u: Tensor) => ({ value: tf.mul(u, 2), gradFunc: (dy: Tensor) => tf.mul(dy, calls++) })) as never)(
        v,
      );
    expect(() => jit(scaled)(x)).toThrow('within call[customGrad]: another input of Multiply');
    // What is returned beside the tensors counts too.
    expect(() => jit((v: Tensor) => ({ v, calls: calls++ }))(x)).toThrow('different programs');
    expect(() => jit((v: Tensor) => (calls++ % 2 === 0 ? [v] : { v }))(x)).toThrow('different programs');
  });

  test('another captured tensor on the second trace is refused', () => {
    let calls = 0;
    const tensors = [tf.scalar(1), tf.scalar(2)];
    expect(() => jit((v: Tensor) => tf.mul(v, tensors[calls++ % 2]!))(x)).toThrow('different programs');
  });
});

describe('dispose', () => {
  test('frees what the programs hold, and the next call compiles anew', () => {
    const f = jit((v: Tensor) => tf.mul(v, tf.tensor1d([1, 2, 3])));
    const before = tf.memory();
    f(x).dispose();
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers + 0);
    f.dispose();
    f.dispose();
    expect(f.programs).toHaveLength(0);
    expect(f(x)).toBeAllClose([1, 4, 9]);
    expect(f.traces).toBe(2);
  });

  test('a disposed argument and a disposed captured tensor are errors', () => {
    const held = tf.scalar(2);
    const f = jit((v: Tensor) => tf.mul(v, held), { name: 'scaled' });
    expect(f(x)).toBeAllClose([2, 4, 6]);
    const gone = tf.tensor1d([1, 2, 3]);
    gone.dispose();
    expect(() => f(gone)).toThrow('scaled: the argument $[0] is a disposed tensor float32[3]');
    held.dispose();
    expect(() => f(x)).toThrow(/disposed tensor/);
    expect(() => jit((v: Tensor) => tf.mul(v, held))(x)).toThrow(/disposed tensor/);
  });
});

describe('inside of another transform', () => {
  const f = jit((v: Tensor, n: number) => tf.mul(tf.exp(v), n));

  test('it is traced along', () => {
    const expected = tf.mul(2, tf.exp(x));
    expect(grad((v: Tensor) => tf.sum(f(v, 2)))(x)).toBeAllClose(expected);
    expect(jvp((v: Tensor) => f(v, 2), [x], [tf.onesLike(x)])[1]).toBeAllClose(expected);
    expect(vmap((v: Tensor) => f(v, 2))(x)).toBeAllClose(expected);
    expect(jit((v: Tensor) => f(v, 2))(x)).toBeAllClose(expected);
    expect(f.traces).toBe(0);
  });

  test('in a tidy the results are tidied, and the executable lives on', () => {
    const g = jit((v: Tensor) => tf.mul(v, tf.tensor1d([1, 2, 3])));
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      g(x);
    });
    expect(tf.memory().numTensors).toBe(before);
    expect(g(x)).toBeAllClose([1, 4, 9]);
    expect(g.traces).toBe(1);
  });
});

test('arguments that no program can take are named', () => {
  const f = jit((v: unknown) => v, { name: 'odd' });
  expect(() => f(new Date())).toThrow('odd: the argument $[0] is a Date, which a compiled function cannot take');
  expect(() => f(() => 1)).toThrow('odd: the argument $[0] is a function, which a compiled function cannot take');
  expect(() => f(tf.tensor1d(['a'], 'string'))).toThrow(/dtype string cannot enter a program/);
});
