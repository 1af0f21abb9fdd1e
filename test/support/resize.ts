export interface Picture {
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly pixels: Uint8Array
}

/** Antialiased bilinear resizing from its definition, in double: one direction after the other, rounded to bytes after each. */
export function resized(source: Picture, height: number, width: number): Picture {
  return transposed(resizedRows(transposed(resizedRows(source, width)), height))
}

/** To another width. */
function resizedRows({ height, width, channels, pixels }: Picture, target: number): Picture {
  const result = new Uint8Array(height * target * channels)
  const scale = width / target
  const reach = Math.max(scale, 1)
  for (let x = 0; x < target; x++) {
    const center = (x + 0.5) * scale
    const weights = Array.from({ length: width }, (_, from) => Math.max(0, 1 - Math.abs(from + 0.5 - center) / reach))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    for (let y = 0; y < height; y++) {
      for (let channel = 0; channel < channels; channel++) {
        const sum = weights.reduce((part, weight, from) => part + weight * pixels[(y * width + from) * channels + channel]!, 0)
        result[(y * target + x) * channels + channel] = Math.round(sum / total)
      }
    }
  }
  return { height, width: target, channels, pixels: result }
}

function transposed({ height, width, channels, pixels }: Picture): Picture {
  const result = new Uint8Array(pixels.length)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < channels; channel++) result[(x * height + y) * channels + channel] = pixels[(y * width + x) * channels + channel]!
    }
  }
  return { height: width, width: height, channels, pixels: result }
}

export function cropped({ width, channels, pixels }: Picture, top: number, left: number, height: number, target: number): Picture {
  const rows = Array.from({ length: height }, (_, y) => pixels.subarray(((top + y) * width + left) * channels, ((top + y) * width + left + target) * channels))
  return { height, width: target, channels, pixels: new Uint8Array(Buffer.concat(rows)) }
}
