import { expect, test } from 'vitest';
import { Queue } from '../src/queue.ts';

interface Entry {
  readonly name: number;
  readonly bytes: number;
  readonly alive: boolean;
}

const names = (queue: Queue<Entry>): number[] => {
  const found: number[] = [];
  queue.drop(({ name }) => {
    found.push(name);
    return false;
  });
  return found;
};

test('entries are asked oldest first, and their bytes go with them', () => {
  const queue = new Queue<Entry>(({ alive }) => alive);
  for (let name = 0; name < 6; name++) queue.push({ name, bytes: 1000, alive: name !== 2 });
  const each = queue.bytes / 6;
  expect(each).toBeGreaterThan(1000);
  expect(names(queue)).toEqual([0, 1, 2, 3, 4, 5]);
  queue.sweep();
  expect([names(queue), queue.bytes]).toEqual([[0, 1, 3, 4, 5], 5 * each]);
  queue.drop(() => queue.bytes > 3 * each);
  expect([names(queue), queue.bytes]).toEqual([[3, 4, 5], 3 * each]);
});

test('what died does not pile up, and sweeps become rarer as more is alive', () => {
  let asked = 0;
  const queue = new Queue<Entry>(({ alive }) => {
    asked++;
    return alive;
  });
  for (let name = 0; name < 100_000; name++) queue.push({ name, bytes: 0, alive: name % 10_000 === 0 });
  expect(names(queue).length).toBeLessThan(2000);
  expect(asked).toBeLessThan(110_000);

  asked = 0;
  for (let name = 0; name < 100_000; name++) queue.push({ name, bytes: 0, alive: true });
  expect(asked).toBeLessThan(300_000);
  expect(names(queue).length).toBeGreaterThanOrEqual(100_000);
});
