"""Photos: a corpus of hostile and odd files, each with its sentence; faces found; the crop put where FER2013's faces are."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from fer_core.data.demo.generator import draw, face_at
from fer_core.errors import DataError
from fer_core.faces import photos


def encode(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def noise(width, height, mode="L"):
    content = np.random.default_rng(0).integers(0, 256, height * width * len(mode), dtype=np.uint8)
    return Image.frombytes(mode, (width, height), content.tobytes())


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_header(width, height, body=b""):
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) + body


PNG = encode(noise(100, 80))
JPEG = encode(noise(200, 160), "JPEG")
BOMB = png_header(60_000, 60_000, chunk(b"IDAT", zlib.compress(bytes(10**6), 9)) + chunk(b"IEND", b""))
TEXT_BOMB = PNG[:33] + chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(300 * 2**20), 9)) + PNG[33:]

HOSTILE = {
    "nothing": (b"", "empty"),
    "text": (b"I am a picture, believe me. " * 20, "text, whatever its name says"),
    "noise": (bytes(range(128, 256)) * 9, "no picture that is known here"),
    "page": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
    "document": (b"%PDF-1.7 " + b"x" * 99, "a PDF"),
    "archive": (b"PK\x03\x04" + b"x" * 99, "a zip"),
    "heic": (b"\0\0\0\x18ftypheic" + b"x" * 99, "an HEIC picture of a phone"),
    "film": (b"\0\0\0\x18ftypisom" + b"x" * 99, "a film"),
    "tiff": (encode(noise(60, 60), "TIFF"), "a TIFF"),
    "program": (b"\x7fELF" + bytes(99), "a program"),
    "truncated png": (PNG[: len(PNG) // 2], "PNG is cut off or damaged"),
    "truncated jpeg": (JPEG[: len(JPEG) // 2], "JPEG is cut off or damaged"),
    "header only": (PNG[:20], "PNG is cut off or damaged"),
    "magic only": (b"\xff\xd8\xff", "JPEG is cut off or damaged"),
    "wrong type": (b"\x89PNG\r\n\x1a\n" + JPEG, "PNG is cut off or damaged"),
    "webp": (b"RIFF\x10\0\0\0WEBPVP8 " + bytes(20), "WEBP is cut off or damaged"),
    "gif": (b"GIF89a" + bytes(40), "damaged|too small"),
    "bmp": (b"BM" + bytes(60), "BMP is cut off or damaged"),
    "bomb": (BOMB, "too many pixels"),
    "text bomb": (TEXT_BOMB, "cut off or damaged"),
    "20,000 pixels": (png_header(20_000, 20_000, chunk(b"IDAT", b"") + chunk(b"IEND", b"")), "too many pixels"),
    "26 megapixels": (png_header(5_200, 5_001, chunk(b"IDAT", b"") + chunk(b"IEND", b"")), "5,200 x 5,001"),
    "one pixel": (encode(noise(1, 1)), "too small to show a face"),
    "a line": (encode(noise(400, 3)), "too small to show a face"),
    "too many bytes": (JPEG + bytes(photos.MOST_BYTES), "too large.*10 MB"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gets_its_sentence(name):
    content, sentence = HOSTILE[name]
    with pytest.raises(DataError, match=sentence) as told:
        photos.read(content)
    assert str(told.value)[0].isupper() and str(told.value).endswith(".")


def test_every_cut_of_a_file_is_told_or_read():
    for content in (PNG, JPEG, encode(noise(60, 60), "GIF"), encode(noise(60, 60), "WEBP"), encode(noise(60, 60), "BMP")):
        for end in np.linspace(1, len(content) - 1, 12).astype(int):
            try:
                photos.read(content[:end])
            except DataError as error:
                assert len(str(error)) < 400


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_plain_pictures_are_read_as_they_are(kind, mode):
    photo = photos.read(encode(noise(90, 70, mode), kind))
    assert photo.grey.shape == (70, 90) and photo.grey.dtype == np.uint8 and photo.size == (90, 70)
    assert photo.notes == () and photo.kind == kind


def test_a_wrong_name_does_not_matter_but_the_bytes_do():
    assert photos.read(encode(noise(50, 50), "JPEG")).kind == "JPEG"


def test_the_camera_s_orientation_is_honoured():
    upright = np.zeros((60, 90), np.uint8)
    upright[:20, :30] = 255
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        turns = {1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: np.transpose, 6: np.rot90,
                 7: lambda a: np.rot90(a, 2).T, 8: lambda a: np.rot90(a, -1)}
        stored = np.ascontiguousarray(turns[orientation](upright))
        photo = photos.read(encode(Image.fromarray(stored), "PNG", exif=exif))
        assert np.array_equal(photo.grey, upright), orientation
        assert ("The picture was turned upright, as its camera noted." in photo.notes) == (orientation > 1)


def test_of_a_moving_picture_the_first_frame_is_taken():
    frames = [Image.fromarray(np.full((40, 40), level, np.uint8)) for level in (10, 200, 90)]
    for kind in ("GIF", "WEBP", "PNG"):
        options = {"lossless": True} if kind == "WEBP" else {}
        photo = photos.read(encode(frames[0], kind, save_all=True, append_images=frames[1:], **options))
        assert abs(int(photo.grey.mean()) - 10) <= 1 and "several pictures" in photo.notes[0]


def test_printing_colours():
    picture = Image.new("CMYK", (50, 50), (0, 0, 0, 0))
    photo = photos.read(encode(picture, "JPEG"))
    assert photo.grey.min() > 250 and "CMYK" in photo.notes[0]


def test_sixteen_bits():
    deep = (np.arange(64 * 64).reshape(64, 64) * 16).astype(np.uint16)
    photo = photos.read(encode(Image.fromarray(deep)))
    np.testing.assert_allclose(photo.grey, deep / 257, atol=0.51)
    assert "16 bits" in photo.notes[0]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_what_is_transparent_becomes_grey(mode):
    picture = Image.new("RGBA", (40, 40), (255, 255, 255, 0))
    assert set(np.unique(photos.read(encode(picture.convert(mode) if mode != "PA" else picture.quantize())).grey)) == {128}


def test_a_large_photo_is_made_smaller_and_says_so():
    for kind in ("PNG", "JPEG"):
        photo = photos.read(encode(Image.new("RGB", (4000, 3000), (9, 99, 200)), kind))
        assert max(photo.grey.shape) == photos.WORK_SIDE and photo.size == (4000, 3000)
        assert photo.notes == ("It was made smaller: 1600 x 1200 pixels.",)


def scene(*numbers, size=260, turned=0):
    """A photo of demo faces in a row."""
    wall = np.full((size + 160, (size + 80) * max(1, len(numbers)) + 80), 120, np.uint8)
    for i, number in enumerate(numbers):
        left = 80 + i * (size + 80)
        wall[80 : 80 + size, left : left + size] = draw(face_at(3, number)[0], size=size)
    return np.rot90(wall, turned)


def test_no_face_is_found_on_a_wall():
    photo = photos.read(encode(Image.fromarray(scene())))
    assert photos.faces(photo) == []
    whole = photos.whole(photo)
    assert photos.crop(photo, whole).image.shape == (48, 48) and whole.side == min(photo.grey.shape)


def test_three_faces_are_found():
    photo = photos.read(encode(Image.fromarray(scene(0, 1, 4)), "JPEG"))
    found = sorted(photos.faces(photo), key=lambda face: face.left)
    assert len(found) == 3
    for i, face in enumerate(found):
        assert abs(face.left + face.side / 2 - (80 + i * 340 + 130)) < 40


@pytest.mark.parametrize("ground", [90, 150, 210])
def test_a_face_is_found_whatever_stands_beside_it(ground):
    size = 300
    wall = np.full((size + 160, 3 * size + 300), ground, np.uint8)
    for i in range(3):
        left = 60 + i * (size + 60)
        wall[80 : 80 + size, left : left + size] = draw(face_at(11 + i, i)[0], size=size)
    assert len(photos.faces(photos.read(encode(Image.fromarray(wall))))) == 3


def test_a_photo_that_is_too_narrow_is_told_by_its_own_size():
    with pytest.raises(DataError, match="too narrow") as told:
        photos.read(encode(Image.fromarray(np.zeros((20_000, 40), np.uint8))))
    assert told.value.received == "40 x 20,000 pixels"


def test_a_phone_s_photo_lying_on_its_side():
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.fromarray(np.ascontiguousarray(scene(0, turned=1)))
    photo = photos.read(encode(stored, "JPEG", exif=exif))
    assert len(photos.faces(photo)) == 1


def test_the_crop_has_level_eyes_where_fer2013_has_them():
    for number in (0, 1, 4):
        photo = photos.read(encode(Image.fromarray(scene(number)), "JPEG"))
        face = photos.faces(photo)[0]
        crop = photos.crop(photo, face)
        assert crop.image.shape == (48, 48) and crop.image.dtype == np.uint8 and crop.aligned
        first, second = (np.array(eye) for eye in face.eyes)
        turn = np.deg2rad(crop.angle)
        matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        places = [(matrix @ (eye - crop.centre)) * 48 / crop.side + 24 for eye in (first, second)]
        np.testing.assert_allclose(places, [(24 - 8.6, 18.3), (24 + 8.6, 18.3)], atol=0.1)


def test_grey_levels_are_spread_as_in_fer2013_and_the_parameters_say_how():
    photo = photos.Photo((scene(0) // 4 + 60).astype(np.uint8), "PNG", (10, 10))
    face = photos.by_hand(photo, 80, 80, 260)
    plain, spread = photos.crop(photo, face, contrast=False), photos.crop(photo, face)
    assert plain.contrast == (1, 0) and spread.contrast[0] > 2
    gain, offset = spread.contrast
    np.testing.assert_allclose(spread.image, np.clip(plain.image * gain + offset, 0, 255), atol=gain / 2 + 1)
    assert abs(np.percentile(spread.image, 1) - 15) < 4 or gain == 4
    flat = photos.Photo(np.full((100, 100), 77, np.uint8), "PNG", (100, 100))
    assert set(np.unique(photos.crop(flat, photos.whole(flat)).image)) == {77}


def test_a_crop_by_hand_stays_in_the_photo_and_a_margin_may_leave_it():
    photo = photos.read(encode(noise(200, 100)))
    face = photos.by_hand(photo, -50, 300, 5000)
    assert (face.left, face.top, face.side) == (0, 0, 100)
    wide = photos.crop(photo, face, margin=0.5, contrast=False)
    assert wide.side == 200 and wide.image.shape == (48, 48)
    with pytest.raises(DataError, match="holds no face"):
        photos.crop(photo, face, margin=-0.49)


def test_a_crop_of_the_exact_size_is_the_pixels_themselves():
    photo = photos.read(encode(noise(48, 48)))
    assert np.array_equal(photos.crop(photo, photos.whole(photo), contrast=False).image, photo.grey)
