"""Command lines of the original programs, typed by habit."""

import pytest

from imgxlate.cli import original_flags


@pytest.mark.parametrize(
    ("typed", "ours"),
    [
        (
            "translate cyclegan --dataroot horse2zebra/testA --name horse2zebra --model test",
            "INPUT",
        ),
        ("translate cyclegan a.png --direction BtoA", "--to A"),
        ("translate munit --input=a.png --output_folder results", "INPUT"),
        ("train cyclegan --dataroot ./datasets/maps --name maps_cyclegan --model cycle_gan", "trainA"),
        ("train munit a b --output_path out", "--out RUN"),
        ("neural-style -style_image style.jpg -content_image content.jpg", "STYLE"),
        ("neural-style --content_image content.jpg", "CONTENT"),
    ],
)
def test_options_of_the_originals_are_errors_that_say_what_to_type(run, typed, ours):
    result = run(*typed.split())
    assert result.exit_code == 2
    text = " ".join(result.stderr.replace("│", " ").split())
    assert "is an option of the original program" in text
    assert ours in text


def test_options_of_the_command_itself_are_left_to_it():
    assert original_flags.explain("train", ["--model", "x"], ["--model"]) is None
    assert original_flags.explain("weights", ["--name"], []) is None
