// Convolutions for the devices: kernel, shapes of the inputs, attributes.
import type { Attributes } from '@posteriors/backend';

type Numbers = readonly number[];

interface Geometry {
  readonly count: number;
  readonly space: Numbers;
  readonly window: Numbers;
  readonly channels: readonly [number, number];
  readonly strides?: Numbers;
  readonly dilations?: Numbers;
  readonly paddings?: readonly Numbers[];
  /** Leading axes, of convolutions that do not take channels apart. */
  readonly groups?: Numbers;
}

const geometries: readonly Geometry[] = [
  { count: 2, space: [5, 4], window: [3, 2], channels: [2, 3] },
  { count: 1, space: [1, 1], window: [1, 1], channels: [1, 1] },
  { count: 3, space: [4, 3], window: [1, 1], channels: [3, 2] },
  {
    count: 2,
    space: [7, 5],
    window: [3, 3],
    channels: [3, 5],
    strides: [2, 3],
    paddings: [
      [1, 1],
      [0, 1],
    ],
  },
  { count: 2, space: [6, 7], window: [3, 2], channels: [4, 2], strides: [2, 2] },
  {
    count: 1,
    space: [7, 8],
    window: [3, 2],
    channels: [2, 3],
    dilations: [2, 3],
    paddings: [
      [2, 2],
      [1, 2],
    ],
  },
  {
    count: 2,
    space: [7, 8],
    window: [2, 3],
    channels: [2, 1],
    dilations: [3, 2],
    strides: [2, 2],
    paddings: [
      [0, 3],
      [2, 1],
    ],
  },
  {
    count: 2,
    space: [2, 3],
    window: [2, 1],
    channels: [1, 2],
    paddings: [
      [3, 0],
      [0, 4],
    ],
  },
  {
    count: 1,
    space: [1, 2],
    window: [1, 1],
    channels: [1, 1],
    strides: [9, 1],
    paddings: [
      [5, 1],
      [0, 0],
    ],
  },
  { count: 1, space: [3, 3], window: [2, 2], channels: [1, 1], strides: [3, 3] },
  {
    count: 2,
    space: [8, 9],
    window: [3, 3],
    channels: [8, 4],
    strides: [1, 2],
    paddings: [
      [1, 1],
      [1, 1],
    ],
  },
  { count: 2, space: [2, 2], window: [3, 3], channels: [1, 2] },
  {
    count: 1,
    space: [1, 9],
    window: [1, 3],
    channels: [4, 1],
    strides: [2, 2],
    paddings: [
      [0, 0],
      [1, 1],
    ],
  },
  {
    count: 1,
    space: [9, 1],
    window: [3, 1],
    channels: [1, 4],
    strides: [2, 1],
    paddings: [
      [0, 1],
      [0, 0],
    ],
  },
  { count: 0, space: [3, 3], window: [2, 2], channels: [2, 2] },
  {
    count: 2,
    space: [5, 4],
    window: [3, 2],
    channels: [2, 3],
    groups: [3],
    strides: [2, 1],
    paddings: [
      [1, 0],
      [1, 1],
    ],
  },
  { count: 1, space: [3, 3], window: [2, 2], channels: [2, 1], groups: [2, 2] },
  { count: 1, space: [3, 3], window: [2, 2], channels: [2, 1], groups: [1] },
  { count: 2, space: [4, 3, 5], window: [2, 2, 3], channels: [2, 3] },
  {
    count: 1,
    space: [5, 4, 5],
    window: [2, 3, 2],
    channels: [3, 2],
    strides: [2, 1, 3],
    paddings: [
      [1, 0],
      [1, 1],
      [0, 2],
    ],
  },
  {
    count: 2,
    space: [5, 4, 5],
    window: [2, 2, 3],
    channels: [1, 2],
    dilations: [2, 3, 1],
    paddings: [
      [0, 1],
      [0, 0],
      [1, 1],
    ],
  },
  { count: 1, space: [1, 1, 1], window: [1, 1, 1], channels: [1, 1] },
  { count: 1, space: [3, 2, 2], window: [2, 1, 2], channels: [2, 2], groups: [2] },
];

const names: { readonly [kind: string]: readonly [string, string, string] } = {
  2: ['Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter'],
  3: ['Conv3D', 'Conv3DBackpropInputV2', 'Conv3DBackpropFilterV2'],
  apart: ['DepthwiseConv2dNative', 'DepthwiseConv2dNativeBackpropInput', 'DepthwiseConv2dNativeBackpropFilter'],
};

export const convolutionCases: [kernel: string, shapes: readonly Numbers[], attributes: Attributes][] = [];

for (const { count, space, window, channels, groups = [], ...rest } of geometries) {
  const strides = rest.strides ?? space.map(() => 1);
  const dilations = rest.dilations ?? space.map(() => 1);
  const paddings = rest.paddings ?? space.map(() => [0, 0]);
  const attributes = { strides, dilations, paddings };
  const places = space.map((n, i) => {
    const [before, after] = paddings[i] as [number, number];
    return Math.max(0, Math.floor((n + before + after - (window[i]! - 1) * dilations[i]! - 1) / strides[i]!) + 1);
  });
  for (const kind of space.length === 2 && groups.length === 0 ? ['2', 'apart'] : [`${space.length}`]) {
    const [ofY, ofX, ofFilter] = names[kind]!;
    const x = [...groups, count, ...space, channels[0]];
    const filter = [...groups, ...window, ...channels];
    const y = [...groups, count, ...places, kind === 'apart' ? channels[0] * channels[1] : channels[1]];
    convolutionCases.push([ofY, [x, filter], attributes]);
    convolutionCases.push([ofX, [y, filter], { ...attributes, space }]);
    convolutionCases.push([ofFilter, [x, y], { ...attributes, window }]);
  }
}
