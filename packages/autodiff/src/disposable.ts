/** Something that holds tensors until it is disposed; `using` works where the language has it. */
export interface Disposer {
  dispose(): void;
  [Symbol.dispose](): void;
}

// Safari has no Symbol.dispose yet.
(Symbol as { dispose?: symbol }).dispose ??= Symbol('Symbol.dispose');

export function disposable<T extends { dispose(): void }>(held: T): T & Disposer {
  return { ...held, [Symbol.dispose]: () => held.dispose() };
}
