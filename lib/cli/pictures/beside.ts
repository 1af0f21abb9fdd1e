/** Pictures beside each other, as one SVG document. */

/** Documents of this room, which say their size in their first attributes. */
export function beside(documents: readonly string[], columns: number): string {
  const sizes = documents.map((svg) => {
    const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg)!
    return { width: Number(width), height: Number(height) }
  })
  const rows = Array.from({ length: Math.ceil(documents.length / columns) }, (_, row) => sizes.slice(row * columns, (row + 1) * columns))
  const wide = Math.max(...rows.map((row) => row.reduce((sum, { width }) => sum + width, 0)))
  let [top, drawing] = [0, '']
  for (const [row, ofRow] of rows.entries()) {
    let left = 0
    for (const [column, { width }] of ofRow.entries()) {
      drawing += documents[row * columns + column]!.trim().replace('<svg ', `<svg x="${left}" y="${top}" `)
      left += width
    }
    top += Math.max(...ofRow.map(({ height }) => height))
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${wide}" height="${top}" viewBox="0 0 ${wide} ${top}">${drawing}</svg>\n`
}
