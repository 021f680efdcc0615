"""A partner's colour made safe to read: contrast is computed by WCAG 2.2, not hoped for."""

import colorsys

BLACK, WHITE = "#000000", "#ffffff"
# The darkest light and the lightest dark surface of portal.css that carry text.
LIGHT_SURFACE, DARK_SURFACE = "#f1efe9", "#262924"
TEXT, SHAPE = 4.5, 3.0
"""What level AA asks of text, and of the edges of controls."""


def _channels(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def luminance(color: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2, "relative luminance")."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def ink_on(color: str) -> str:
    """Black or white, whichever reads better on it; one of them always reaches 4.5."""
    return max((WHITE, BLACK), key=lambda ink: contrast(ink, color))


def readable_on(surface: str, color: str, *, at_least: float = TEXT) -> str:
    """The colour, darker or lighter in small steps until it stands out from the surface."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(color))
    step = -0.01 if ink_on(surface) == BLACK else 0.01
    while contrast(color, surface) < at_least and 0 < lightness + step < 1:
        lightness += step
        channels = colorsys.hls_to_rgb(hue, lightness, saturation)
        color = "#" + "".join(f"{round(channel * 255):02x}" for channel in channels)
    return color if contrast(color, surface) >= at_least else ink_on(surface)


def variables(color: str, surface: str) -> dict[str, str]:
    """The custom properties of portal.css that follow the brand, for one surface."""
    fill = readable_on(surface, color, at_least=SHAPE)
    return {
        "--brand": fill,
        "--on-brand": ink_on(fill),
        "--link": readable_on(surface, color),
    }


def stylesheet(color: str) -> str:
    """`/brand.css`, for light and for dark."""
    light, dark = variables(color, LIGHT_SURFACE), variables(color, DARK_SURFACE)
    return (
        f":root{{{_declarations(light)}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{{_declarations(dark)}}}}}\n"
    )


def _declarations(values: dict[str, str]) -> str:
    return ";".join(f"{name}:{value}" for name, value in values.items())
