import type { RunFacts, Timed } from '../src/entry.ts';

export const run: RunFacts = { machine: 'a machine', command: 'npm run bench --', date: '2030-01-01', load: 0.1 };
export const inplace: Timed = { name: 'posteriors, in place', version: '0.1.0', medianMs: 0.02, spread: 0.05 };
export const pure: Timed = { name: 'posteriors, pure', version: '0.1.0', medianMs: 0.025, spread: 0 };
export const slow: Timed = { name: 'slow', version: '1.0', medianMs: 1, spread: 0.1 };
export const quick: Timed = { name: 'quick', version: '2.0', medianMs: 0.01, spread: 0 };
export const absent = { name: 'absent', missing: 'not installed' } as const;
