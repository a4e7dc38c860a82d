// The approximations on webgpu. Skipped where there is no adapter.
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import { provideWebGPU } from '@posteriors/testing';
import { ravel, type TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { denseFisher, denseGgn, denseHessian, diagFisher, diagGgn } from '../src/index.ts';
import { each, forward, logLikelihood, makeBatch, makeParams, outer } from './logistic.ts';

const available = await provideWebGPU();
if (available) await import('@posteriors/backend/webgpu');

/** The precision of a state, then two draws. */
const read = async (state: object, draw: TensorTree): Promise<unknown[]> => {
  const { prec, precDiag } = state as { readonly prec?: tf.Tensor; readonly precDiag?: TensorTree };
  const found = [prec ?? ravel(precDiag as TensorTree).flat, ravel(draw).flat];
  return await Promise.all(found.map((tensor) => tensor.array()));
};

describe.skipIf(!available)('on webgpu', () => {
  const two = { seed: 1, sampleShape: [2] };
  const after = <S>(transform: { init(p: never): S; update(s: S, b: never): [S, unknown] }): S => {
    const batch = makeBatch() as never;
    return transform.update(transform.update(transform.init(makeParams() as never), batch)[0], batch)[0];
  };
  test.each<[string, () => Promise<unknown[]>]>([
    ['diagFisher', () => { const s = after(diagFisher.build(logLikelihood)); return read(s, diagFisher.sample(s, two)); }],
    ['diagFisher, perSample', () => { const s = after(diagFisher.build(each, { perSample: true })); return read(s, diagFisher.sample(s, two)); }],
    ['diagGgn', () => { const s = after(diagGgn.build(forward, outer)); return read(s, diagGgn.sample(s, two)); }],
    ['denseFisher', () => { const s = after(denseFisher.build(logLikelihood, { initPrec: 1 })); return read(s, denseFisher.sample(s, two)); }],
    ['denseGgn', () => { const s = after(denseGgn.build(forward, outer, { initPrec: 1 })); return read(s, denseGgn.sample(s, two)); }],
    ['denseHessian', () => { const s = after(denseHessian.build(logLikelihood, { initPrec: 1 })); return read(s, denseHessian.sample(s, two)); }],
  ])('%s equals that on cpu', async (_, run) => {
    await setBackend('cpu');
    const expected = await run();
    await setBackend('webgpu');
    expect(await run()).toBeAllClose(expected, { rtol: 1e-4, atol: 1e-5 });
  }); // biome-ignore format: a table

  test('a precision there is nothing to draw from gives draws that are not finite', async () => {
    await setBackend('webgpu');
    const singular = { params: tf.zeros([2]), prec: tf.fill([2, 2], -1) };
    const dense = (await denseGgn.sample(singular, { seed: 0 }).array()) as number[];
    expect(dense.every(Number.isFinite)).toBe(false);
    const none = { params: tf.zeros([2]), precDiag: tf.zeros([2]) };
    const diagonal = (await diagFisher.sample(none, { seed: 0 }).array()) as number[];
    expect(diagonal.some(Number.isFinite)).toBe(false);
  });
});
