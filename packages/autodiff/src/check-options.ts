/**
 * The options of a function, checked for names that it does not have.
 *
 * @throws unless `options` is an object that has no other fields than `known`. `name` begins the error.
 */
export function checkOptions<O extends object>(name: string, options: O, known: readonly string[]): O {
  if (typeof options !== 'object' || options === null) {
    throw new Error(`${name}: the options are ${String(options)} and must be an object with ${known.join(', ')}`);
  }
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new Error(`${name}: there is no option ${unknown}; there are ${known.join(', ')}`);
  return options;
}
