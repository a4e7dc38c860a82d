import type { Attributes, AttributeValue } from '@posteriors/backend';
import { showShape } from './array.ts';

/** The number `name`. */
export function numberOf(attributes: Attributes, name: string): number {
  const value = attributes[name];
  return typeof value === 'number' ? value : unfit(name, 'a number', value);
}

/** The boolean `name`. */
export function booleanOf(attributes: Attributes, name: string): boolean {
  const value = attributes[name];
  return typeof value === 'boolean' ? value : unfit(name, 'a boolean', value);
}

/** The string `name`. */
export function stringOf(attributes: Attributes, name: string): string {
  const value = attributes[name];
  return typeof value === 'string' ? value : unfit(name, 'a string', value);
}

/** The list of integers `name`. */
export function integersOf(attributes: Attributes, name: string): readonly number[] {
  const value = attributes[name];
  return isList(value) && value.every(Number.isInteger)
    ? (value as readonly number[])
    : unfit(name, 'a list of integers', value);
}

/** The list of pairs of integers `name`. */
export function pairsOf(attributes: Attributes, name: string): readonly (readonly [number, number])[] {
  const value = attributes[name];
  const fits =
    isList(value) && value.every((pair) => isList(pair) && pair.length === 2 && pair.every(Number.isInteger));
  return fits
    ? (value as unknown as readonly (readonly [number, number])[])
    : unfit(name, 'a list of pairs of integers', value);
}

/** The axis `name`, at least 0 and below `rank`. */
export function axisOf(attributes: Attributes, name: string, rank: number): number {
  const axis = numberOf(attributes, name);
  if (!Number.isInteger(axis) || axis < 0 || axis >= rank) {
    throw new Error(`attribute '${name}' is ${axis}; an array of rank ${rank} has axes 0 to ${rank - 1}`);
  }
  return axis;
}

/** The axes `name`: distinct, each at least 0 and below `rank`. */
export function axesOf(attributes: Attributes, name: string, rank: number): readonly number[] {
  const axes = integersOf(attributes, name);
  if (new Set(axes).size !== axes.length || axes.some((axis) => axis < 0 || axis >= rank)) {
    throw new Error(
      `attribute '${name}' is ${showShape(axes)}; an array of rank ${rank} takes distinct axes from 0 to ${rank - 1}`,
    );
  }
  return axes;
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function unfit(name: string, expected: string, value: AttributeValue | undefined): never {
  throw new Error(`attribute '${name}' must be ${expected}, but it is ${JSON.stringify(value)}`);
}
