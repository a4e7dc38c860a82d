/** Runs `fn`. What it throws begins with `name`, so that an error tells which call of the user's it belongs to. */
export function named<T>(name: string, fn: () => T): T {
  try {
    return fn();
  } catch (error) {
    throw errorOf(name, error);
  }
}

/** The error with a message that begins with `name`. */
export function errorOf(name: string, error: unknown): unknown {
  const message = error instanceof Error ? error.message : String(error);
  return message.startsWith(`${name}:`) ? error : new Error(`${name}: ${message}`, { cause: error });
}
