import '../src/cpu.ts';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { constant, currentTrace, literalOf, printProgram, record, setBackend, theEngine, trace } from '../src/index.ts';
import { Tracer } from '../src/tracer.ts';
import { engineState, expectError } from './engine-state.ts';
import { bool, float, hooks, int, list, runOnce, traceOf } from './traced.ts';

type Tensor = tf.Tensor;

beforeAll(() => setBackend('cpu'));

describe('programs', () => {
  test('record what a function did, dead code too', () => {
    const program = traceOf(
      (x, y) => {
        tf.exp(x);
        return [tf.mul(tf.add(x, 1), y), y];
      },
      [float(2, 3), float(3)],
    );
    expect(printProgram(program)).toMatchInlineSnapshot(`
      "program(v0: float32[2,3], v1: float32[3]) {
        v2: float32[2,3] = Exp(v0)
        v3: float32[2,3] = Add(v0, 1)
        v4: float32[2,3] = Multiply(v3, v1)
        return v4, v1
      }"
    `);
  });

  test('have outputs that are inputs, literals and constants', () => {
    const outside = tf.tensor1d([1, 2]);
    const program = traceOf((x) => [x, tf.scalar(3), outside, x, outside], [float(2)]);
    expect(printProgram(program)).toMatchInlineSnapshot(`
      "program(v0: float32[2]) {
        constant v1: float32[2]
        return v0, 3, v1, v0, v1
      }"
    `);
    const x = tf.tensor1d([5, 6]);
    const outputs = runOnce(program, [x]);
    expect(outputs.map((output) => output.arraySync())).toEqual([[5, 6], 3, [1, 2], [5, 6], [1, 2]]);
    for (const tensor of [...outputs, outside, x]) tensor.dispose();
  });

  test('a tensor from outside is captured once, a variable by reference', () => {
    const before = tf.memory();
    const c = tf.scalar(2);
    const v = tf.variable(tf.scalar(10));
    const program = traceOf((x) => tf.add(tf.mul(x, c), tf.mul(c, v)), [float()]);
    expect(program.constants.map(({ source }) => source)).toEqual([c, v]);
    expect(runOnce(program, [1])[0]!.dataSync()[0]).toBe(22);
    v.assign(tf.scalar(100));
    expect(runOnce(program, [1])[0]!.dataSync()[0]).toBe(202);
    v.dispose();
    expect(() => runOnce(program, [1])).toThrow(/disposed/);
    c.dispose();
    expect(tf.memory().numTensors - before.numTensors).toBe(4); // two results and the initial values
  });

  test('literals hold host values that can be read while tracing', () => {
    const program = traceOf(
      (x) => {
        const two = tf.tensor1d([2, 3]);
        expect(two.dataSync()).toEqual(Float32Array.of(2, 3));
        expect(two.arraySync()).toEqual([2, 3]);
        expect(literalOf(two)?.values).toEqual(Float32Array.of(2, 3));
        expect(literalOf(x)).toBeUndefined();
        return tf.mul(x, two);
      },
      [float(2)],
    );
    expect(program.constants).toEqual([]);
    expect(printProgram(program)).toMatchInlineSnapshot(`
      "program(v0: float32[2]) {
        v1: float32[2] = Multiply(v0, literal float32[2])
        return v1
      }"
    `);
  });

  test('a literal does not follow the array it was made of', () => {
    const values = Float32Array.of(1, 2);
    const program = traceOf(
      (x) => {
        const y = tf.add(x, tf.tensor1d(values));
        values.fill(9);
        return y;
      },
      [float(2)],
    );
    expect(runOnce(program, [tf.zeros([2])])[0]!.arraySync()).toEqual([1, 2]);
  });

  test('dtypes of literals', () => {
    const program = traceOf(
      () => [tf.tensor1d([1, 2], 'int32'), tf.tensor1d([true, false], 'bool'), tf.scalar(0.5)],
      [],
    );
    expect(program.outputs.map(({ dtype }) => dtype)).toEqual(['int32', 'bool', 'float32']);
    expect(runOnce(program, []).map((tensor) => tensor.arraySync())).toEqual([[1, 2], [1, 0], 0.5]);
  });

  test('shapes and dtypes of inputs', () => {
    traceOf(
      (x, i, b) => {
        expect([x, i, b].map((t) => [t!.shape, t!.dtype, t!.rank, t!.size])).toEqual([
          [[2, 3], 'float32', 2, 6],
          [[4], 'int32', 1, 4],
          [[], 'bool', 0, 1],
        ]);
        expect(x).toBeInstanceOf(tf.Tensor);
        return x!;
      },
      [float(2, 3), int(4), bool()],
    );
  });

  test('record, constant and currentTrace speak to the open trace', () => {
    expect(currentTrace()).toBeNull();
    expect(() => record('Exp', [])).toThrow('no trace is open');
    const program = traceOf(
      (x) => {
        expect(currentTrace()?.open).toBe(true);
        return record('Add', [record('Exp', [x]), constant(Float32Array.of(7), [], 'float32')]);
      },
      [float()],
    );
    expect(printProgram(program)).toMatchInlineSnapshot(`
      "program(v0: float32[]) {
        v1: float32[] = Exp(v0)
        v2: float32[] = Add(v1, 7)
        return v2
      }"
    `);
  });
});

describe('memory while tracing', () => {
  test('tidy, keep and dispose are harmless', () => {
    expectNoLeak(() => {
      const program = traceOf(
        (x) => {
          const y = tf.tidy(() => {
            const kept = tf.keep(tf.exp(x));
            const one = tf.scalar(1);
            return { sum: tf.add(kept, one), one };
          });
          const z = tf.mul(y.sum, y.one);
          y.sum.dispose();
          tf.dispose(y);
          x.dispose();
          return tf.add(z, y.sum);
        },
        [float(2)],
      );
      expect(program.equations.length).toBeGreaterThan(2);
      expect(program.inputs).toHaveLength(1);
    });
  });

  test('a tensor made outside and disposed inside is disposed', () => {
    expectNoLeak(() => {
      const outside = tf.scalar(1);
      traceOf(
        (x) => {
          outside.dispose();
          return x;
        },
        [float()],
      );
      expect(outside.isDisposed).toBe(true);
    });
  });

  const w = tf.tensor2d([[1, 2], [3, 4]]); // biome-ignore format: a matrix
  const nothing: { readonly [name: string]: (w: Tensor) => Tensor } = {
    clone: tf.clone,
    'reshape to the same shape': (w) => tf.reshape(w, [2, 2]),
    'cast to the same dtype': (w) => tf.cast(w, 'float32'),
    'transpose that moves no axis': (w) => tf.transpose(w, [0, 1]),
    'slice of all': (w) => tf.slice(w, [0, 0]),
    'stridedSlice of all': (w) => tf.stridedSlice(w, [0, 0], [2, 2]),
    'tile once': (w) => tf.tile(w, [1, 1]),
    'concat of one': (w) => tf.concat([w]),
    'split into one': (w) => tf.split(w, 1)[0]!,
    'addN of one': (w) => tf.addN([w]),
    'sum over no axes': (w) => tf.sum(w, []),
  };
  test.each(Object.entries(nothing))('%s: its result is disposed, not the tensor from outside', (_, fn) => {
    const program = traceOf(
      (x) => {
        const same = fn(w);
        expect(same).not.toBe(w);
        const y = tf.add(x, same);
        same.dispose();
        return y;
      },
      [float(2, 2)],
    );
    expect(w.isDisposed).toBe(false);
    const [y] = runOnce(program, [w]);
    expect(y!.arraySync()).toEqual([[2, 4], [6, 8]]); // biome-ignore format: a matrix
    y!.dispose();
  });

  test('a gradient is disposed, not the cotangent that it equals', () => {
    trace(
      ([x]) => {
        const { grads } = theEngine().gradients(() => x!, [x!], w);
        grads[0]!.dispose();
        return grads;
      },
      [float(2, 2)],
      { ...hooks, gradients: (f, _xs, dy) => ({ value: f(), grads: [dy!] }) },
    );
    expect(w.isDisposed).toBe(false);
  });

  test('tracing makes no tensor, inside of a tidy and outside', () => {
    const fn = (x: Tensor): Tensor => tf.sum(tf.mul(tf.softmax(x), tf.tensor1d([1, 2, 3])));
    expectNoLeak(() => void traceOf(fn, [float(3)]));
    expectNoLeak(() => tf.tidy(() => void traceOf(fn, [float(3)])));
  });

  test('a literal that outlives its trace becomes a tensor when it is used', () => {
    let literal: Tensor | undefined;
    traceOf(
      (x) => {
        literal = tf.tensor1d([1, 2]);
        return x;
      },
      [float(2)],
    );
    const before = tf.memory().numTensors;
    expect(tf.add(literal!, 1).arraySync()).toEqual([2, 3]);
    expect(literal!.arraySync()).toEqual([1, 2]);
    expect(tf.memory().numTensors - before).toBe(2);
    literal!.dispose();
    expect(tf.memory().numTensors - before).toBe(1);
    expect(literal!.isDisposed).toBe(true);
  });

  test('a literal that outlives its trace belongs to the tidy around its first use, not to the op', () => {
    expectNoLeak(() => {
      let literal: Tensor | undefined;
      traceOf(
        (x) => {
          literal = tf.tensor1d([1, 2]);
          return x;
        },
        [float(2)],
      );
      tf.tidy(() => {
        expect(tf.add(literal!, tf.add(literal!, 1)).arraySync()).toEqual([3, 5]);
        expect(literal!.isDisposed).toBe(false);
      });
      expect(literal!.isDisposed).toBe(true);
    });
  });

  test('a literal of one trace in another is a literal there', () => {
    let literal: Tensor | undefined;
    traceOf(
      (x) => {
        literal = tf.scalar(3);
        return x;
      },
      [float()],
    );
    expectNoLeak(() => {
      const program = traceOf((x) => tf.add(x, literal!), [float()]);
      expect(program.constants).toEqual([]);
      expect(printProgram(program)).toContain('Add(v0, 3)');
    });
  });

  test('string tensors are ordinary ones, and cannot enter a program', () => {
    const program = traceOf(
      (x) => {
        const names = tf.tensor1d(['a', 'b']);
        expect(names.dataSync()).toEqual(['a', 'b']);
        names.dispose();
        return x;
      },
      [float()],
    );
    expect(program.equations).toEqual([]);
    const names = tf.tensor1d(['a', 'b']);
    expect(() => traceOf(() => names, [])).toThrow(/dtype string cannot enter a program/);
    names.dispose();
  });
});

describe('nested traces', () => {
  test('capture what belongs to the outer one', () => {
    let inner = '';
    const outer = traceOf(
      (x) => {
        const y = tf.exp(x);
        const program = trace(([z]) => [tf.mul(tf.add(z!, y), y), tf.scalar(2)], [float(2)], hooks);
        expect(program.constants.map(({ source }) => source)).toEqual([y]);
        expect(program.constants[0]!.source).toBeInstanceOf(Tracer);
        inner = printProgram(program);
        return tf.neg(y);
      },
      [float(2)],
    );
    expect(inner).toMatchInlineSnapshot(`
      "program(v0: float32[2]) {
        constant v1: float32[2]
        v2: float32[2] = Add(v0, v1)
        v3: float32[2] = Multiply(v2, v1)
        return v3, 2
      }"
    `);
    expect(printProgram(outer)).toMatchInlineSnapshot(`
      "program(v0: float32[2]) {
        v1: float32[2] = Exp(v0)
        v2: float32[2] = Neg(v1)
        return v2
      }"
    `);
  });

  test('an error in the inner one leaves the outer one open', () => {
    const before = engineState();
    const outer = traceOf(
      (x) => {
        const open = currentTrace();
        expect(() =>
          traceOf(
            (z) => {
              tf.tidy(() => tf.add(z, x).dataSync());
              return z;
            },
            [float(2)],
          ),
        ).toThrow(/was read/);
        expect(currentTrace()).toBe(open);
        return tf.neg(x);
      },
      [float(2)],
    );
    expect(outer.equations).toHaveLength(1);
    expect(engineState()).toEqual(before);
  });

  test('a tensor of the inner one is not valid in the outer one', () => {
    expectError((x) => {
      let escapedTensor = x;
      traceOf(
        (z) => {
          escapedTensor = tf.exp(z);
          return z;
        },
        [float(2)],
      );
      return tf.add(x, escapedTensor);
    }, /traced tensor float32\[2\] was used after the function that made it had returned/);
  });
});

test('with no trace open nothing is overridden', () => {
  const before = engineState();
  const runKernel = theEngine().runKernel;
  const program = traceOf(
    (x) => {
      expect(theEngine().runKernel).not.toBe(runKernel);
      return tf.add(x, 1);
    },
    [float()],
  );
  expect(theEngine().runKernel).toBe(runKernel);
  expect(Object.hasOwn(theEngine(), 'runKernel')).toBe(false);
  expect(engineState()).toEqual(before);
  const [y] = list(runOnce(program, [2]));
  expect(y).toBeAllClose(3);
  y!.dispose();
});
