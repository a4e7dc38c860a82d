/** Runs `fn`. What it throws begins with `name`, so that an error tells which call of the user's it belongs to. */
export function named<T>(name: string, fn: () => T): T {
  try {
    return fn();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (message.startsWith(`${name}:`)) throw error;
    throw new Error(`${name}: ${message}`, { cause: error });
  }
}
