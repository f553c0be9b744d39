"use strict";
const PACE = 160; // milliseconds a frame
for (const player of document.querySelectorAll(".player")) {
  const films = [...player.querySelectorAll(".film")];
  const reels = films.map(film => JSON.parse(film.querySelector("script").textContent));
  const [slider, place, button, field] = ["input", "output", "button", "select"].map(name => player.querySelector(name));
  let chosen = 0, timer = 0;

  const show = () => {
    const {places, images} = reels[chosen], position = slider.valueAsNumber;
    films[chosen].querySelectorAll(".frame").forEach((frame, panel) => { frame.src = images[panel][position]; });
    place.value = places[position];
    slider.setAttribute("aria-valuetext", places[position]);
  };
  const choose = number => {
    const share = slider.value / Math.max(1, slider.max);
    films.forEach((film, other) => { film.hidden = other !== number; });
    chosen = number;
    slider.max = reels[chosen].places.length - 1;
    slider.value = Math.round(share * slider.max);
    show();
  };
  const pause = () => {
    clearInterval(timer);
    timer = 0;
    if (button) button.textContent = "Play";
  };
  const advance = () => {
    slider.stepUp();
    show();
    if (slider.value === slider.max) pause();
  };
  const play = () => {
    if (slider.value === slider.max) slider.value = 0;
    show();
    timer = setInterval(advance, PACE);
    button.textContent = "Pause";
  };

  slider.addEventListener("input", () => { pause(); show(); });
  field?.addEventListener("change", () => choose(field.selectedIndex));
  button?.addEventListener("click", () => { if (timer) pause(); else play(); });
  player.querySelectorAll(".controls").forEach(part => { part.hidden = false; });
  show();
  if (button && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
    // Once, when it is first seen, and for less than five seconds.
    new IntersectionObserver((seen, observer) => {
      if (!seen.some(entry => entry.isIntersecting)) return;
      observer.disconnect();
      if (slider.value === "0") play();
    }, {threshold: 0.35}).observe(films[0]);
  }
}
