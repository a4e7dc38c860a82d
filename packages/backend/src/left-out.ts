/** Kernels of tfjs that cannot be traced, by reason: errors name it, and what to do instead. */

const reasons: readonly (readonly [kernels: string, reason: string])[] = [
  [
    'StaticRegexReplace StringNGrams StringSplit StringToHashBucketFast',
    'it works on strings. Prepare text outside of the function and pass numbers in',
  ],
  [
    'RaggedGather RaggedRange RaggedTensorToTensor',
    'it works on ragged tensors, whose shapes depend on values. Pad outside of the function and pass a dense tensor in',
  ],
  ['Unique', 'the shape of its result depends on values. Call it outside of the function and pass what it returns in'],
  [
    'SparseFillEmptyRows SparseReshape',
    'it makes lists of indices whose lengths depend on values. Call it outside of the function and pass what it returns in',
  ],
  [
    'NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5',
    'how many boxes it selects depends on values. Select outside of the function and gather the boxes inside',
  ],
  [
    'FromPixels Draw',
    'it reads or draws an image of the browser. Read images before the function and draw what it returns',
  ],
  [
    'Multinomial',
    'it draws hidden random numbers. Draw with categorical of @posteriors/random from a key that is passed in',
  ],
  ['Pool', 'no operation of tfjs runs it. tf.pool runs MaxPool or AvgPool'],
];

/** Why a kernel of tfjs is left out, by its name. */
export const leftOut: { readonly [kernel: string]: string } = Object.fromEntries(
  reasons.flatMap(([kernels, reason]) => kernels.split(' ').map((kernel) => [kernel, reason])),
);
