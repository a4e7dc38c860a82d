import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Frame, profile } from '../src/transforms/profile.ts';
import { PARTS, stagesOf } from '../src/transforms/stages.ts';

const frame = (name: string, file = 'node:internal'): Frame => ({ name, file: `file:///packages/${file}` });
const step = frame('update', 'transform/src/step.ts');
const shares = (...stacks: readonly (readonly Frame[])[]): { readonly [name: string]: number } => {
  const found = stagesOf(stacks.map((stack) => ({ stack, microseconds: 100 })));
  return Object.fromEntries(found.filter(({ share }) => share > 0).map(({ name, share }) => [name, share]));
};

describe('stagesOf', () => {
  test('asks the innermost function that belongs to a part', () => {
    const run = frame('run', 'backend/src/tfjs.ts');
    expect(
      shares(
        [frame('wasm-function[1]'), run, step],
        [frame('set'), frame('Engine.makeTensorFromTensorInfo'), run, step],
        [frame('release', 'backend/src/device-data.ts'), run, step],
        [frame('atStep', 'transform/src/hyper.ts'), step],
      ),
    ).toEqual({
      'running the generated function': 0.25,
      'making the result tensors': 0.25,
      'freeing the old ones': 0.25,
      'options and hyper-parameters': 0.25,
    });
  });

  test('keeps the garbage collector and what is in no part apart', () => {
    expect(shares([frame('(garbage collector)')], [step], [frame('(program)')], [frame('f')])).toEqual({
      'garbage collection': 0.25,
      'the rest': 0.75,
    });
  });

  test('names all parts, and files that are there', () => {
    expect(stagesOf([]).map(({ name }) => name)).toEqual(expect.arrayContaining(PARTS.map(({ name }) => name)));
    const files = PARTS.flatMap(({ files = [] }) => files);
    expect(files.filter((file) => !existsSync(new URL(`../../../packages/${file}`, import.meta.url)))).toEqual([]);
  });
});

test('profile tells which functions were under way, and for how long', async () => {
  const until = (end: number): void => {
    while (performance.now() < end) Math.sqrt(end);
  };
  const samples = await profile(() => until(performance.now() + 100));
  const within = samples.filter(({ stack }) => stack.some(({ name }) => name === 'until'));
  const time = within.reduce((sum, { microseconds }) => sum + microseconds, 0);
  expect(within.length).toBeGreaterThan(5);
  expect(time).toBeGreaterThan(50_000);
  expect(within[0]?.stack.some(({ file }) => file.endsWith('stages.test.ts'))).toBe(true);
});
