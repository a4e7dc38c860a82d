import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { summarise } from '../timing.ts';
import { version } from '../version.ts';
import type { Measure } from './measure.ts';

const SCRIPT = fileURLToPath(new URL('./first-call.ts', import.meta.url));
const MOST_PROCESSES = 5;

/** How long the first step takes in a process that has taken none: tracing, compiling and running it, none of it warm. */
export const measure: Measure = {
  title: 'the first step of W4, with tracing and compiling, each in a fresh process',
  async run({ rounds }, device) {
    const times: number[] = [];
    for (let i = 0; i < Math.min(rounds, MOST_PROCESSES); i++) {
      const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, SCRIPT, device]);
      times.push(Number(stdout.trim().split('\n').at(-1)));
    }
    return [{ timed: [{ name: 'first step', version, ...summarise(times) }] }];
  },
};
