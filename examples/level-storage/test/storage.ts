import { ClassicLevel } from "classic-level"
import { layer } from "../src/LevelStorage.ts"

export default (place: string) => layer(() => new ClassicLevel(place))
