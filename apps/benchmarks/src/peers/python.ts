/** Peers in Python processes of their own, which scripts beside this file turn into contenders. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startOf } from '../checks/start.ts';
import type { Contender, Missing, Quirk } from '../contender.ts';
import { stepsPerScan } from '../many-steps.ts';
import { mapNamed, type Named, type Point, type Values, type Workload } from '../workloads/workload.ts';
import type { Peer } from './peer.ts';

export interface PythonPeer {
  readonly name: string;
  /** The file that speaks as `peer_protocol.py` says. */
  readonly script: string;
  readonly runs: (workload: Workload) => boolean;
  /** The way of those that loops by itself. */
  readonly loops?: string;
  /** How the mathematics of a way to run a workload differs. */
  readonly quirks?: (workload: Workload, way: string) => readonly Quirk[];
}

/** Starts Python; where it lacks what is needed, says what. */
export async function startPython(python: string, peer: PythonPeer): Promise<Peer> {
  const { request, stop } = startProcess(python, peer.script);
  try {
    const { version } = await request<{ version: string }>({ do: 'describe' });
    return {
      stop,
      contenders: async (workload) => (peer.runs(workload) ? prepare(peer, workload, version, request) : []),
    };
  } catch (error) {
    stop();
    const missing: Missing = { name: peer.name, missing: (error as Error).message };
    return { stop, contenders: async (workload) => (peer.runs(workload) ? [missing] : []) };
  }
}

type Request = <Answer>(body: object) => Promise<Answer>;

function startProcess(python: string, script: string): { request: Request; stop: () => void } {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(python, [file], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });
  let complaints = '';
  child.stderr.on('data', (text: Buffer) => {
    complaints = `${complaints}${text}`.slice(-4_000);
  });
  child.stdin.on('error', () => {}); // that it is gone is told by its exit
  const gone = new Promise<never>((_, reject) => {
    child.on('error', (error) => reject(new Error(`${python} does not start: ${error.message}`)));
    child.on('close', () => reject(new Error(`${python} ended: ${complaints.trim().split('\n').at(-1)}`)));
  });
  gone.catch(() => {}); // it may end when nothing is asked of it
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  const request: Request = async <Answer>(body: object): Promise<Answer> => {
    child.stdin.write(`${JSON.stringify(body)}\n`);
    const line = await Promise.race([lines.next().then(({ value, done }) => (done ? gone : value)), gone]);
    const answer = JSON.parse(line) as Answer & { readonly error?: string };
    if (answer.error !== undefined) throw new Error(`${python}: ${answer.error}`);
    return answer;
  };
  return { request, stop: () => child.stdin.end() };
}

async function prepare(peer: PythonPeer, workload: Workload, version: string, request: Request): Promise<Contender[]> {
  const { kind, model, algorithm } = workload;
  const shaped = (numbers: Named<Float64Array>): object =>
    mapNamed(numbers, (leaf, name) => array({ values: leaf, shape: (model.params[name] as Values).shape }));
  const sent = ({ params, companions }: Point): object => ({ params: shaped(params), companions: shaped(companions) });
  const stepsPerCall = stepsPerScan(workload);
  const { ways } = await request<{ ways: readonly string[] }>({
    do: 'prepare',
    model: model.name,
    numData: kind === 'posterior' ? model.numData : 1,
    chains: (kind === 'posterior' && model.chains) || 0,
    stepsPerScan: stepsPerCall ?? 0,
    batches: model.batches.map((batch) => mapNamed(batch, array)),
    start: sent(startOf(model, algorithm)),
    algorithm,
  });
  return ways.map((way) => ({
    name: way === '' ? peer.name : `${peer.name}, ${way}`,
    version,
    stepsPerCall: (way === peer.loops && stepsPerCall) || 1,
    quirks: peer.quirks?.(workload, way) ?? [],
    async advance(start, settings, steps) {
      const body = { do: 'advance', way, start: sent(start), algorithm: settings, steps };
      const reached = await request<{ [part in keyof Point]: Named<number[]> }>(body);
      const numbers = (part: Named<number[]>): Named<Float64Array> => mapNamed(part, (leaf) => Float64Array.from(leaf));
      return { params: numbers(reached.params), companions: numbers(reached.companions) };
    },
    time: async (calls) => (await request<{ ms: number }>({ do: 'time', way, calls })).ms,
    close() {},
  }));
}

function array({ values, shape }: { values: ArrayLike<number>; shape: readonly number[] }): object {
  return { shape, values: Array.from(values), dtype: values instanceof Int32Array ? 'int64' : 'float32' };
}
