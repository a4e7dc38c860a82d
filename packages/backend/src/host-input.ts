/** Values from the host that are inputs of a program. */
import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import { release, write } from './device-data.ts';
import { theEngine } from './engine.ts';
import type { FusedProgram } from './fuse.ts';
import type { FusedEquation } from './fused.ts';
import { elementsOf } from './host-memory.ts';
import type { Holdings } from './lifetime.ts';
import { printAval } from './print.ts';
import { type Aval, type Equation, type HostValues, hostValues, sizeOf } from './program.ts';

/** Elements of the longest input that is kept: those of a key. */
const mostKept = 2;

/** The kernel of tfjs on wasm that prepares an operand once for its data, and so must never see other elements there. */
const preparing = 'DepthwiseConv2dNative';

/** Whether data may be written anew between runs of a program. A loop makes tensors of them, which the engine would count for as long. */
export function keepsHostInputs(device: string, { equations }: FusedProgram): boolean {
  const hinders = (equation: Equation | FusedEquation): boolean =>
    equation.type === 'scan' || (equation.type === 'kernel' && equation.kernel === preparing);
  return device === 'wasm' && !equations.some(hinders);
}

/**
 * Where on a device the values of one input are written: in data of one run or, for numbers and keys where they are kept, of all until a result
 * shares them.
 */
export class HostInput {
  private readonly device: KernelBackend;
  private readonly aval: Aval;
  private readonly size: number;
  private readonly keep: boolean;
  private readonly holdings: Holdings;
  private info: TensorInfo | undefined;
  private elements: HostValues | undefined;

  constructor(device: KernelBackend, aval: Aval, keep: boolean, holdings: Holdings) {
    this.device = device;
    this.aval = aval;
    this.size = sizeOf(aval.shape);
    this.keep = keep && this.size > 0 && this.size <= mostKept;
    this.holdings = holdings;
  }

  write(given: HostValues | number): TensorInfo {
    const length = typeof given === 'number' ? 1 : given.length;
    if (length !== this.size) {
      throw new Error(`a compiled program takes ${printAval(this.aval)} and was given ${length} values`);
    }
    if (this.info !== undefined) {
      // The memory may have moved.
      if (this.elements?.length !== length) this.elements = elementsOf(this.device, this.info);
      fill(this.elements as HostValues, given);
      return this.info;
    }
    const values = hostValues(this.aval.dtype, length);
    fill(values, given);
    this.info = write(this.device, this.aval, values);
    if (this.keep) this.holdings.data.push(this.info);
    return this.info;
  }

  /** A run has ended, with these results. */
  endRun(results: readonly TensorInfo[]): void {
    const { info } = this;
    if (info === undefined || (this.keep && !shares(results, info))) return;
    if (this.keep) this.holdings.data.splice(this.holdings.data.indexOf(info), 1);
    release(theEngine(), this.device, info);
    this.info = undefined;
    this.elements = undefined;
  }
}

/** Of a few values, which `set` takes longer to copy than a loop does. */
function fill(values: HostValues, given: HostValues | number): void {
  if (typeof given === 'number') values[0] = given;
  else if (given.length > mostKept) values.set(given);
  else for (let i = 0; i < given.length; i++) values[i] = given[i] as number;
}

function shares(results: readonly TensorInfo[], { dataId }: TensorInfo): boolean {
  for (let i = 0; i < results.length; i++) if ((results[i] as TensorInfo).dataId === dataId) return true;
  return false;
}
