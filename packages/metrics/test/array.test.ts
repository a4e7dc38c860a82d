import '@tensorflow/tfjs-backend-cpu';
import { memory, softmax, tensor, tensor1d, tensor2d, tensor3d } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { accuracy, entropySplit, fromTensor } from '../src/index.ts';

describe('fromTensor', () => {
  test('reads values and shape and leaves the tensor alive', async () => {
    const matrix = tensor2d([[1, 2, 3]]);
    const tensors = memory().numTensors;
    expect(await fromTensor(matrix)).toEqual({ values: Float32Array.of(1, 2, 3), shape: [1, 3] });
    expect(memory().numTensors).toBe(tensors);
    expect(matrix.isDisposed).toBe(false);
    matrix.dispose();
  });

  test('gives what the metrics take', async () => {
    const logits = tensor3d([[[0, 8]], [[8, 0]]]);
    const probabilities = await fromTensor(softmax(logits));
    expect(entropySplit(probabilities).epistemic[0]).toBeGreaterThan(0.68);
    const one = await fromTensor(softmax(tensor2d([[0, 8]])));
    expect(accuracy(one, await fromTensor(tensor1d([1], 'int32')))).toBe(1);
  });

  test('refuses strings and disposed tensors', async () => {
    await expect(fromTensor(tensor(['a']))).rejects.toThrow('metrics.fromTensor: the tensor holds string');
    const gone = tensor1d([1]);
    gone.dispose();
    await expect(fromTensor(gone)).rejects.toThrow('disposed');
  });
});
