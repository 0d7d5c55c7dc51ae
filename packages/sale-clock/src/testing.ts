export { ManualClock } from './testing/manual-clock.ts'
export { ManualTimers } from './testing/manual-timers.ts'
