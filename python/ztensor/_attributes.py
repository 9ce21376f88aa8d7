"""Attributes of an open file, which a caller cannot change."""

from __future__ import annotations

from typing import Any, NoReturn


class Attributes(dict[Any, Any]):
    """A dict that refuses changes: they would change neither the file nor what the next access gives.

    Copies of it, and what pickle makes of it, are plain dicts.
    """

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(
            "the attributes of an open file cannot be changed: copy them with dict(), or change those of the file with "
            "ztensor.set()"
        )

    __setitem__ = __delitem__ = update = setdefault = pop = popitem = clear = _refuse
    __ior__ = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)
