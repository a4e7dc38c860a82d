// Decompositions on webgpu, in float32. Skipped where there is no adapter.
import '@posteriors/backend/cpu';
import { grad, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { provideWebGPU } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eigh, qr, svd } from '../src/index.ts';
import {
  distance,
  hilbert,
  identity,
  positive,
  product,
  type Rows,
  random,
  symmetric,
  tensorOf,
  transposed,
} from './matrices.ts';

type Tensor = tf.Tensor;

const available = await provideWebGPU();

const stacked = (matrices: readonly Rows[]): Tensor =>
  tf.tensor3d(
    matrices.flatMap((a) => a.flat()),
    [matrices.length, matrices[0]!.length, matrices[0]![0]!.length],
  );
const columnsTimes = (a: Rows, factors: readonly number[]): number[][] =>
  a.map((row) => row.map((x, j) => x * factors[j]!));

/** The matrices of a tensor, or the vectors, which is disposed. */
async function read<T>(x: Tensor): Promise<T[]> {
  const all = (await x.array()) as T[];
  x.dispose();
  return all;
}

function expectOrthonormal(vectors: Rows): void {
  const n = vectors[0]!.length;
  expect(distance(product(transposed(vectors), vectors), identity(n))).toBeLessThan(1e-5);
}

function expectSigns(vectors: Rows): void {
  for (const vector of transposed(vectors)) {
    const size = Math.max(...vector.map(Math.abs));
    // What is all but a thousandth smaller may be found on either side of it.
    if (vector.some((x) => Math.abs(Math.abs(x) - 0.999 * size) < 1e-4 * size)) continue;
    expect(vector.find((x) => Math.abs(x) >= 0.999 * size)).toBeGreaterThan(0);
  }
}

const norm = (a: Rows): number => Math.hypot(...a.flat());

async function expectEigh(matrices: readonly Rows[]): Promise<void> {
  const parts = eigh(stacked(matrices));
  const [values, vectors] = [await read<number[]>(parts.values), await read<Rows>(parts.vectors)];
  matrices.forEach((a, i) => {
    const [w, v] = [values[i]!, vectors[i]!];
    const rest = product(columnsTimes(v, w), transposed(v)).map((row, p) => row.map((x, q) => x - a[p]![q]!));
    expect(norm(rest)).toBeLessThan(1e-5 * norm(a) + 1e-37);
    expect(w).toEqual([...w].sort((x, y) => x - y));
    expectOrthonormal(v);
    expectSigns(v);
  });
}

async function expectSvd(matrices: readonly Rows[]): Promise<void> {
  const parts = svd(stacked(matrices));
  const [us, values, vs] = [await read<Rows>(parts.u), await read<number[]>(parts.values), await read<Rows>(parts.v)];
  matrices.forEach((a, i) => {
    const [u, s, v] = [us[i]!, values[i]!, vs[i]!];
    expect(distance(product(columnsTimes(u, s), transposed(v)), a)).toBeLessThan(1e-5 * norm(a) + 1e-37);
    expect(s).toEqual([...s].sort((x, y) => y - x));
    expectOrthonormal(u);
    expectOrthonormal(v);
    expectSigns(a.length >= a[0]!.length ? v : u);
  });
}

async function expectQr(matrices: readonly Rows[]): Promise<void> {
  const parts = qr(stacked(matrices));
  const [qs, rs] = [await read<Rows>(parts.q), await read<Rows>(parts.r)];
  matrices.forEach((a, i) => {
    const [q, r] = [qs[i]!, rs[i]!];
    expect(distance(product(q, r), a)).toBeLessThan(1e-5 * norm(a) + 1e-37);
    expectOrthonormal(q);
    r.forEach((row, k) => {
      expect(row[k]).toBeGreaterThanOrEqual(0);
      expect(row.slice(0, k)).toEqual(row.slice(0, k).map(() => 0));
    });
  });
}

const special: readonly Rows[] = [
  identity(4).map((row) => row.map(() => 0)),
  identity(4),
  identity(4).map((row) => row.map(() => 1)),
  hilbert(4),
  identity(4).map((row, i) => row.map((x, j) => (i + j === 3 ? (i < j ? 1e20 : 1e-20) : x * 0))).map((row) => row.map(Math.fround)), // biome-ignore format: one matrix
  identity(4).map((row, i) => row.map((x) => Math.fround(x * 10 ** (i * 3 - 6)))),
  symmetric(4, 7).map((row) => row.map((x) => Math.fround(x * 1e-25))),
];

describe.skipIf(!available)('webgpu', () => {
  beforeAll(async () => {
    await import('@posteriors/backend/webgpu');
    await setBackend('webgpu');
  });
  afterEach(() => setBackend('webgpu'));

  test.each([1, 2, 3, 4, 5, 8, 17, 40, 65])('%i rows, a batch of two', async (n) => {
    const seeds = [n, n + 1];
    await expectEigh(seeds.map((seed) => symmetric(n, seed)));
    await expectSvd(seeds.map((seed) => random(n, n, seed)));
    await expectQr(seeds.map((seed) => random(n, n, seed)));
  });

  // Where the rotations did not stay orthogonal the error grew with their number.
  test('100 rows', async () => {
    await expectEigh([positive(100, 5), symmetric(100, 5)]);
    await expectSvd([random(100, 100, 100)]);
  });

  test.each([
    [5, 2],
    [2, 5],
    [1, 7],
    [70, 3],
    [3, 70],
  ])('%i rows and %i columns', async (m, n) => {
    await expectSvd([random(m, n, 1), random(m, n, 2)]);
    await expectQr([random(m, n, 1), random(m, n, 2)]);
  });

  test('equal, vanishing, huge and tiny values', async () => {
    await expectEigh(special.map((a) => a.map((row, i) => row.map((x, j) => (i >= j ? x : a[j]![i]!)))));
    await expectSvd(special);
    await expectQr(special);
  });

  test('a singular matrix with more rows than columns is completed', async () => {
    await expectSvd([[[1, 0, 2], [0, 0, 0], [2, 0, 4], [0, 0, 0], [3, 0, 6]]]); // biome-ignore format: a matrix
    await expectSvd([random(6, 3, 1).map((row) => row.map(() => 0))]);
  });

  test('no elements, and many matrices', async () => {
    for (const shape of [[0, 3, 3], [2, 0, 0]]) expect((await eigh(tf.zeros(shape)).values.data()).length).toBe(0); // biome-ignore format: shapes
    for (const shape of [
      [0, 3, 2],
      [2, 3, 0],
      [2, 0, 3],
    ]) {
      // biome-ignore format: shapes
      expect((await svd(tf.zeros(shape)).values.data()).length).toBe(0);
      expect((await qr(tf.zeros(shape)).q.data()).length).toBe(0);
    }
    const many = Array.from({ length: 300 }, (_, i) => symmetric(3, i + 1));
    await expectEigh(many);
    await expectSvd(many);
    await expectQr(many);
  });

  test.each([Number.NaN, Infinity, -Infinity])('all factors of a matrix that holds %s are NaN', async (wrong) => {
    const a = tf.tensor3d([2, 1, 1, 3, 2, 1, wrong, 3], [2, 2, 2]);
    for (const x of [...Object.values(eigh(a)), ...Object.values(svd(a))]) {
      const [whole, broken] = await read<number[] | Rows>(x);
      expect([whole!].flat(2).every(Number.isFinite)).toBe(true);
      expect([broken!].flat(2).every(Number.isNaN)).toBe(true);
    }
  });

  test('the upper triangle is not read, and NaN stays NaN', async () => {
    const [values] = await read<number[]>(eigh(tf.tensor3d([2, Number.NaN, 0, 3], [1, 2, 2])).values);
    expect(values).toEqual([2, 3]);
    const broken = tf.tensor3d([Number.NaN, 0, 0, 1], [1, 2, 2]);
    for (const x of [eigh(broken).values, svd(broken).values, qr(broken).r]) {
      expect(Array.from(await x.data(), Number.isNaN)).toContain(true);
    }
  });

  test('the same as on cpu, with derivatives and under vmap', async () => {
    const a = symmetric(5, 3);
    const tall = random(6, 4, 2);
    const functions: readonly (() => Tensor)[] = [
      () => eigh(tensorOf(a)).vectors,
      () => svd(tensorOf(tall)).u,
      () => svd(tensorOf(tall)).v,
      () => qr(tensorOf(tall)).q,
      () => qr(tensorOf(transposed(tall))).r,
      () => grad((x: Tensor) => tf.sum(tf.exp(eigh(x).values)))(tensorOf(a)),
      () => grad((x: Tensor) => tf.sum(tf.square(tf.slice(eigh(x).vectors, [0, 0], [3, 2]))))(tensorOf(a)),
      () => grad((x: Tensor) => tf.sum(tf.square(svd(x).values)))(tensorOf(tall)),
      () => grad((x: Tensor) => tf.sum(qr(x).q))(tensorOf(tall)),
      () => vmap((x: Tensor) => qr(x).r)(tf.stack([tensorOf(tall), tensorOf(random(6, 4, 9))])),
    ];
    for (const f of functions) {
      await setBackend('cpu');
      const expected = await f().data();
      await setBackend('webgpu');
      const atol = 1e-4 * Math.max(...expected.map(Math.abs));
      expect(await f().data()).toBeAllClose(expected, { rtol: 0, atol });
    }
  });

  test('no tensor is left behind', () => {
    const a = tf.eye(3);
    const decompose = (): void => tf.dispose([eigh(a), qr(a), svd(a)] as unknown as Tensor[]);
    decompose();
    const before = tf.memory().numTensors;
    decompose();
    expect(tf.memory().numTensors).toBe(before);
    a.dispose();
  });
});
