/** The benchmarks: each workload on each device, in turn with the peers, checked before it is timed. */
import { loadavg } from 'node:os';
import * as tf from '@tensorflow/tfjs';
import { setBackend } from 'posteriors';
import { DEVICES, type Device, startDevices } from './devices.ts';
import { type Entry, type RunFacts, toEntry, toMeasureEntry, writeJson } from './entry.ts';
import { commandOf, OptionError, type Options, parseOptions, usage } from './options.ts';
import { startPeers } from './peers/index.ts';
import type { Peer } from './peers/peer.ts';
import { formatFacts, formatFinding, formatTimings, machine } from './report.ts';
import { timeWorkload } from './time-workload.ts';
import type { TimingOptions } from './timing.ts';
import { isMeasure, loadMeasure } from './transforms/index.ts';
import { loadWorkload } from './workloads/index.ts';

const THOROUGH: TimingOptions = { rounds: 15, roundMs: 100, mostMs: 60_000 };
const QUICK: TimingOptions = { rounds: 3, roundMs: 20, mostMs: 5_000 };

tf.env().set('PROD', true);
try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) console.log(usage);
  else await main(options);
} catch (error) {
  // Not left uncaught: a handler of the WebAssembly device would print its source first.
  console.error(error instanceof OptionError ? error.message : error);
  process.exitCode = error instanceof OptionError ? 2 : 1;
}

async function main(options: Options): Promise<void> {
  const { workloads, devices, json, quick, peers: withPeers, python } = options;
  const { present, missing } = await startDevices(devices ?? DEVICES);
  const run: RunFacts = {
    machine: machine(),
    command: commandOf(options),
    date: new Date().toISOString().slice(0, 10),
    load: loadavg()[0] ?? 0,
  };
  console.log(formatFacts(run));
  for (const { name, missing: reason } of missing) console.log(`${name}: missing (${reason})`);
  if (devices !== undefined && missing.length > 0) {
    process.exitCode = 1;
    return;
  }

  const peers = withPeers ? await startPeers(python) : [];
  const timing = quick ? QUICK : THOROUGH;
  const entries: Entry[] = [];
  try {
    for (const name of workloads) {
      const found = isMeasure(name) ? measured(name, present, timing, run) : timed(name, present, peers, timing, run);
      try {
        for await (const entry of found) {
          entries.push(entry);
          // After each, so that a run that is broken off has its figures.
          if (json !== undefined) await writeJson(json, entries);
        }
      } catch (error) {
        // The other workloads have figures all the same.
        console.error(error);
        process.exitCode = 1;
      }
    }
  } finally {
    for (const peer of peers) peer.stop();
  }
}

/** Times a transform on each device. */
async function* measured(
  name: string,
  devices: readonly Device[],
  timing: TimingOptions,
  run: RunFacts,
): AsyncGenerator<Entry> {
  await setBackend('cpu');
  const measure = await loadMeasure(name);
  console.log(`\n${name}  ${measure.title}`);
  for (const device of devices) {
    await setBackend(device);
    for (const finding of await measure.run(timing, device)) {
      console.log(formatFinding(device, finding));
      yield toMeasureEntry({ name, title: measure.title, device, run }, finding);
    }
  }
}

/** Checks and times a workload on each device. */
async function* timed(
  name: string,
  devices: readonly Device[],
  peers: readonly Peer[],
  timing: TimingOptions,
  run: RunFacts,
): AsyncGenerator<Entry> {
  await setBackend('cpu');
  const workload = await loadWorkload(name);
  console.log(`\n${name}  ${workload.title}`);
  for (const device of devices) {
    await setBackend(device);
    for (const timings of await timeWorkload(workload, peers, timing)) {
      console.log(formatTimings(device, timings));
      yield toEntry({ name, title: workload.title, device, run }, timings);
    }
  }
}
