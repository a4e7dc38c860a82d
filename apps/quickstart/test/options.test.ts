import { describe, expect, test } from 'vitest';
import { OptionError, parseOptions, usage } from '../src/options.ts';

describe('parseOptions', () => {
  test('has a default for everything', () => {
    expect(parseOptions([])).toEqual({
      algorithm: 'vi',
      epochs: 1,
      batch: 32,
      backend: 'wasm',
      seed: 0,
      json: undefined,
      help: false,
    });
  });

  test('reads every option, with a space or an equals sign', () => {
    const argv = '--algorithm sghmc --epochs=3 --batch 128 --backend=webgpu --seed 4294967295 --json=a.json --help';
    expect(parseOptions(argv.split(' '))).toEqual({
      algorithm: 'sghmc',
      epochs: 3,
      batch: 128,
      backend: 'webgpu',
      seed: 4294967295,
      json: 'a.json',
      help: true,
    });
    expect(parseOptions(['-h']).help).toBe(true);
  });

  test.each([
    ['--epoch 3', 'Unknown option: --epoch'],
    ['-e 3', 'Unknown option: -e'],
    ['--no-help', 'Unknown option: --no-help'],
    ['--toString', 'Unknown option: --toString'],
    ['sghmc', 'Unexpected argument: sghmc'],
    ['--algorithm hmc', '--algorithm hmc: expected one of vi, sghmc'],
    ['--backend', '--backend needs a value'],
    ['--backend metal', '--backend metal: expected one of wasm, cpu, webgpu'],
    ['--epochs 0', '--epochs 0: expected a whole number from 1 to 10000'],
    ['--epochs -5', '--epochs -5: expected a whole number'],
    ['--epochs 1e3', '--epochs 1e3: expected a whole number'],
    ['--batch 60001', '--batch 60001: expected a whole number from 1 to 60000'],
    ['--seed 1.5', '--seed 1.5: expected a whole number from 0 to 4294967295'],
    ['--seed 4294967296', '--seed 4294967296: expected a whole number from 0 to 4294967295'],
    ['--seed --json f', '--seed needs a value'],
    ['--json=', '--json needs a value'],
    ['--help=yes', '--help takes no value, got yes'],
  ])('%s is refused', (argv, message) => {
    const parse = () => parseOptions(argv.split(' '));
    expect(parse).toThrow(OptionError);
    expect(parse).toThrow(message);
    expect(parse).toThrow(usage);
  });

  test('the usage names every option, its values and its default', () => {
    const { json, help, ...defaults } = parseOptions([]);
    for (const [name, value] of Object.entries(defaults)) {
      expect(usage).toMatch(new RegExp(`--${name} .*\\(default ${value}\\)`));
    }
    expect(usage).toContain('--json FILE');
    expect(usage).toContain('--algorithm vi|sghmc');
    expect(usage).toContain('--backend wasm|cpu|webgpu');
    expect([json, help]).toEqual([undefined, false]);
  });
});
