/** What a call of `update` spends its time on, told from the functions that were under way. */
import type { Stage } from '../entry.ts';
import type { Frame, Sample } from './profile.ts';

interface Part {
  readonly name: string;
  /** Files of the packages: all that they do, and what they call. */
  readonly files?: readonly string[];
  /** Functions of packages or tfjs, by name. */
  readonly functions?: readonly string[];
}

const COLLECTING = 'garbage collection';
const REST = 'the rest';

/** In the order in which a call comes to them. The innermost function that belongs to one decides, by its name before its file. */
export const PARTS: readonly Part[] = [
  {
    name: 'options and hyper-parameters',
    files: [
      'autodiff/src/check-options.ts',
      'sgmcmc/src/internal/hyper.ts',
      'sgmcmc/src/internal/sampler.ts',
      'transform/src/clock.ts',
      'transform/src/hyper.ts',
    ],
  },
  { name: 'looking up the program', files: ['autodiff/src/jit.ts'] },
  {
    name: 'writing the numbers and keys of the call',
    files: ['autodiff/src/number.ts', 'backend/src/host-input.ts', 'backend/src/host-memory.ts', 'random/src/key.ts'],
  },
  {
    name: 'running the generated function',
    files: [
      'backend/src/tfjs.ts',
      'backend/src/routines-on-cpu.ts',
      'backend/src/routines-on-wasm.ts',
      'random/src/kernels.ts',
    ],
  },
  {
    name: 'making the result tensors',
    files: ['backend/src/device-data.ts', 'backend/src/results.ts', 'backend/src/spill.ts'],
    functions: ['newTensor', 'written', 'Engine.makeTensorFromTensorInfo'],
  },
  { name: 'looking whether they are finite', files: ['backend/src/finite.ts', 'transform/src/status.ts'] },
  { name: 'putting them into the state', files: ['tree/src/inplace.ts'], functions: ['replace'] },
  { name: 'freeing the old ones', functions: ['Tensor.dispose', 'release'] },
  { name: REST, files: ['transform/src/step.ts'] },
];

/** The share that each part of a call has in the samples. What is in no part is the rest. */
export function stagesOf(samples: readonly Sample[]): Stage[] {
  const times = new Map([...PARTS.map(({ name }) => name), COLLECTING].map((name) => [name, 0]));
  for (const { stack, microseconds } of samples) {
    const name = stageOf(stack);
    times.set(name, (times.get(name) as number) + microseconds);
  }
  const whole = [...times.values()].reduce((sum, time) => sum + time, 0);
  return [...times].map(([name, time]) => ({ name, share: time / whole }));
}

function stageOf(stack: readonly Frame[]): string {
  for (const { name, file } of stack) {
    if (name === '(garbage collector)') return COLLECTING;
    const part =
      PARTS.find(({ functions = [] }) => functions.includes(name)) ??
      PARTS.find(({ files = [] }) => files.some((each) => file.endsWith(`/${each}`)));
    if (part !== undefined) return part.name;
  }
  return REST;
}
