"""Keys, their `auto`, and the catalogue."""

import pytest
from pydantic import ValidationError

from goodfit.augment import AUGMENTATIONS, TEXT_AUGMENTATIONS
from goodfit.augment.options import ImageAugment, settle
from goodfit.augment.text_options import TextAugment

SMALL = {"height": 32, "width": 32, "same_size": True, "channels": 3}
DIGITS = {"height": 8, "width": 8, "same_size": True, "channels": 1}
PHOTOGRAPHS = {"height": 375, "width": 500, "same_size": False, "channels": 3}


def test_small_colour_pictures_flip_and_move_by_two_of_32_pixels() -> None:
    options, reasons = settle(ImageAugment(), SMALL, 32)
    assert (options.flip, options.crop_pad, options.scale, options.test_time) == (True, 2, None, "flip_shift")
    assert {reason.key for reason in reasons} == {
        "augment.flip",
        "augment.crop_pad",
        "augment.scale",
        "augment.test_time",
    }


def test_small_grey_pictures_never_flip() -> None:
    options, _ = settle(ImageAugment(), DIGITS, 8)
    assert (options.flip, options.crop_pad, options.test_time) == (False, 0, "none")


def test_nothing_flips_where_the_target_may_not_survive_it() -> None:
    options, reasons = settle(ImageAugment(), SMALL, 32, mirrors=False)
    assert (options.flip, options.test_time) == (False, "none")
    assert reasons[0].why == "augment.flip_numbers"
    assert settle(ImageAugment(flip=True), SMALL, 32, mirrors=False)[0].flip is True


def test_photographs_get_a_random_resized_crop() -> None:
    options, _ = settle(ImageAugment(), PHOTOGRAPHS, 224)
    assert (options.flip, options.crop_pad, options.scale, options.test_time) == (True, 0, (0.35, 1.0), "flip")


def test_what_a_person_chose_stays_and_needs_no_reason() -> None:
    asked = ImageAugment(flip=False, scale=None, crop_pad=7, test_time="none")
    assert settle(asked, PHOTOGRAPHS, 224) == (asked, ())


@pytest.mark.parametrize(
    "wrong",
    [{"scale": (0.5, 0.2)}, {"scale": (0.0, 1.0)}, {"hue": 0.6}, {"rotate": -1}, {"flipp": True}, {"erase": -1}],
)
def test_impossible_values_are_refused(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        ImageAugment(**wrong)


@pytest.mark.parametrize("name", list(AUGMENTATIONS))
def test_every_entry_of_the_catalogue_is_possible_and_can_be_switched_off(name: str) -> None:
    entry = AUGMENTATIONS[name]
    plain, _ = settle(ImageAugment(flip=False, scale=None, crop_pad=0, test_time="none"), SMALL, 32)
    on = ImageAugment.model_validate(plain.model_dump() | dict(entry.mild))
    off = ImageAugment.model_validate(on.model_dump() | dict(entry.off))
    assert on != plain
    assert off == plain
    assert entry.source
    assert entry.pixels <= entry.mild.keys()


@pytest.mark.parametrize("name", list(TEXT_AUGMENTATIONS))
def test_every_entry_for_texts_is_possible_sourced_and_off_by_default(name: str) -> None:
    entry = TEXT_AUGMENTATIONS[name]
    on = TextAugment(**entry.mild)
    assert on.is_on
    assert not TextAugment().is_on
    assert TextAugment.model_validate(on.model_dump() | dict(entry.off)) == TextAugment()
    assert entry.source
