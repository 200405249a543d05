// Runs before the first paint, so that a chosen theme does not flash; everything else is in app.js.
try {
  document.documentElement.dataset.theme = localStorage.getItem("engage.theme") ?? "system";
} catch {
  document.documentElement.dataset.theme = "system";
}
