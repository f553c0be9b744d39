"""Small images: PNG with one byte a pixel and a table of colours, which halves what pictures of fields weigh."""

import base64
import io

import numpy as np
from PIL import Image

_MOST = 256  # colours in a table


def indexed_png(pixels: np.ndarray, colours: np.ndarray) -> bytes:
    """A PNG of pixels (height, width), top row first, that are numbers of colours (n, 4); at most 256, all uint8.

    It is smallest where colours of near numbers stand beside each other.
    """
    image, content = Image.fromarray(pixels, mode="P"), io.BytesIO()
    image.putpalette(colours[:, :3].tobytes())
    image.save(content, format="PNG", optimize=True, transparency=colours[:, 3].tobytes())
    return content.getvalue()


def as_indexed(png: bytes) -> bytes:
    """The same image with a table of colours, where it has at most 256 colours and becomes smaller."""
    with Image.open(io.BytesIO(png)) as image:
        if image.mode != "RGBA":
            return png
        pixels = np.asarray(image)
    different, numbers = np.unique(pixels.view(np.uint32), return_inverse=True)  # four bytes at once
    if len(different) > _MOST:
        return png
    colours = different.view(np.uint8).reshape(-1, 4)
    # Colours of a scale from dark to light come in the order of the scale.
    order = np.argsort(colours @ np.array([0.3, 0.6, 0.1, 10.0]), kind="stable")
    indexed = np.argsort(order).astype(np.uint8)[numbers.reshape(pixels.shape[:2])]
    return min((png, indexed_png(indexed, colours[order])), key=len)


def data_uri(png: bytes) -> str:
    """The image as a `data:` address."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
