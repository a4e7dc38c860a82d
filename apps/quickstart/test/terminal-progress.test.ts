import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createProgress } from '../src/terminal-progress.ts';

const HIDE = '\x1b[?25l';
const SHOW = '\x1b[?25h';

function fakeStream(isTTY: boolean, columns = 100) {
  const written: string[] = [];
  return { isTTY, columns, written, write: (text: string) => written.push(text) };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  vi.stubEnv('TERM', 'xterm');
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

describe('on a terminal', () => {
  test('draws bar, percent, steps, speed, figures and time left on one line', async () => {
    const stream = fakeStream(true);
    const progress = createProgress({ total: 1000, label: 'Training', stream });
    vi.advanceTimersByTime(2000);
    await progress.update(250, { nelbo: 0.25, stepsPerSecond: 50 });
    progress.stop();
    const bar = `${'█'.repeat(9)}${'░'.repeat(26)}`;
    expect(stream.written).toEqual([
      HIDE,
      `\rTraining  ${bar}   25 %   250/1000  50 steps/s  NELBO 0.250  0:15 left\x1b[K`,
      `\n${SHOW}`,
    ]);
    expect(stream.written[1]).toHaveLength('\r'.length + 99 + '\x1b[K'.length);
  });

  test('measures the speed itself where none is given, and ends with the time taken', async () => {
    const stream = fakeStream(true);
    const progress = createProgress({ total: 300, label: 'Training', stream });
    vi.advanceTimersByTime(75_000);
    await progress.update(300);
    progress.stop();
    expect(stream.written[1]).toContain('100 %  300/300  4 steps/s  in 1:15');
  });

  test('redraws at most ten times a second, and always at the end', async () => {
    const stream = fakeStream(true);
    const progress = createProgress({ total: 1000, label: 'Training', stream });
    for (let step = 1; step <= 1000; step++) {
      vi.advanceTimersByTime(1);
      expect(progress.isDue(step)).toBe(step % 100 === 1 || step === 1000);
      await progress.update(step);
    }
    progress.stop();
    const draws = stream.written.filter((text) => text.startsWith('\r'));
    expect(draws).toHaveLength(11);
    expect(draws.at(-1)).toContain('1000/1000');
  });

  test.each([60, 40, 20])('never writes past %i columns', async (columns) => {
    const stream = fakeStream(true, columns);
    const progress = createProgress({ total: 1000, label: 'Training', stream });
    vi.advanceTimersByTime(1000);
    await progress.update(500, { nelbo: 0.25 });
    progress.stop();
    expect(stream.written[1]!.length - '\r\x1b[K'.length).toBeLessThan(columns);
    expect(stream.written[1]).toContain('Training');
  });

  test('stop works once, gives the signals back, and ends all drawing', async () => {
    const listeners = () => ['SIGINT', 'SIGTERM', 'exit'].map((event) => process.listenerCount(event));
    const before = listeners();
    const stream = fakeStream(true);
    const progress = createProgress({ total: 10, label: 'Training', stream });
    expect(listeners()).toEqual(before.map((count) => count + 1));
    progress.stop();
    progress.stop();
    await progress.update(10);
    expect(listeners()).toEqual(before);
    expect(stream.written).toEqual([HIDE, `\n${SHOW}`]);
  });
});

describe('elsewhere', () => {
  test('prints a plain line for each tenth', async () => {
    const stream = fakeStream(false);
    const progress = createProgress({ total: 200, label: 'Training', stream });
    for (let step = 1; step <= 200; step++) {
      vi.advanceTimersByTime(100);
      await progress.update(step, { logPosterior: -1 });
    }
    progress.stop();
    expect(stream.written).toHaveLength(10);
    expect(stream.written[0]).toBe('Training   10 %   20/200  10 steps/s  log posterior -1.000  0:18 left\n');
    expect(stream.written[9]).toBe('Training  100 %  200/200  10 steps/s  log posterior -1.000  in 0:20\n');
    expect(stream.written.join('')).not.toContain('\x1b');
  });

  test('a terminal without control sequences counts as none', async () => {
    vi.stubEnv('TERM', 'dumb');
    const stream = fakeStream(true);
    const progress = createProgress({ total: 1, label: 'Training', stream });
    await progress.update(1);
    progress.stop();
    expect(stream.written.join('')).not.toContain('\x1b');
  });
});

describe('a process that ends while the bar is shown', () => {
  const source = new URL('../src/terminal-progress.ts', import.meta.url).href;

  /** Runs a synchronous loop under a progress bar on a fake terminal; `atStep` runs within it. */
  function start(atStep: string) {
    const code = `
      import { createProgress } from ${JSON.stringify(source)};
      const stream = { isTTY: true, columns: 80, write: (text) => process.stdout.write(text) };
      const progress = createProgress({ total: 3000, label: 'Training', stream });
      for (let step = 1; step <= 3000; step++) {
        const end = performance.now() + 10;
        while (performance.now() < end);
        ${atStep}
        await progress.update(step);
      }`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', code], {
      cwd: new URL('..', import.meta.url),
      env: { ...process.env, TERM: 'xterm' },
    });
    const output = { text: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      output.text += chunk;
    });
    return { child, output };
  }

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('by %s exits with %i and leaves the terminal clean', async (signal, exitCode) => {
    const { child, output } = start('');
    while (!output.text.includes('/3000')) await once(child.stdout, 'data');
    child.kill(signal);
    child.kill(signal);
    const [code] = await once(child, 'close');
    expect(code).toBe(exitCode);
    expect(output.text.startsWith(HIDE)).toBe(true);
    expect(output.text.endsWith(`\x1b[K\n${SHOW}`)).toBe(true);
  });

  test('by an exception shows the cursor again', async () => {
    const { child, output } = start("if (step === 20) throw new Error('diverged');");
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk;
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(1);
    expect(errors).toContain('Error: diverged');
    expect(output.text.endsWith(`\n${SHOW}`)).toBe(true);
  });
});
