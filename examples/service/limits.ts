/** What a client may ask for, and how long the service waits. */
export const limits = {
  /** Bytes of a request's body. */
  bytes: 20_000_000,
  /** Pixels of an image: a file of a few bytes can hold a large one, which takes 3 bytes a pixel (9 in some JPEG files) while it is decoded. */
  pixels: 2 ** 25,
  /** Images of one request. */
  images: 64,
  /** Requests that are read or wait for their answer at a time: together their bodies take no more than this many times the bytes above. */
  requests: 128,
  /** Images that wait in the classifier. */
  queue: 256,
  connections: 4096,
  /** Milliseconds that a client has for its headers, for its whole request, and until its next one on the same connection. */
  headers: 5_000,
  request: 10_000,
  idle: 5_000,
  /** Milliseconds that requests have to end when the service is told to stop. */
  stop: 10_000,
} as const
