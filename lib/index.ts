/** The public names. Everything else in the package is inside and may change. */
export { type ErrorCode, PreresnetError } from './errors.js'
export * from './layers/index.js'
export * from './models/index.js'
export * from './graph/index.js'
