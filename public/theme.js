// Sets the chosen theme before the first paint; app/src/state/theme.rs writes the same key.
// A classic script: a module would run after the first paint.
try {
    const theme = localStorage.getItem("adit-theme");
    if (theme === "light" || theme === "dark") {
        document.documentElement.setAttribute("data-theme", theme);
    }
} catch {
    // A browser that forbids storage keeps the system's theme.
}
