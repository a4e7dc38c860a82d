import { Tensor } from '@tensorflow/tfjs-core';

/**
 * The name and the value of the one tensor in `given`. `what` says what it stands for.
 *
 * @throws unless it is given under exactly one of the names.
 */
export function oneOf<K extends string>(
  name: string,
  what: string,
  names: readonly K[],
  given: object,
): readonly [name: K, value: Tensor] {
  const keys = Object.keys(given ?? {});
  const key = names.find((each) => keys.length === 1 && keys[0] === each);
  const value: unknown = key === undefined ? undefined : (given as { readonly [key: string]: unknown })[key];
  if (key === undefined || !(value instanceof Tensor)) {
    const fields = keys.map((each) => `${each}: ${typeof (given as { readonly [key: string]: unknown })[each]}`);
    const choices = names.map((each) => `{ ${each} }`).join(', ');
    throw new Error(`${name}: ${what} is given by { ${fields.join(', ')} } and must be one tensor: one of ${choices}`);
  }
  return [key, value];
}
