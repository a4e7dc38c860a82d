import { describe, expect, test } from 'vitest';
import { OptionError, parseOptions, usage } from '../src/options.ts';

const parse = (line: string, environment: NodeJS.ProcessEnv = {}) =>
  parseOptions(line === '' ? [] : line.split(' '), environment);

describe('parseOptions', () => {
  test('runs all workloads on the devices that start, without peers', () => {
    expect(parse('')).toEqual({
      workloads: ['W1', 'W2', 'W3', 'W4', 'T1', 'T2'],
      devices: undefined,
      json: undefined,
      quick: false,
      peers: false,
      python: 'python3',
      help: false,
    });
  });

  test('reads lists in their own order, each part once', () => {
    const { workloads, devices } = parse('--workload T1,W3,W1,W3 --device=wasm,cpu');
    expect(workloads).toEqual(['W1', 'W3', 'T1']);
    expect(devices).toEqual(['cpu', 'wasm']);
  });

  test('reads the rest', () => {
    const options = parse('--json out/figures.json --quick --peers --python venv/bin/python');
    expect(options).toMatchObject({ json: 'out/figures.json', quick: true, peers: true, python: 'venv/bin/python' });
    expect(parse('-h').help).toBe(true);
  });

  test('takes the Python of the environment unless one is named', () => {
    expect(parse('--peers', { PYTHON: 'python3.11' }).python).toBe('python3.11');
    expect(parse('--peers --python mine', { PYTHON: 'python3.11' }).python).toBe('mine');
  });

  test.each([
    ['--workload W1,W5', "--workload W1,W5: there is no workload 'W5'; expected some of W1,W2,W3,W4,T1,T2"],
    ['--device gpu', "--device gpu: there is no device 'gpu'; expected some of cpu,wasm,webgpu"],
    ['--device=', '--device needs a value'],
    ['--json --quick', '--json needs a value'],
    ['--quick=yes', '--quick takes no value, got yes'],
    ['--python mine', '--python is for --peers, which is not given'],
    ['--rounds 5', 'Unknown option: --rounds'],
    ['W1', 'Unexpected argument: W1'],
  ])('refuses %s and lists the options', (line, problem) => {
    expect(() => parse(line)).toThrow(new OptionError(problem));
    expect(new OptionError(problem).message).toBe(`${problem}\n\n${usage}`);
  });
});
