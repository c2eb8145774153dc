/** `npm run streaming-transcript`: the page on a port of this machine, as users would get it. */
import { serve } from "./serve.ts"

const { url } = await serve("production", 4173)
console.log(`The page is at ${url}`)
