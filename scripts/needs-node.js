// Imported before a program of this repository. Plain JavaScript, so that a Node too old for TypeScript can still say so.
const [major] = process.versions.node.split(".").map(Number)
if (major === undefined || major < 24) {
  console.error(
    `This needs Node 24 or newer, and this is ${process.versions.node}. On Linux x64 "npm ci" brings one, and npm finds it.`
  )
  process.exit(1)
}
