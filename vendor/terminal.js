// The terminal's drawing library: xterm.js 6 and its addons (MIT licence, The xterm.js authors).
// The app imports it on the terminal page alone; it is whole when its style sheet is there too.

import "@xterm/xterm/css/xterm.css";

export { Terminal } from "@xterm/xterm";
export { FitAddon } from "@xterm/addon-fit";
export { SearchAddon } from "@xterm/addon-search";
export { WebLinksAddon } from "@xterm/addon-web-links";

await new Promise((resolve, reject) => {
    const sheet = document.createElement("link");
    sheet.rel = "stylesheet";
    sheet.href = "{{terminal.css}}";
    sheet.onload = resolve;
    sheet.onerror = () => reject(new Error("the terminal's style sheet could not be loaded"));
    document.head.append(sheet);
});
