import { Tensor } from '@tensorflow/tfjs-core';

/**
 * The name and the value of the one field of `given`, a choice among several forms of one thing. `what` says what it stands for.
 *
 * @throws unless there is exactly one field, under one of the names.
 */
export function oneOf<K extends string>(
  name: string,
  what: string,
  names: readonly K[],
  given: object,
): readonly [name: K, value: unknown] {
  const fields = Object.entries(given ?? {});
  const [field] = fields;
  const key = names.find((each) => fields.length === 1 && field?.[0] === each);
  if (key === undefined) {
    const choices = names.map((each) => `{ ${each} }`).join(', ');
    const has = fields.map(([each]) => each).join(', ');
    throw new Error(`${name}: ${what} is given by { ${has} } and must be given by one of ${choices}`);
  }
  return [key, field?.[1]];
}

/** {@link oneOf} where every form is a tensor. @throws also if the value is none. */
export function oneTensorOf<K extends string>(
  name: string,
  what: string,
  names: readonly K[],
  given: object,
): readonly [name: K, value: Tensor] {
  const [key, value] = oneOf(name, what, names, given);
  if (value instanceof Tensor) return [key, value];
  throw new Error(`${name}: ${what} is given by { ${key}: ${typeof value} } and must be a tensor`);
}
