import re

from imgxlate import errors


def tree(cls, seen=()):
    for child in cls.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from tree(child)


def test_the_drawn_tree_names_every_class_with_its_exit_code():
    drawn = dict(re.findall(r"(\w+Error) +(\d+)", errors.__doc__))
    classes = [errors.ImgxlateError, *tree(errors.ImgxlateError)]
    assert {cls.__name__: str(cls.exit_code) for cls in classes} == drawn


def test_an_image_error_says_which_file_and_why():
    error = errors.ImageError("photo.jpg", "it is empty", hint="Save it again.")
    assert str(error) == "photo.jpg: it is empty"
    assert (error.path, error.reason, error.hint) == ("photo.jpg", "it is empty", "Save it again.")
