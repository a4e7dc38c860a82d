import { parseArgs } from 'node:util';
import { DEVICES, type Device } from './devices.ts';
import { MEASURES } from './transforms/index.ts';
import { WORKLOADS } from './workloads/index.ts';

const ALL = [...WORKLOADS, ...MEASURES];
const NAMES = [...new Set(ALL.map(workloadOf))];

const OPTIONS = {
  workload: { type: 'string', default: NAMES.join(',') },
  device: { type: 'string' },
  json: { type: 'string' },
  quick: { type: 'boolean' },
  peers: { type: 'boolean' },
  python: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

export interface Options {
  /** Names with the case after a dash. */
  readonly workloads: readonly string[];
  /** The devices asked for; undefined stands for those that start here. */
  readonly devices: readonly Device[] | undefined;
  /** File to write the figures to, if any. */
  readonly json: string | undefined;
  /** Few and short rounds. */
  readonly quick: boolean;
  readonly peers: boolean;
  /** The Python of the peers PyTorch posteriors and JAX. */
  readonly python: string;
  readonly help: boolean;
}

/** What `--help` prints. */
export const usage: string = `Usage: npm run bench -- [options]

  --workload LIST    some of ${NAMES.join(',')} (default all);
                     of some there are cases, apart: ${ALL.filter((name) => name.includes('-')).join(',')}
  --device LIST      some of ${DEVICES.join(',')} (default those that start here)
  --peers            time other libraries in turn with posteriors: tfjs, jax-js, typed-array loops,
                     and in Python posteriors and JAX
  --python PATH      a Python with torch, posteriors and jax, for --peers (default the variable PYTHON, else python3)
  --quick            few and short rounds: to see that all runs, not to compare
  --json FILE        also write the figures to a file
  --help             print this`;

/** A command line that cannot be used. Its message says what is wrong, then lists the options. */
export class OptionError extends Error {
  override readonly name = 'OptionError';
  constructor(problem: string) {
    super(`${problem}\n\n${usage}`);
  }
}

/**
 * Reads the command line; what is absent gets its default.
 *
 * @param argv the arguments after the script's name.
 * @throws OptionError if an option is unknown, lacks its value or has a wrong one.
 */
export function parseOptions(argv: readonly string[], environment: NodeJS.ProcessEnv = process.env): Options {
  const { values, tokens } = parseArgs({ args: [...argv], options: OPTIONS, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === 'positional') throw new OptionError(`Unexpected argument: ${token.value}`);
    if (token.kind === 'option') checkOption(token);
  }
  const text = values as { [name in keyof typeof OPTIONS]?: string };
  const peers = values.peers === true;
  if (text.python !== undefined && !peers) throw new OptionError('--python is for --peers, which is not given');
  return {
    workloads: chosenWorkloads(text.workload as string),
    devices: text.device === undefined ? undefined : choices('device', text.device, DEVICES),
    json: text.json,
    quick: values.quick === true,
    peers,
    python: text.python ?? (environment.PYTHON || 'python3'),
    help: values.help === true,
  };
}

/** The command line that gives these options, without where the figures go and which file the Python is. */
export function commandOf({ workloads, devices, quick, peers }: Options): string {
  const parts = [
    workloads.length < ALL.length && `--workload ${workloads.join(',')}`,
    devices && `--device ${devices.join(',')}`,
    quick && '--quick',
    peers && '--peers',
  ];
  return ['npm run bench --', ...parts.filter(Boolean)].join(' ').replace(/ --$/, '');
}

/** What the command line holds for one option; `inlineValue` is whether an equals sign leads to its value. */
type OptionToken = { name: string; rawName: string; value: string | undefined; inlineValue: boolean | undefined };

/** Refuses what no option allows. Not left to `parseArgs`, whose messages speak of positional arguments. */
function checkOption({ name, rawName, value, inlineValue }: OptionToken): void {
  if (!Object.hasOwn(OPTIONS, name)) throw new OptionError(`Unknown option: ${rawName}`);
  const takesValue = OPTIONS[name as keyof typeof OPTIONS].type === 'string';
  const isOption = !inlineValue && value?.startsWith('--');
  if (takesValue && (!value || isOption)) throw new OptionError(`${rawName} needs a value`);
  if (!takesValue && value !== undefined) throw new OptionError(`${rawName} takes no value, got ${value}`);
}

/** All cases of the workloads named, and those named themselves. */
function chosenWorkloads(text: string): readonly string[] {
  const chosen = choices('workload', text, [...new Set([...NAMES, ...ALL])]);
  return ALL.filter((name) => chosen.includes(name) || chosen.includes(workloadOf(name)));
}

function workloadOf(name: string): string {
  return name.split('-')[0] as string;
}

/** The parts of a list between commas, each once, in the order of `allowed`. */
function choices<T extends string>(name: string, text: string, allowed: readonly T[]): readonly T[] {
  const parts = text.split(',').map((part) => part.trim());
  const wrong = parts.find((part) => !(allowed as readonly string[]).includes(part));
  if (wrong !== undefined) {
    throw new OptionError(`--${name} ${text}: there is no ${name} '${wrong}'; expected some of ${allowed.join(',')}`);
  }
  return allowed.filter((value) => parts.includes(value));
}
