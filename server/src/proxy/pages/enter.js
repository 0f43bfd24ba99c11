(() => {
    const state = new URLSearchParams(location.search).get("state") || "";
    const code = new URLSearchParams(location.hash.slice(1)).get("code") || "";
    // Neither stays in the history.
    history.replaceState(null, "", "/.adit/auth");
    fetch("/.adit/auth", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ state, code }),
    })
        .then((answer) => (answer.ok ? answer.json() : Promise.reject()))
        .then((answer) => location.replace(answer.location))
        .catch(() => {
            document.getElementById("wait").hidden = true;
            document.getElementById("trouble").hidden = false;
        });
})();
