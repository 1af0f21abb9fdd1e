import { dim, type Values } from './values.js'

/** Value of a G x C operand for image n of N and channel c. */
export function perChannel(values: Values | undefined, n: number, images: number, c: number, absent: number): number {
  if (values === undefined) return absent
  const group = Math.floor((n * dim(values, 0)) / images)
  return values.data[group * dim(values, 1) + c]!
}
