/** PyTorch posteriors in a Python process of its own, which `posteriors_peer.py` turns into a contender. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startOf } from '../check.ts';
import type { Contender, Missing } from '../contender.ts';
import { mapNamed, type Named, type Point, type Values, type Workload } from '../workloads/workload.ts';

const PYTHON_PEER = 'PyTorch posteriors';

const SCRIPT = fileURLToPath(new URL('./posteriors_peer.py', import.meta.url));

export interface PythonPeer {
  readonly version: string;
  /** Its two ways of updating a state, in place and not. */
  contenders(workload: Workload): Promise<Contender[]>;
  stop(): void;
}

/** Starts Python; where it lacks what is needed, says what. */
export async function startPython(python: string): Promise<PythonPeer | Missing> {
  const { request, stop } = startProcess(python);
  try {
    const { version } = await request<{ version: string }>({ do: 'describe' });
    return { version, stop, contenders: (workload) => prepare(workload, version, request) };
  } catch (error) {
    stop();
    return { name: PYTHON_PEER, missing: (error as Error).message };
  }
}

type Request = <Answer>(body: object) => Promise<Answer>;

function startProcess(python: string): { request: Request; stop: () => void } {
  const child = spawn(python, [SCRIPT], { stdio: ['pipe', 'pipe', 'pipe'] });
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

async function prepare(workload: Workload, version: string, request: Request): Promise<Contender[]> {
  const { model, algorithm } = workload;
  const pointOf = ({ params, companions }: Point): object => ({
    params: mapNamed(params, (leaf, name) => array({ values: leaf, shape: (model.params[name] as Values).shape })),
    companions: mapNamed(companions, (leaf, name) =>
      array({ values: leaf, shape: (model.params[name] as Values).shape }),
    ),
  });
  await request({
    do: 'prepare',
    model: model.name,
    numData: model.numData,
    batch: mapNamed(model.batch, array),
    start: pointOf(startOf(workload)),
    algorithm,
  });
  return [true, false].map((inplace) => ({
    name: `${PYTHON_PEER}, ${inplace ? 'in place' : 'pure'}`,
    version,
    // In place, its vi.diag loses the count of steps that torchopt returns: 0.1.2 and torchopt 0.7.3.
    correctsAsFirst: inplace && algorithm.name === 'vi.diag',
    async advance(start, temperature, steps) {
      const reached = await request<{ [part in keyof Point]: Named<number[]> }>({
        do: 'advance',
        inplace,
        start: pointOf(start),
        temperature,
        steps,
      });
      return {
        params: mapNamed(reached.params, (leaf) => Float64Array.from(leaf)),
        companions: mapNamed(reached.companions, (leaf) => Float64Array.from(leaf)),
      };
    },
    time: async (calls) => (await request<{ ms: number }>({ do: 'time', inplace, calls })).ms,
    close() {},
  }));
}

function array({ values, shape }: { values: ArrayLike<number>; shape: readonly number[] }): object {
  return { shape, values: Array.from(values), dtype: values instanceof Int32Array ? 'int64' : 'float32' };
}
