import { parseArgs } from 'node:util';

const ALGORITHMS = ['vi', 'sghmc'] as const;
const BACKENDS = ['wasm', 'cpu', 'webgpu'] as const;
const MOST_EPOCHS = 10_000;
const TRAINING_DIGITS = 60_000;
const LARGEST_SEED = 2 ** 32 - 1;

const OPTIONS = {
  algorithm: { type: 'string', default: 'vi' },
  epochs: { type: 'string', default: '1' },
  batch: { type: 'string', default: '32' },
  backend: { type: 'string', default: 'wasm' },
  seed: { type: 'string', default: '0' },
  json: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

export type Options = {
  readonly algorithm: (typeof ALGORITHMS)[number];
  /** Passes over the training digits. */
  readonly epochs: number;
  /** Digits per step. */
  readonly batch: number;
  readonly backend: (typeof BACKENDS)[number];
  readonly seed: number;
  /** File to write the figures to, if any. */
  readonly json: string | undefined;
  readonly help: boolean;
};

/** What `--help` prints. */
export const usage: string = `Usage: npm start -- [options]

  --algorithm ${ALGORITHMS.join('|')}         variational inference or stochastic gradient Hamiltonian Monte Carlo (default vi)
  --epochs N                   passes over the 60,000 training digits (default 1)
  --batch N                    digits per step (default 32)
  --backend ${BACKENDS.join('|')}    the device that computes (default wasm)
  --seed N                     same seed, same result on one device (default 0)
  --json FILE                  also write the figures to a file
  --help                       print this`;

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
export function parseOptions(argv: readonly string[]): Options {
  const { values, tokens } = parseArgs({ args: [...argv], options: OPTIONS, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === 'positional')
      throw new OptionError(`Unexpected argument: ${token.value}. Options go behind two dashes: npm start -- --seed 1`);
    if (token.kind === 'option') checkOption(token);
  }
  const text = values as Record<keyof typeof OPTIONS, string>;
  return {
    algorithm: choice('algorithm', text.algorithm, ALGORITHMS),
    epochs: wholeNumber('epochs', text.epochs, 1, MOST_EPOCHS),
    batch: wholeNumber('batch', text.batch, 1, TRAINING_DIGITS),
    backend: choice('backend', text.backend, BACKENDS),
    seed: wholeNumber('seed', text.seed, 0, LARGEST_SEED),
    json: values.json as string | undefined,
    help: values.help === true,
  };
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

function choice<T extends string>(name: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((value) => value === text);
  if (found === undefined) throw new OptionError(`--${name} ${text}: expected one of ${allowed.join(', ')}`);
  return found;
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new OptionError(`--${name} ${text}: expected a whole number from ${least} to ${most}`);
  }
  return value;
}
