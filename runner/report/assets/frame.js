// What every page has around it: the theme, and the footer's button.

function setUpTheme() {
  const button = document.getElementById("theme");
  const themes = ["auto", "light", "dark"];
  const apply = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
  };
  let theme = stored("theme");
  if (!themes.includes(theme)) theme = "auto";
  button.hidden = false;
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    stored("theme", theme);
    apply(theme);
  });
  apply(theme);
}

// Buttons that put the text of another element, or the address, where it can be pasted.
function setUpCopies() {
  for (const button of document.querySelectorAll("[data-copies]")) {
    const source = document.getElementById(button.dataset.copies);
    button.hidden = false;
    button.addEventListener("click", () => copyText(source.textContent, button));
  }
}

setUpTheme();
setUpCopies();
