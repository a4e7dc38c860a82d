import { afterEach, expect, test, vi } from 'vitest';
import type { TestModule } from 'vitest/node';
import ClosingLine from '../src/closing-line.ts';

const log = vi.spyOn(console, 'log').mockImplementation(() => {});
afterEach(() => log.mockClear());

function testModule(states: readonly string[], errors: readonly unknown[] = []): TestModule {
  const allTests = () => states.map((state) => ({ result: () => ({ state }) }));
  return { errors: () => errors, children: { allTests } } as unknown as TestModule;
}

test('counts the tests of all files', () => {
  new ClosingLine().onTestRunEnd([testModule(['passed', 'failed']), testModule(['passed'])], []);
  expect(log.mock.lastCall).toEqual(['2 passed, 1 failed']);
});

test('names skipped tests where there are any', () => {
  new ClosingLine().onTestRunEnd([testModule(['passed', 'skipped', 'pending'])], []);
  expect(log.mock.lastCall).toEqual(['1 passed, 0 failed, 2 skipped']);
});

test('a file that does not load and an error outside the tests are failures', () => {
  new ClosingLine().onTestRunEnd([testModule([], [new Error('no such module')])], [new Error('unhandled')]);
  expect(log.mock.lastCall).toEqual(['0 passed, 2 failed']);
});
