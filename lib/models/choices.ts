/** What the options of a network can be. */
export const families = ['cifar', 'imagenet'] as const
export const blocks = ['basic', 'bottleneck', 'one-layer'] as const
export const shortcuts = ['option-a', 'projection'] as const
export const stridedConvolutions = ['conv1', 'conv2'] as const
export const gateBiasLimits = { minimum: -1000, maximum: 1000 } as const

export type Family = (typeof families)[number]
/**
 * The convolutions of a unit's branch are two of 3x3 for 'basic'; 1x1, 3x3 and 1x1, with a quarter of the channels in the middle, for 'bottleneck'; and one of
 * 3x3 for 'one-layer', the one-layer skips of Table 3.
 */
export type Block = (typeof blocks)[number]
export type ShapeShortcut = (typeof shortcuts)[number]
export type StridedConvolution = (typeof stridedConvolutions)[number]
