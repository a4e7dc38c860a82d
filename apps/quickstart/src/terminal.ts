/** The part of `process.stdout` and `process.stderr` that drawing needs. */
export type Terminal = {
  readonly isTTY?: boolean;
  /** Characters per line. */
  readonly columns?: number;
  write(text: string): unknown;
};

/** Whether control sequences reach a screen, rather than a file, a pipe or a terminal without them. */
export function isInteractive(terminal: Terminal): boolean {
  return terminal.isTTY === true && process.env.TERM !== 'dumb';
}

/** Whether to colour: on an interactive terminal, unless the variable `NO_COLOR` is set (https://no-color.org). */
export function allowsColour(terminal: Terminal): boolean {
  return isInteractive(terminal) && !process.env.NO_COLOR;
}
