"""Setting training images aside as test images, for a set without test images. Imports no torch."""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from imgxlate.data.copies import copies
from imgxlate.data.folders import DomainImages, Folders

_FEWEST, _MOST = 8, 100  # images to set aside: a distance between fewer is mostly noise, and more are not needed

_Image = tuple[int, Path]  # the number of a domain, 0 for A or 1 for B, and a file of it


def hold_out(found: Folders, share: float, *, keep_copies_together: bool = True) -> Folders:
    """Set aside a share of the training images as test images, at most 100, in each domain that has no test images.

    Nothing is set aside if the share is less than 8 images. Files with the same bytes are all set aside or all trained
    on, also if they are in different domains. So the images set aside may be fewer than the share.
    """
    targets = [_target(domain, share) for domain in (found.a, found.b)]
    if not any(targets):
        return found
    aside = _aside(_groups(found, keep_copies_together=keep_copies_together), targets)
    a, b = (
        _without(domain, {file for number, file in aside if number == own})
        for own, domain in enumerate((found.a, found.b))
    )
    return replace(found, a=a, b=b)


def choose(files: Sequence[Path], count: int) -> tuple[Path, ...]:
    """`count` of the files, or all if there are fewer, in their order: those with the least SHA-256 of their names.

    So the choice is the same on every machine, and hardly changes if files are added.
    """
    chosen = set(sorted(files, key=_rank)[:count])
    return tuple(file for file in files if file in chosen)


def _rank(file: Path) -> bytes:
    return hashlib.sha256(os.fsencode(file.name)).digest()


def _target(domain: DomainImages, share: float) -> int:
    """The number of images to set aside."""
    count = int(share * len(domain.train))
    return min(count, _MOST) if domain.source == "training" and count >= _FEWEST else 0


def _groups(found: Folders, *, keep_copies_together: bool) -> list[list[_Image]]:
    """The images that go together, sorted by the least rank of one of them."""
    images = [(number, file) for number, domain in enumerate((found.a, found.b)) for file in domain.train]
    alike = copies({file: None for _, file in images}) if keep_copies_together else []
    first = {file: group[0] for group in alike for file in group}
    groups: dict[Path, list[_Image]] = {}
    for number, file in images:
        groups.setdefault(first.get(file, file), []).append((number, file))
    return sorted(groups.values(), key=lambda group: min(_rank(file) for _, file in group))


def _aside(groups: Sequence[Sequence[_Image]], targets: Sequence[int]) -> set[_Image]:
    """The images of the first groups that fit into the targets. If they are too few in a domain, it gets none."""
    aside: set[_Image] = set()
    counts = Counter[int]()
    for group in groups:
        added = counts + Counter(number for number, _ in group)
        if all(added[number] <= target for number, target in enumerate(targets)):
            aside.update(group)
            counts = added
    enough = [target if counts[number] >= _FEWEST else 0 for number, target in enumerate(targets)]
    return aside if enough == targets else _aside(groups, enough)


def _without(domain: DomainImages, aside: set[Path]) -> DomainImages:
    """The domain with some of its training images set aside as test images, if there are any."""
    if not aside:
        return domain
    train = tuple(file for file in domain.train if file not in aside)
    test = tuple(file for file in domain.train if file in aside)
    return replace(domain, train=train, test=test, source="set aside")
