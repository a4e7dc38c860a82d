// Memory that nobody frees: executables that were dropped, and results that were forgotten.
import '../src/cpu.ts';
import '../src/wasm.ts';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expectNoLeak, provideWebGPU } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { currentBackend, type Executable, newValue, setBackend, setMemoryBudget, theEngine } from '../src/index.ts';
import { float, traceOf } from './traced.ts';

type Tensor = tf.Tensor;

const compile = (...args: Parameters<typeof traceOf>): Executable => currentBackend().compile(traceOf(...args));
const buffers = (): number => theEngine().backend.numDataIds();
const isOnDevice = (t: Tensor): boolean => theEngine().state.tensorInfo.get(t.dataId)?.backend === theEngine().backend;
const wasmBytes = (): number =>
  (theEngine().backend as unknown as { wasm: { HEAPU8: Uint8Array } }).wasm.HEAPU8.buffer.byteLength;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Collects garbage, and lets finalizers run, until `done`. */
async function untilCollected(done: () => boolean): Promise<void> {
  for (let i = 0; i < 20 && !done(); i++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A program with a literal of its own, and a loop whose body has another. */
function withLiterals(i: number): Executable {
  const [c, x, c2, y, total] = [
    newValue(float()),
    newValue(float()),
    newValue(float()),
    newValue(float()),
    newValue(float()),
  ];
  const literal = (value: number) => ({ kind: 'literal' as const, ...float(), values: Float32Array.of(value) });
  const add = (a: Parameters<typeof kernel>[1], out: typeof c) => kernel('Add', a, out);
  const kernel = (name: string, inputs: readonly (typeof c | ReturnType<typeof literal>)[], output: typeof c) => ({
    type: 'kernel' as const,
    kernel: name,
    inputs,
    attributes: {},
    outputs: [output],
  });
  const body = {
    inputs: [c, x],
    constants: [],
    equations: [kernel('Multiply', [c, literal(i + 2)], c2), add([c2, x], y)],
    outputs: [y],
  };
  const xs = newValue(float(3));
  const sum = newValue(float());
  const scan = {
    type: 'scan' as const,
    body,
    length: 3,
    constants: 0,
    carry: 1,
    reverse: false,
    inputs: [literal(0), xs],
    outputs: [sum],
  };
  return currentBackend().compile({
    inputs: [xs],
    constants: [],
    equations: [scan, add([sum, literal(i + 0.5)], total)],
    outputs: [total, literal(i + 0.5)],
  });
}

describe.each(['cpu', 'wasm'] as const)('executables on %s', (device) => {
  beforeAll(() => setBackend(device));

  test('that nothing refers to free what they held', async () => {
    const before = buffers();
    const kept = withLiterals(0);
    const each = buffers() - before;
    expect(each).toBeGreaterThanOrEqual(1);
    const runOnly = withLiterals(1).run;
    for (let i = 2; i < 50; i++) withLiterals(i);
    expect(buffers()).toBe(before + 50 * each);
    await untilCollected(() => buffers() <= before + 2 * each);
    expect(buffers()).toBe(before + 2 * each);

    const ones = Float32Array.of(1, 1, 1);
    const outputs = [...kept.run([ones]), ...runOnly([ones])];
    expect(outputs.map((t) => t.arraySync())).toEqual([7.5, 0.5, 14.5, 1.5]);
    tf.dispose(outputs);
    kept.dispose();
    kept.dispose();
    expect(buffers()).toBe(before + each);
  });
});

describe('results that a synchronous loop forgets on wasm', () => {
  let budget: number;
  beforeAll(() => setBackend('wasm'));
  beforeEach(() => {
    budget = setMemoryBudget(2 ** 20);
    setMemoryBudget(budget);
  });
  afterEach(() => void setMemoryBudget(budget));

  const size = 10_000;
  const increment = (n = size): Executable => compile((x) => tf.add(x!, 1), [float(n)]);
  /** `steps` times the program on its own result, none of which is disposed; the last one. */
  const forget = (executable: Executable, from: Tensor, steps: number): Tensor => {
    let x = from;
    for (let i = 0; i < steps; i++) x = executable.run([x])[0]!;
    return x;
  };

  test('1e5 of them fit into memory, and one that is kept is as it was', () => {
    expect(budget).toBe(2 ** 26);
    const executable = increment();
    const start = tf.range(0, size);
    const kept = executable.run([start])[0]!;
    const last = forget(executable, kept, 1e5);
    expect(wasmBytes()).toBeLessThan(150 * 2 ** 20);
    expect(buffers()).toBeLessThan(2500);
    expect(isOnDevice(kept)).toBe(false);
    expect(kept.dataSync().subarray(0, 3)).toEqual(Float32Array.of(1, 2, 3));
    expect(last.dataSync()[3]).toBe(100_004);
    executable.dispose();
  }, 120_000);

  describe('of which one was kept', () => {
    let kept: Tensor;
    const values = Float32Array.from({ length: size }, (_, i) => i + 1);
    const executable = (): Executable => increment();
    beforeEach(() => {
      setMemoryBudget(2 ** 20);
      const program = executable();
      const start = tf.range(0, size);
      kept = program.run([start])[0]!;
      forget(program, start, 100);
      start.dispose();
      expect(isOnDevice(kept)).toBe(false);
    });

    test('it is read, as a copy', async () => {
      (kept.dataSync() as Float32Array).fill(0);
      expect(await kept.data()).toEqual(values);
      expect(isOnDevice(kept)).toBe(false);
    });

    test('ops and programs take it, from which it goes when it is forgotten again', () => {
      expect(tf.sub(kept, 1).dataSync()[7]).toBe(7);
      expect(isOnDevice(kept)).toBe(true);
      const program = executable();
      forget(program, tf.zeros([size]), 100);
      expect(isOnDevice(kept)).toBe(false);
      expect(program.run([kept])[0]!.dataSync()[7]).toBe(9);
      forget(program, tf.zeros([size]), 100);
      expect(isOnDevice(kept)).toBe(false);
      const captured = compile((x) => tf.mul(x!, kept), [float()]);
      expect(captured.run([2])[0]!.dataSync()[7]).toBe(16);
    });

    test('other devices take it', async () => {
      await setBackend('cpu');
      expect(tf.add(kept, 1).dataSync()[7]).toBe(9);
      await setBackend('wasm');
      expect(tf.add(kept, 1).dataSync()[7]).toBe(9);
    });

    test('tensors and variables share it', () => {
      const before = tf.memory();
      const [same, variable] = [tf.reshape(kept, [2, -1]), tf.variable(kept)];
      forgetAndDispose(executable(), 100);
      expect(isOnDevice(same)).toBe(false);
      kept.dispose();
      expect(variable.dataSync()).toEqual(values);
      variable.dispose();
      expect(same.dataSync()).toEqual(values);
      same.dispose();
      expect(tf.memory()).toMatchObject({
        numTensors: before.numTensors - 1,
        numDataBuffers: before.numDataBuffers - 1,
        numBytes: before.numBytes - 4 * size,
      });
    });

    test('disposing of it is counted', () => {
      const { numTensors, numDataBuffers, numBytes } = tf.memory();
      const held = buffers();
      kept.dispose();
      expect([tf.memory().numTensors, tf.memory().numDataBuffers, tf.memory().numBytes]).toEqual([
        numTensors - 1,
        numDataBuffers - 1,
        numBytes - 4 * size,
      ]);
      expect(buffers()).toBe(held);
      expect(() => kept.dataSync()).toThrow('disposed');
    });
  });

  const forgetAndDispose = (executable: Executable, steps: number): void => {
    const results: Tensor[] = [];
    let x = tf.zeros([size]) as Tensor;
    results.push(x);
    for (let i = 0; i < steps; i++) {
      x = executable.run([x])[0]!;
      results.push(x);
    }
    tf.dispose(results);
  };

  test('a state of several tensors, some of which share their data', () => {
    setMemoryBudget(2 ** 20);
    const n = 1000;
    const update = compile(
      (mean, logSd, moment, batch) => {
        const slope = tf.sub(mean!, batch!);
        const next = tf.add(tf.mul(0.9, moment!), slope);
        const moved = tf.sub(mean!, tf.mul(0.01, next));
        return [moved, tf.sub(logSd!, 0.001), next, tf.reshape(moved, [10, 100]), tf.sum(tf.square(slope)), batch!];
      },
      [float(n), float(n), float(n), float(n)],
    );
    const batch = tf.ones([n]);
    let state = [tf.zeros([n]), tf.zeros([n]), tf.zeros([n])] as Tensor[];
    let early: Tensor[] = [];
    const held = buffers();
    for (let i = 0; i < 2000; i++) {
      const results = update.run([...state, batch]);
      state = results.slice(0, 3);
      if (i === 9) early = results;
    }
    expect(buffers() - held).toBeLessThan((1.5 * 2 ** 20) / (4 * n));
    expect(state[0]!.dataSync()[5]).toBeCloseTo(1, 5);
    expect(state[1]!.dataSync()[5]).toBeCloseTo(-2, 3);
    expect(early[3]!.dataSync()).toEqual(early[0]!.dataSync());
    expect(early[1]!.dataSync()[5]).toBeCloseTo(-0.01, 6);
    expect(isOnDevice(batch)).toBe(true);
    expect(tf.mul(early[3]!, 2).shape).toEqual([10, 100]);
    expect(early[0]!.dataSync()).toEqual(early[3]!.dataSync());
    update.dispose();
  });

  test('disposed ones do not count: the others stay', () => {
    setMemoryBudget(2 ** 20);
    const executable = increment();
    const kept = executable.run([tf.zeros([size])])[0]!;
    expectNoLeak(() => {
      let x = tf.zeros([size]) as Tensor;
      const held = buffers();
      for (let i = 0; i < 3000; i++) {
        const [next] = executable.run([x]);
        x.dispose();
        x = next!;
        if (i % 100 === 0) expect(buffers()).toBe(held);
      }
      x.dispose();
    });
    expect(isOnDevice(kept)).toBe(true);
    kept.dispose();
    executable.dispose();
  });

  test('a state larger than the budget stays on the device', () => {
    setMemoryBudget(2 ** 20);
    const n = 2 ** 20;
    const [update, sample] = [increment(n), compile((x) => tf.neg(x!), [float(n)])];
    const other = update.run([tf.zeros([n])])[0]!;
    let x = update.run([tf.zeros([n])])[0]!;
    const device = theEngine().backend;
    const moves = vi.spyOn(device, 'readSync');
    for (let i = 0; i < 5; i++) {
      const draw = sample.run([x])[0]!;
      const next = update.run([x])[0]!;
      tf.dispose([x, draw]);
      x = next;
    }
    // Only what is not in use moved away.
    expect(moves).toHaveBeenCalledTimes(1);
    moves.mockRestore();
    expect([isOnDevice(x), isOnDevice(other)]).toEqual([true, false]);
    expect([x.dataSync()[9], other.dataSync()[9]]).toEqual([6, 1]);
    tf.dispose([x, other]);
  });

  test('no limit', () => {
    setMemoryBudget(Number.POSITIVE_INFINITY);
    const held = buffers();
    forgetAndDispose(increment(), 100);
    const kept = forget(increment(), tf.zeros([size]), 1000);
    expect(buffers() - held).toBeGreaterThan(1000);
    expect(isOnDevice(kept)).toBe(true);
  });

  test('what setMemoryBudget takes', async () => {
    for (const bytes of [0, -1, Number.NaN])
      expect(() => setMemoryBudget(bytes)).toThrow(`the budget is ${bytes} bytes and must be a positive number`);
    expect(setMemoryBudget(5)).toBe(budget);
    expect(setMemoryBudget(budget)).toBe(5);
    await setBackend('cpu');
    expect(setMemoryBudget(5)).toBe(Number.POSITIVE_INFINITY);
    await setBackend('wasm');
  });
});

describe.skipIf(!(await provideWebGPU()))('forgotten results on webgpu', () => {
  const n = 1000;
  let budget: number;
  beforeAll(async () => {
    await import('../src/webgpu.ts');
    await setBackend('webgpu');
    budget = setMemoryBudget(2 ** 20);
  });
  afterEach(() => void setMemoryBudget(budget));

  const forgetTen = (executable: Executable): void => {
    for (let i = 0; i < 10; i++) executable.run([i]);
  };

  test('are freed with the garbage, those that are shared or held are not', async () => {
    const executable = compile((x) => tf.add(tf.zeros([n]), x!), [float()]);
    const held = executable.run([41])[0]!;
    const first = executable.run([42])[0]!;
    const shared = tf.reshape(first, [10, 100]);
    first.dispose();
    executable.run([0])[0]!.dispose();
    await held.data();
    const { numTensors, numDataBuffers, numBytes } = tf.memory();
    const before = buffers();
    const bytes = (): number => (tf.memory() as { numBytesInGPU?: number }).numBytesInGPU as number;
    const onGpu = bytes();
    forgetTen(executable);
    expect(buffers()).toBe(before + 10);
    await untilCollected(() => tf.memory().numTensors === numTensors);
    expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers, numBytes });
    expect(buffers()).toBe(before);
    const again = executable.run([43])[0]!;
    expect((await again.data())[9]).toBe(43);
    expect(bytes()).toBeLessThanOrEqual(onGpu + 4 * n + 64);
    expect([(await held.data())[9], (await shared.data())[9]]).toEqual([41, 42]);
    tf.dispose([held, shared, again]);
    executable.dispose();
  });

  test('beyond the budget warn, beyond twice the budget throw', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const executable = compile((x) => tf.add(tf.zeros([n]), x!), [float()]);
    const results: Tensor[] = [];
    setMemoryBudget(2 ** 18);
    expect(() => {
      for (let i = 0; i < 1000; i++) results.push(executable.run([i])[0]!);
    }).toThrow(/state\.dispose\(\).*inplace: true.*await run\(/);
    expect(results.length).toBeGreaterThan(2 ** 19 / 4300);
    expect(results.length).toBeLessThan(2 ** 19 / 4000);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]![0]).toMatch(/inplace: true/);
    tf.dispose(results);
    expectNoLeak(() => {
      for (let i = 0; i < 1000; i++) tf.dispose(executable.run([i]));
    });
    executable.dispose();
    warn.mockRestore();
  });
});
