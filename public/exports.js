// What the app's first part exports, for the parts that are loaded later (parts.js).

let exports;

export function keep(first) {
    exports = first;
}

// The name under which parts.js asks for it.
export function initSync() {
    return exports;
}
