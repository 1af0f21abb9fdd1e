/** Every error that preresnet raises on purpose. `code` is stable; docs/errors.md lists them. */
export class PreresnetError extends Error {
  override readonly name: string = 'PreresnetError'
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** A new code gets a line in docs/errors.md. */
export type ErrorCode =
  | 'ERR_OPTION' // unknown or misspelt option, wrong type, value out of range
  | 'ERR_SHAPE' // a layer that does not fit its input
  | 'ERR_PARAMETER' // no parameter of that name, values that do not fit it, or a gradient that is no longer in memory
  | 'ERR_FILE' // missing, unreadable, truncated or malformed file
  | 'ERR_HASH' // a download that is not what it should be
  | 'ERR_NETWORK' // a download that could not be had
  | 'ERR_DATASET' // empty, label out of range, smaller than a batch
  | 'ERR_IMAGE' // an image that cannot be decoded
  | 'ERR_CHECKPOINT' // a checkpoint that is incomplete, foreign or damaged, or could not be written
  | 'ERR_MEMORY' // more memory needed than there is; says both
  | 'ERR_DEVICE' // the device asked for is not there or cannot do what was asked
  | 'ERR_PROGRAM' // a program that the verifier refuses
  | 'ERR_UNSUPPORTED' // legal, but this executor cannot
  | 'ERR_NOT_FINITE' // a loss that is not a number; names the first operation that made one
  | 'ERR_ABORTED' // an AbortSignal or dispose() ended the call
  | 'ERR_DISPOSED' // used after dispose()
  | 'ERR_BINDING' // the native addon is missing or does not fit; says how to build it
  | 'ERR_INTERNAL' // a defect of preresnet
