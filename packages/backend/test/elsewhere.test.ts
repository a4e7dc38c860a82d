// Kernels that only cpu has.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import {
  type Aval,
  currentBackend,
  newValue,
  type Program,
  registerKernelSpec,
  setBackend,
  theEngine,
} from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

const float = (...shape: number[]): Aval => ({ shape, dtype: 'float32' });

/** `[x + y, ...]`, as cpu alone can. */
function define(kernelName: string, compute: (x: Float32Array, y: Float32Array) => Float32Array[]): void {
  registerKernelSpec(kernelName, { inputNames: ['x', 'y'], shape: ([x]) => x! });
  tf.registerKernel({
    kernelName,
    backendName: 'cpu',
    kernelFunc: ({ inputs, backend }) => {
      const { x, y } = inputs as { x: tf.TensorInfo; y: tf.TensorInfo };
      const device = backend as tf.KernelBackend;
      const read = ({ dataId }: tf.TensorInfo): Float32Array => device.readSync(dataId) as Float32Array;
      const results = compute(read(x), read(y)).map((values) => ({
        dataId: device.write(values, x.shape, 'float32'),
        shape: x.shape,
        dtype: 'float32' as const,
      }));
      return results.length === 1 ? results[0]! : results;
    },
  });
}

define('OnlyOnCpu', (x, y) => [x.map((value, i) => value + 10 * y[i]!)]);
define('TwoOnCpu', (x, y) => [x.map((value, i) => value + y[i]!), x.map((value, i) => value - y[i]!)]);
define('FailsOnCpu', () => {
  throw new Error('it failed there');
});

/** A program of the kernel between kernels that every device has. */
function around(kernel: string, results: number): Program<tf.Tensor> {
  const [x, y, negative] = [newValue(float(3)), newValue(float(3)), newValue(float(3))];
  const middle = Array.from({ length: results }, () => newValue(float(3)));
  const outputs = middle.map(() => newValue(float(3)));
  const equation = (name: string, inputs: readonly (typeof x)[], out: readonly (typeof x)[]) => ({
    type: 'kernel' as const,
    kernel: name,
    inputs,
    attributes: {},
    outputs: out,
  });
  return {
    inputs: [x, y],
    constants: [],
    equations: [
      equation('Neg', [y], [negative]),
      equation(kernel, [x, negative], middle),
      ...middle.map((value, i) => equation('Neg', [value], [outputs[i]!])),
    ],
    outputs,
  };
}

const inputs = [Float32Array.of(2, 4, 6), Float32Array.of(1, 0.5, -1)];
const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
beforeEach(() => setBackend('wasm'));
afterEach(() => void warn.mockClear());

describe('on wasm', () => {
  test('a kernel runs on cpu, with one warning that names it', () => {
    for (let i = 0; i < 2; i++) {
      const executable = currentBackend().compile(around('OnlyOnCpu', 1));
      const cpu = theEngine().registry['cpu'] as tf.KernelBackend | undefined;
      const [there, here] = [cpu?.numDataIds() ?? 0, tf.backend().numDataIds()];
      expectNoLeak(() => {
        const [result] = executable.run(inputs);
        expect(result!.dataSync()).toEqual(Float32Array.of(8, 1, -16));
        result!.dispose();
      });
      expect(theEngine().registry['cpu']?.numDataIds()).toBe(there);
      expect(tf.backend().numDataIds()).toBe(here);
      executable.dispose();
    }
    expect(warn.mock.calls).toEqual([
      [
        'the device wasm has no kernel OnlyOnCpu: it runs on cpu, to which and from which its tensors are copied each time.',
      ],
    ]);
  });

  test('a kernel with two results', () => {
    const executable = currentBackend().compile(around('TwoOnCpu', 2));
    expect(executable.run(inputs).map((result) => [...result.dataSync()])).toEqual([
      [-1, -3.5, -7],
      [-3, -4.5, -5],
    ]);
    executable.dispose();
  });

  test('a kernel that fails there leaves nothing', () => {
    const executable = currentBackend().compile(around('FailsOnCpu', 1));
    const here = tf.backend().numDataIds();
    const there = theEngine().registry['cpu']!.numDataIds();
    expectNoLeak(() => expect(() => executable.run(inputs)).toThrow('it failed there'));
    expect([tf.backend().numDataIds(), theEngine().registry['cpu']!.numDataIds()]).toEqual([here, there]);
    executable.dispose();
  });
});

test('a device that cannot be read at once refuses the program, and names kernel and remedy', async () => {
  tf.registerBackend('webgpu', () => new tf.KernelBackend());
  tf.registerKernel({ kernelName: 'Neg', backendName: 'webgpu', kernelFunc: () => [] });
  await tf.setBackend('webgpu');
  try {
    expect(() => currentBackend().compile(around('OnlyOnCpu', 1))).toThrow(
      /^the device webgpu has no kernel OnlyOnCpu, and .* Run this on another device \(setBackend\), or register the kernel for webgpu/,
    );
  } finally {
    await setBackend('wasm');
  }
  expect(warn).not.toHaveBeenCalled();
});

test('without cpu the error says how to have it', () => {
  const factories = theEngine().registryFactory as { [name: string]: object };
  const { cpu } = factories;
  delete factories['cpu'];
  try {
    expect(() => currentBackend().compile(around('OnlyOnCpu', 1))).toThrow(
      "the device wasm has no kernel OnlyOnCpu, and cpu is not there to run it. Import '@posteriors/backend/cpu'",
    );
  } finally {
    factories['cpu'] = cpu!;
  }
});
