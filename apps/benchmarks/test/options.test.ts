import { describe, expect, test } from 'vitest';
import { commandOf, OptionError, parseOptions, usage } from '../src/options.ts';
import { MEASURES } from '../src/transforms/index.ts';
import { WORKLOADS } from '../src/workloads/index.ts';

const parse = (line: string, environment: NodeJS.ProcessEnv = {}) =>
  parseOptions(line === '' ? [] : line.split(' '), environment);

describe('parseOptions', () => {
  test('runs all workloads on the devices that start, without peers', () => {
    expect(parse('')).toEqual({
      workloads: [...WORKLOADS, ...MEASURES],
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

  test('reads the name of a workload as all of its cases, and a case as itself', () => {
    expect(parse('--workload W6').workloads).toEqual(['W6-512', 'W6-32']);
    expect(parse('--workload W8-ekf,W6-32,W1').workloads).toEqual(['W1', 'W6-32', 'W8-ekf']);
    expect(WORKLOADS).not.toContain('W6');
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
    [
      '--workload W1,W99',
      "--workload W1,W99: there is no workload 'W99'; expected some of W1,W2,W3,W4,W5,W6,W7,W8,W9,W10,W11,W12,T1,T2,T3,T4,T5,S1," +
        'W6-512,W6-32,W7-512,W7-32,W8-denseFisher,W8-denseGgn,W8-denseHessian,W8-ekf,W10-W2,W10-W4',
    ],
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

describe('commandOf', () => {
  test('is the command line again, but for files', () => {
    const line = '--workload W1,W6-32 --device cpu,wasm --quick --peers';
    expect(commandOf(parse(`${line} --json out.json --python venv/bin/python`))).toBe(`npm run bench -- ${line}`);
    expect(commandOf(parse('--device wasm --workload W6'))).toBe(
      'npm run bench -- --workload W6-512,W6-32 --device wasm',
    );
    expect(commandOf(parse(''))).toBe('npm run bench');
  });
});
