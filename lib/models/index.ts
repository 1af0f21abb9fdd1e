export { type ModelName, modelNames } from './names.js'
export type { PreResNetDescription, PreResNetOptions } from './description.js'
export { isModelName, preResNet } from './preresnet.js'
export type { UnitName } from './units.js'
