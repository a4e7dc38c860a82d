/** The benchmarks: each workload on each device, in turn with the peers, checked before it is timed. */
import * as tf from '@tensorflow/tfjs';
import { setBackend } from 'posteriors';
import { checkContender } from './check.ts';
import type { Contender, Missing } from './contender.ts';
import { DEVICES, type Device, startDevices } from './devices.ts';
import { OptionError, type Options, parseOptions, usage } from './options.ts';
import { ours } from './ours.ts';
import { type PythonPeer, startPython } from './peers/python.ts';
import { tfjsEager } from './peers/tfjs.ts';
import {
  type Entry,
  formatTable,
  formatTimings,
  type MeasureEntry,
  machineFacts,
  type Timings,
  toEntry,
  toMeasureEntry,
  writeJson,
} from './report.ts';
import { type TimingOptions, timeInTurn } from './timing.ts';
import { loadMeasure, MEASURES, type MeasureName } from './transforms/index.ts';
import { loadWorkload } from './workloads/index.ts';
import type { Workload } from './workloads/workload.ts';

const THOROUGH: TimingOptions = { rounds: 15, roundMs: 100 };
const QUICK: TimingOptions = { rounds: 3, roundMs: 20 };

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

async function main({ workloads, devices, json, quick, peers, python }: Options): Promise<void> {
  const { present, missing } = await startDevices(devices ?? DEVICES);
  console.log(machineFacts());
  for (const { name, missing: reason } of missing) console.log(`${name}: missing (${reason})`);
  if (devices !== undefined && missing.length > 0) {
    process.exitCode = 1;
    return;
  }

  const torch = peers ? await startPython(python) : undefined;
  const timing = quick ? QUICK : THOROUGH;
  const entries: (Entry | MeasureEntry)[] = [];
  try {
    for (const name of workloads) {
      await setBackend('cpu');
      if (isMeasure(name)) {
        entries.push(...(await runMeasure(name, present, timing)));
        continue;
      }
      const workload = await loadWorkload(name);
      console.log(`\n${name}  ${workload.title}`);
      for (const device of present) {
        await setBackend(device);
        const timings = await timeWorkload(workload, torch, timing);
        console.log(formatTimings(device, timings));
        entries.push(toEntry(name, device, timings));
      }
    }
  } finally {
    if (torch && 'stop' in torch) torch.stop();
  }
  if (json !== undefined) await writeJson(json, entries);
}

function isMeasure(name: string): name is MeasureName {
  return (MEASURES as readonly string[]).includes(name);
}

/** Times a transform on each device. */
async function runMeasure(
  name: MeasureName,
  devices: readonly Device[],
  timing: TimingOptions,
): Promise<MeasureEntry[]> {
  const measure = await loadMeasure(name);
  console.log(`\n${name}  ${measure.title}`);
  const entries: MeasureEntry[] = [];
  for (const device of devices) {
    await setBackend(device);
    const timed = await measure.run(timing);
    console.log(formatTable(device, timed));
    entries.push(toMeasureEntry(name, device, timed));
  }
  return entries;
}

/** Checks and times a workload on the current device; `torch` undefined: without peers. */
async function timeWorkload(
  workload: Workload,
  torch: PythonPeer | Missing | undefined,
  timing: TimingOptions,
): Promise<Timings> {
  const peers: Contender[] = torch === undefined ? [] : [tfjsEager(workload)];
  if (torch && 'contenders' in torch) peers.push(...(await torch.contenders(workload)));
  const contenders = [ours(workload, true), ours(workload, false), ...peers];
  try {
    for (const contender of contenders) await checkContender(contender, workload);
    const times = await timeInTurn(contenders, timing);
    const [inplace, pure, ...others] = contenders.map(({ name, version }, i) => ({ name, version, ...times[i]! }));
    const missing = torch && 'missing' in torch ? [torch] : [];
    return { inplace: inplace!, pure: pure!, peers: others, missing };
  } finally {
    for (const contender of contenders) contender.close();
  }
}
