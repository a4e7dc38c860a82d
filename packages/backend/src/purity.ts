/** Makes hidden sources of randomness throw until the function returned is called: a traced function runs once, its numbers would be frozen. */
export function guardRandomness(currentOp: () => string | undefined): () => void {
  const forbid = (source: string) => (): never => {
    const op = currentOp();
    throw new Error(
      `${op === undefined ? source : `tf.${op} (${source})`} draws hidden random numbers while a function is traced, so each run would use the same ones. ` +
        'Draw with @posteriors/random from a key that is passed in (a log posterior receives one as its third argument), or pass the tensor as an argument.',
    );
  };
  const { random } = Math;
  Math.random = forbid('Math.random');
  const { crypto } = globalThis;
  const own = Object.getOwnPropertyDescriptor(crypto, 'getRandomValues');
  Object.defineProperty(crypto, 'getRandomValues', {
    value: forbid('crypto.getRandomValues'),
    configurable: true,
    writable: true,
  });
  return () => {
    Math.random = random;
    if (own === undefined) delete (crypto as { getRandomValues?: unknown }).getRandomValues;
    else Object.defineProperty(crypto, 'getRandomValues', own);
  };
}
