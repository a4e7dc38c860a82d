import { constants } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { isInteractive, type Terminal } from './terminal.ts';

const REDRAW_MILLISECONDS = 100;
const WIDEST_BAR = 40;
const NARROWEST_BAR = 5;
const FIGURE_NAMES: Readonly<Record<string, string>> = { nelbo: 'NELBO', logPosterior: 'log posterior' };
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_TO_END = '\x1b[K';
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export type ProgressOptions = {
  /** Number of steps. */
  readonly total: number;
  /** What is under way, in front of the bar. */
  readonly label: string;
  /** Where to draw; default standard error, so that standard output can go to a file. */
  readonly stream?: Terminal;
};

/** Figures to show beside the bar, by name. Without `stepsPerSecond` the mean since the start is shown. */
export type Figures = { readonly [name: string]: number };

export type Progress = {
  /** Whether `update` would draw now: a figure that is costly to read need only be read then. */
  isDue(step: number): boolean;
  /**
   * Shows that `step` steps are done. Draws at most ten times a second, on a stream that is no terminal one line for
   * each tenth of the steps. Await it: after drawing it lets the event loop run once, the only time in a synchronous
   * loop when an interrupt is seen.
   */
  update(step: number, figures?: Figures): Promise<void>;
  /** Ends the line, shows the cursor and gives the signals back; again does nothing. */
  stop(): void;
};

/**
 * A progress bar with steps per second, figures and the time left. Until `stop`, an interrupt (SIGINT, SIGTERM) ends
 * the process with exit code 130 or 143, and however it ends the terminal is left with its cursor on a new line.
 */
export function createProgress({ total, label, stream = process.stderr }: ProgressOptions): Progress {
  const interactive = isInteractive(stream);
  const start = performance.now();
  let lastDraw = Number.NEGATIVE_INFINITY;
  let lastTenth = 0;
  let stopped = false;

  const isDue = (step: number): boolean => {
    if (stopped) return false;
    if (!interactive) return tenth(step, total) > lastTenth;
    return step >= total || performance.now() - lastDraw >= REDRAW_MILLISECONDS;
  };

  const update = async (step: number, figures: Figures = {}): Promise<void> => {
    if (!isDue(step)) return;
    lastDraw = performance.now();
    lastTenth = tenth(step, total);
    const text = statusText(step, total, Math.max(lastDraw - start, 1) / 1000, figures);
    const columns = (stream.columns ?? 80) - 1;
    stream.write(
      interactive ? `\r${barLine(label, text, step / total, columns)}${CLEAR_TO_END}` : `${label}  ${text}\n`,
    );
    await setImmediate();
  };

  const leaveTerminalClean = (): void => {
    if (!stopped && interactive) stream.write(`\n${SHOW_CURSOR}`);
    stopped = true;
  };

  // The listeners stay until the process is gone: npm passes on the interrupt that the terminal sends to both.
  const onSignal = (signal: NodeJS.Signals): void => {
    process.exit(128 + constants.signals[signal]);
  };

  const stop = (): void => {
    leaveTerminalClean();
    for (const signal of SIGNALS) process.off(signal, onSignal);
    process.off('exit', leaveTerminalClean);
  };

  for (const signal of SIGNALS) process.on(signal, onSignal);
  process.on('exit', leaveTerminalClean);
  if (interactive) stream.write(HIDE_CURSOR);
  return { isDue, update, stop };
}

function tenth(step: number, total: number): number {
  return Math.floor((10 * step) / total);
}

function statusText(step: number, total: number, elapsed: number, figures: Figures): string {
  const { stepsPerSecond = step / elapsed, ...rest } = figures;
  const width = String(total).length;
  return [
    `${String(Math.floor((100 * step) / total)).padStart(3)} %`,
    `${String(step).padStart(width)}/${total}`,
    `${Math.round(stepsPerSecond)} steps/s`,
    ...Object.entries(rest).map(([name, value]) => `${FIGURE_NAMES[name] ?? name} ${value.toFixed(3)}`),
    step < total ? `${duration((total - step) / stepsPerSecond)} left` : `in ${duration(elapsed)}`,
  ].join('  ');
}

/** The bar takes the room that the text leaves; where there is little, the text alone is cut to the line. */
function barLine(label: string, text: string, share: number, columns: number): string {
  const room = Math.min(WIDEST_BAR, columns - label.length - text.length - 4);
  if (room < NARROWEST_BAR) return `${label}  ${text}`.slice(0, columns);
  const filled = Math.round(Math.min(share, 1) * room);
  return `${label}  ${'█'.repeat(filled)}${'░'.repeat(room - filled)}  ${text}`;
}

function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '-:--';
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
