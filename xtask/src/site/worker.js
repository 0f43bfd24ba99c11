// The Worker of a module: loads it, and lets it talk to the page. It says "ready" when it listens;
// what fails before is an "error" event of the Worker.

import init, { start } from "{{MODULE.js}}";

// What is compiled to wasm measures time by the wall clock and cannot bear that it goes back (a
// clock that is set, in the midst of an SSH key exchange): in here it never does.
const WallClock = Date;
const begin = WallClock.now() - performance.now();
const now = () => Math.floor(begin + performance.now());
globalThis.Date = class Date extends WallClock {
    constructor(...given) {
        super(...(given.length === 0 ? [now()] : given));
    }
    static now() {
        return now();
    }
};

try {
    await init({ module_or_path: "{{MODULE.wasm}}" });
    start();
} catch (error) {
    // Out of this promise, where no page would hear of it.
    setTimeout(() => { throw error; });
}
