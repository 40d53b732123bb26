"""The gallery on one sheet: every picture stands where it is told, whole and uncovered, and the command hangs what the network paints."""

import numpy as np
import pytest
from PIL import Image

from fer_core.emotions import EMOTIONS, SIDE
from fer_core.errors import FerError
from fer_core.plots import contact_sheet
from fer_core.plots.contact_sheet import Group
from fer_core.plots.theme import GROUND, rgb


def cut(sheet, x, y):
    """The picture at a place, in its own pixels."""
    return sheet[y : y + contact_sheet.PICTURE : contact_sheet.FACTOR, x : x + contact_sheet.PICTURE : contact_sheet.FACTOR, 0]


def test_every_picture_is_found_again_where_it_hangs():
    random = np.random.default_rng(0)
    many, few, two = (random.uniform(-40, 300, (count, SIDE, SIDE)) for count in (11, 7, 2))
    shelves = [[Group("Many", many, "told beside")], [Group("Few", few, captions=list(EMOTIONS)), Group("Two", two, captions=["a", "b"])]]
    sheet = contact_sheet.sheet(shelves)
    top = contact_sheet.MARGIN
    for i, picture in enumerate(many):
        assert (cut(sheet, *contact_sheet.place(i, top)) == np.clip(np.rint(picture), 0, 255)).all()
    top += contact_sheet.HEAD + 2 * contact_sheet.PICTURE + contact_sheet.GAP + contact_sheet.MARGIN
    for i, picture in enumerate([*few, *two]):
        assert (cut(sheet, *contact_sheet.place(i, top, contact_sheet.FOOT)) == np.clip(np.rint(picture), 0, 255)).all()
    assert (sheet[:, : contact_sheet.MARGIN] == rgb(GROUND["light"])).all() and (
        sheet[:, -contact_sheet.MARGIN :] == rgb(GROUND["light"])
    ).all()
    assert (sheet[-contact_sheet.MARGIN :] == rgb(GROUND["light"])).all()  # no caption is cut off


def test_the_gallery_holds_the_networks_own_pictures(root, tmp_path):
    from fer_core import models
    from fer_core.cli import filters
    from fer_core.feature_vis import ascent
    from fer_core.runs.store import RunStore

    filters.gallery("demo", tmp_path / "a.png", contrasts="happy-sad", preset="report", seed=3, runs=root / "checkpoints")
    sheet = np.asarray(Image.open(tmp_path / "a.png"))
    model = models.load(RunStore(root / "checkpoints").open("demo"), precision="float32")
    painted = list(ascent.ascend(model, ascent.OBJECTIVES["difference"]("happy", "sad"), preset="report", seed=3, every=999))[-1].images[0]
    top = contact_sheet.MARGIN + 2 * (contact_sheet.HEAD + 2 * contact_sheet.PICTURE + contact_sheet.GAP + contact_sheet.MARGIN)
    shown = cut(sheet, *contact_sheet.place(len(EMOTIONS), top, contact_sheet.FOOT)).astype(int)
    assert np.abs(shown - painted).mean() < 1.0
    assert (tmp_path / "a.png").stat().st_size < 400_000


@pytest.mark.parametrize("asked", [{"out": "a.gif"}, {"out": "a.png", "contrasts": "happy"}])
def test_what_makes_no_sense_is_told_before_the_network_is_loaded(tmp_path, asked):
    from fer_core.cli import filters

    with pytest.raises(FerError):
        filters.gallery("demo", tmp_path / asked.pop("out"), runs=tmp_path, **asked)
