"""Small images: PNG with one byte a pixel and a table of colours, which halves what pictures of fields weigh."""

import base64
import io
import struct
import zlib

import numpy as np
from matplotlib.image import imread


def indexed_png(pixels: np.ndarray, colours: np.ndarray) -> bytes:
    """A PNG of pixels (height, width), top row first, that are numbers of colours (n, 4); at most 256, all uint8.

    It is smallest where colours of near numbers stand beside each other.
    """
    height, width = pixels.shape
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    # A quick look says which filter suits the image; to press all of them hard would take four times as long.
    body = zlib.compress(min(_filtered(pixels), key=lambda rows: len(zlib.compress(rows, 1))), 9)
    chunks = ((b"IHDR", head), (b"PLTE", colours[:, :3].tobytes()), (b"tRNS", colours[:, 3].tobytes()), (b"IDAT", body))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in (*chunks, (b"IEND", b"")))


def as_indexed(png: bytes) -> bytes:
    """The same image with a table of colours, if it has few enough for one and is smaller for it."""
    pixels = np.round(255 * imread(io.BytesIO(png), format="png")).astype(np.uint8)
    if pixels.ndim != 3 or pixels.shape[2] != 4:
        return png
    found, numbers = np.unique(np.ascontiguousarray(pixels).view(np.uint32), return_inverse=True)  # four bytes at once
    if len(found) > 256:
        return png
    colours = found.view(np.uint8).reshape(-1, 4)
    # Colours of a scale from dark to light come in the order of the scale.
    order = np.argsort(colours @ np.array([0.3, 0.6, 0.1, 10.0]), kind="stable")
    indexed = np.argsort(order).astype(np.uint8)[numbers.reshape(pixels.shape[:2])]
    return min((png, indexed_png(indexed, colours[order])), key=len)


def data_uri(png: bytes) -> str:
    """The image as the address of itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _filtered(pixels: np.ndarray) -> list[bytes]:
    """The rows as they are, and as differences from the neighbour on the left, above, or nearest to what both predict.

    These are PNG's filters 0, 1, 2 and 4.
    """
    padded = np.pad(pixels.astype(np.int16), ((1, 0), (1, 0)))
    left, above, corner = padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    guess = left + above - corner
    near = [np.abs(guess - neighbour) for neighbour in (left, above, corner)]
    paeth = np.where((near[0] <= near[1]) & (near[0] <= near[2]), left, np.where(near[1] <= near[2], above, corner))
    return [
        np.insert((pixels - predicted).astype(np.uint8), 0, kind, axis=1).tobytes()
        for kind, predicted in ((0, 0 * left), (1, left), (2, above), (4, paeth))
    ]
