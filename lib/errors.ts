/** Every refusal of preresnet is a `PreresnetError`: match on its `code`, which is stable, and not on its message. docs/errors.md lists the codes. */
export class PreresnetError extends Error {
  /** Always 'PreresnetError', which is what a printed error begins with. */
  override readonly name: string = 'PreresnetError'
  constructor(
    /** Says what was refused. See `ErrorCode`, whose members have comments. */
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/**
 * The codes of errors, each by its own name: `error.code === ErrorCode.ERR_NOT_FINITE` and `error.code === 'ERR_NOT_FINITE'` say the same. The comment of each
 * says what it means and what helps; docs/errors.md has the same sentences, and a test compares them.
 */
export const ErrorCode = {
  /**
   * An option is unknown, misspelt, of the wrong type or out of range; a network is called by a name or depth that does not exist.
   *
   * Remedy: The message names the option, what was expected and, where one is near, the name that was meant.
   */
  ERR_OPTION: 'ERR_OPTION',
  /**
   * A layer does not fit its input: sizes that a kernel or stride does not divide, an addition of unequal shapes, BN statistics over a single value.
   *
   * Remedy: The message names the layer by its path. Change it, the layer before it, the input size or the batch.
   */
  ERR_SHAPE: 'ERR_SHAPE',
  /**
   * No parameter or tensor has that name, the values do not fit its shape or are not finite as they are stored, a model file was trained on pixels
   * normalized otherwise, or a gradient is asked for that is no longer in memory.
   *
   * Remedy: The message names the nearest ones. Replacing a head is an option of loading (`except`), and so is another normalization (`normalization:
   * 'any'`); `fit` with `initialize` always trains on with that of the new images, and says nothing of it. Read gradients right after a training step.
   */
  ERR_PARAMETER: 'ERR_PARAMETER',
  /**
   * A file is missing, unreadable, truncated or malformed, or could not be written.
   *
   * Remedy: Check path, rights and space; get the file again. A file that could not be replaced is still the old one, except where its directory takes
   * no new file and the file itself is writable: then it is written in place, which is not atomic.
   */
  ERR_FILE: 'ERR_FILE',
  /**
   * A download's content is not what it should be.
   *
   * Remedy: It is not used and not kept; try again, or fetch the file by hand and give its folder.
   */
  ERR_HASH: 'ERR_HASH',
  /**
   * A download could not be had. What arrived is kept; the next attempt goes on from there.
   *
   * Remedy: Try again, or fetch the file by hand.
   */
  ERR_NETWORK: 'ERR_NETWORK',
  /**
   * A data set is empty, smaller than a batch, has a label out of range, more classes than the network has outputs, or classes that are not those of the
   * session, the model file or the training images, name by name.
   *
   * Remedy: The message has the figures. Choose a smaller batch or mend the data. A model that is to be trained further for other classes is loaded with
   * `classes: 'any'`, or without its head (`except`); `fit` with `initialize` takes it as it is.
   */
  ERR_DATASET: 'ERR_DATASET',
  /**
   * An image could not be decoded, or has more pixels than it may (`maxPixels`).
   *
   * Remedy: The message names the file. Remove or replace it; in a server it is the client's fault.
   */
  ERR_IMAGE: 'ERR_IMAGE',
  /**
   * A classifier has as many images waiting as it may (`maxQueue`).
   *
   * Remedy: Ask again later. A server answers with status 503 and `Retry-After`.
   */
  ERR_BUSY: 'ERR_BUSY',
  /**
   * Another rank of the run failed, was killed or stands still, or ranks were started with different options, data or versions.
   *
   * Remedy: The message names the rank, its host and what it did; what that rank printed itself says more. Mend the cause, and start all ranks again, with
   * `--resume` from the last checkpoint.
   */
  ERR_RANK: 'ERR_RANK',
  /**
   * A checkpoint is incomplete, damaged, of another network, data set or format version, or could not be written; or another run works in the directory.
   *
   * Remedy: Checkpoints that were published before stay as they are. Resume from one of these, or free space. A run that works in the directory is named
   * with its process, host and start; the lock of one that has ended, however it ended, is free at once (of a version before the kernel's lock, where
   * its process cannot be seen, after 12 seconds). A warning `PRERESNET_LOCK` says that the file system has no locks, so that nothing keeps a second run
   * out, or that the lock's file could not be removed at the end (`architecture.md` says which file systems have locks).
   */
  ERR_CHECKPOINT: 'ERR_CHECKPOINT',
  /**
   * More memory is needed than there is. Found before anything is allocated; the message has both figures.
   *
   * Remedy: A smaller batch, a lower precision, or another machine. `preresnet plan` says what the memory is for.
   */
  ERR_MEMORY: 'ERR_MEMORY',
  /**
   * The device asked for is not there, or cannot do what was asked, such as a precision; or a GPU failed while it worked, and its session is lost.
   *
   * Remedy: `preresnet doctor` says what this machine has. Nothing falls back silently. After a failure of a GPU make a new session; where the message
   * says so (an illegal address, a memory error that cannot be corrected), CUDA has given up the whole process, with all its sessions: start it again.
   */
  ERR_DEVICE: 'ERR_DEVICE',
  /**
   * The native verifier refuses a program: offsets outside an arena, live tensors that overlap, shapes or attributes that break a contract.
   *
   * Remedy: Programs made by `compile` pass; if one does not, that is a defect to report.
   */
  ERR_PROGRAM: 'ERR_PROGRAM',
  /**
   * A legal operation that this executor cannot do.
   *
   * Remedy: Use another device; the message names the operation.
   */
  ERR_UNSUPPORTED: 'ERR_UNSUPPORTED',
  /**
   * A loss is not a number or infinite. The message names the step and the first operation that made such a value.
   *
   * Remedy: Lower the learning rate, warm up, clip gradients, look at the data. Checkpoints hold only finite values.
   */
  ERR_NOT_FINITE: 'ERR_NOT_FINITE',
  /**
   * An `AbortSignal` or `dispose()` ended the call; the signal's reason is the `cause`.
   *
   * Remedy: None needed.
   */
  ERR_ABORTED: 'ERR_ABORTED',
  /**
   * Something was used after it was disposed of.
   *
   * Remedy: Keep it longer, or make a new one.
   */
  ERR_DISPOSED: 'ERR_DISPOSED',
  /**
   * The native addon is missing, does not fit this build of the library, or is not for this system.
   *
   * Remedy: The message has the commands that help; docs/install.md says more.
   */
  ERR_BINDING: 'ERR_BINDING',
  /**
   * A defect of preresnet.
   *
   * Remedy: Please report it with the message and the output of `preresnet doctor --json`.
   */
  ERR_INTERNAL: 'ERR_INTERNAL',
} as const

/** The name of a code. */
export type ErrorCode = keyof typeof ErrorCode
