/** Where the time of a piece of work goes, by V8's profiler. */
import type { Profiler } from 'node:inspector';
import { Session } from 'node:inspector/promises';

/** A call that was under way: the name of the function, if it has one, and its file. */
export interface Frame {
  readonly name: string;
  readonly file: string;
}

/** Calls that were under way at once, the innermost first, and the time that was spent so. */
export interface Sample {
  readonly stack: readonly Frame[];
  readonly microseconds: number;
}

/** How often V8 looks, in microseconds. */
const INTERVAL = 100;

/** What ran during `work`. What the profiler itself takes to start and stop is left out. */
export async function profile(work: () => void): Promise<Sample[]> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: INTERVAL });
    await session.post('Profiler.start');
    profiledWork(work);
    const samples = samplesOf((await session.post('Profiler.stop')).profile);
    const isWork = ({ stack }: Sample): boolean => stack.some(({ name }) => name === profiledWork.name);
    return samples.slice(samples.findIndex(isWork), samples.findLastIndex(isWork) + 1);
  } finally {
    session.disconnect();
  }
}

/** Samples are known by its name. */
function profiledWork(work: () => void): void {
  work();
}

function samplesOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Sample[] {
  const known = new Map(nodes.map((node) => [node.id, node]));
  const stacks = new Map<number, readonly Frame[]>();
  const visit = (id: number, outer: readonly Frame[]): void => {
    const { callFrame, children = [] } = known.get(id) as Profiler.ProfileNode;
    const stack = [{ name: callFrame.functionName, file: callFrame.url }, ...outer];
    stacks.set(id, stack);
    for (const child of children) visit(child, stack);
  };
  const root = nodes[0];
  if (root !== undefined) visit(root.id, []);
  return samples.map((id, i) => ({ stack: stacks.get(id) ?? [], microseconds: timeDeltas[i] ?? 0 }));
}
