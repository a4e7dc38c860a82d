import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatReport, type Result, writeJson } from '../src/report.ts';

const result: Result = {
  algorithm: 'vi',
  backend: 'wasm',
  seed: 3,
  seconds: 5.31,
  stepsPerSecond: 1354.3,
  oodAuroc: 0.957,
  ece: 0.0184,
  testLogLikelihood: -0.12403,
  testAccuracy: 0.9631,
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quickstart-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('formatReport aligns the figures', () => {
  const report = formatReport(
    result,
    { name: 'MNIST test digits', count: 10_000, aleatoric: 0.182, epistemic: 0.0412 },
    { name: 'Fashion-MNIST images', count: 766, aleatoric: 0.8, epistemic: 12.5 },
  );
  expect(report).toBe(`\
10,000 MNIST test digits
  accuracy                   96.31 %
  mean log likelihood      -0.1240
  calibration error (ECE)     1.84 %

Mean uncertainty (nats)     aleatoric  epistemic   total
  10,000 MNIST test digits      0.182      0.041   0.223
  766 Fashion-MNIST images      0.800     12.500  13.300
Epistemic uncertainty tells the two apart with AUROC 0.957 (0.5 is chance, 1 perfect).

Trained with vi on wasm, seed 3, in 5.3 s: 1,354 steps/s.
`);
});

test('writeJson writes the figures alone, in a fixed order, into a folder that it makes', async () => {
  const file = join(folder, 'results', 'run.json');
  await writeJson(file, Object.assign({ draws: [1, 2] }, result));
  const text = await readFile(file, 'utf8');
  expect(JSON.parse(text)).toEqual(result);
  expect(Object.keys(JSON.parse(text)).join(' ')).toBe(
    'testAccuracy testLogLikelihood ece oodAuroc stepsPerSecond seconds seed backend algorithm',
  );
  expect(text.endsWith('}\n')).toBe(true);
});

test('writeJson says which file it cannot write', async () => {
  await expect(writeJson(folder, result)).rejects.toThrow(folder);
});
