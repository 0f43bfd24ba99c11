// Starts the app. What can fail here is the network: it says so and offers another attempt.

const text = document.getElementById("boot-text");
const retry = document.getElementById("boot-retry");

// What only some pages need; app/src/pages/terminal/xterm.rs calls it.
globalThis.aditLibraries = { terminal: () => import("{{terminal.js}}") };

async function start() {
    try {
        const { default: init } = await import("{{frontend.js}}");
        const { keep } = await import("{{exports.js}}");
        keep(await init({ module_or_path: "{{frontend.wasm}}" }));
    } catch (error) {
        // Once the app has taken over the page, its failures are its own.
        if (!text.isConnected) {
            throw error;
        }
        console.error(error);
        text.textContent = typeof WebAssembly === "object"
            ? "adit could not be loaded. Check your connection, then try again."
            : "This browser has no WebAssembly, or it is switched off. adit needs it.";
        text.closest("main").removeAttribute("aria-busy");
        retry.hidden = false;
    }
}

// A failed import is remembered by the page: only a reload truly tries again.
retry.addEventListener("click", () => location.reload());
start();
