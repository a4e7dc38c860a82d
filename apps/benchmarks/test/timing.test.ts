import { describe, expect, test } from 'vitest';
import { summarise, timeInTurn } from '../src/timing.ts';

/** A contender whose step lasts `ms` by its own clock, and which notes in `log` when it is timed. */
function clockwork(name: string, ms: (call: number) => number, log: string[] = []) {
  let call = 0;
  return {
    time: async (calls: number) => {
      log.push(`${name} ${calls}`);
      return calls * ms(call++);
    },
  };
}

describe('summarise', () => {
  test('takes the median and the distance between the quartiles over it', () => {
    expect(summarise([5, 1, 3, 2, 4])).toEqual({ medianMs: 3, spread: 2 / 3 });
  });

  test('goes between two values where there are evenly many', () => {
    expect(summarise([4, 1, 2, 3])).toEqual({ medianMs: 2.5, spread: 1.5 / 2.5 });
  });

  test('has no spread for a single time', () => {
    expect(summarise([7])).toEqual({ medianMs: 7, spread: 0 });
  });

  test('refuses no times', () => {
    expect(() => summarise([])).toThrow('no times');
  });
});

describe('timeInTurn', () => {
  test('fills each round and reports the time of one step', async () => {
    const log: string[] = [];
    const [fast, slow] = await timeInTurn([clockwork('fast', () => 2, log), clockwork('slow', () => 50, log)], {
      rounds: 2,
      roundMs: 20,
      mostMs: Infinity,
    });
    expect([fast?.medianMs, slow?.medianMs]).toEqual([2, 50]);
    const warmUp = ['fast 1', 'fast 2', 'fast 4', 'fast 8', 'slow 1'];
    expect(log).toEqual([...warmUp, 'fast 10', 'slow 1', 'slow 1', 'fast 10']);
  });

  test('leaves the warm-up out of the median', async () => {
    const [timing] = await timeInTurn([clockwork('a', (call) => (call === 0 ? 1_000 : 1))], {
      rounds: 5,
      roundMs: 1,
      mostMs: Infinity,
    });
    expect(timing).toEqual({ medianMs: 1, spread: 0 });
  });

  test('takes three rounds, and no more when time is up', async () => {
    const log: string[] = [];
    await timeInTurn([clockwork('a', () => 8, log)], { rounds: 9, roundMs: 8, mostMs: -1 });
    expect(log).toEqual(['a 1', 'a 1', 'a 1', 'a 1']);
  });
});
