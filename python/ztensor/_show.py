"""How readers and tensors look in a terminal and in a notebook. Reads no tensor bytes."""

from __future__ import annotations

import html
from typing import Any, NamedTuple

from ._errors import ZTensorError

Reader = Any  # ztensor.Reader and ztensor.Tensor, whose modules import this one
Tensor = Any

_MOST_LINES = 12  # of a text
_MOST_ROWS = 500  # of a table
_MOST_NAME = 60


class _Row(NamedTuple):
    name: str
    dtype: str
    shape: str
    stored: int
    encoding: str
    cause: str  # why the tensor cannot be read, or ""


def tensor_text(tensor: Tensor) -> str:
    try:
        row = _row(tensor)
        layout = "" if tensor.layout == "dense" else f" {_plain(tensor.layout)}"
    except ZTensorError:
        return f"<ztensor.Tensor {tensor.name!r} of a closed reader>"
    encoding = "" if row.encoding in ("", "raw") else f" {row.encoding}"
    what = "unreadable" if row.cause else row.dtype
    return f"<ztensor.Tensor {tensor.name!r} {what} {row.shape}{layout}, {size_text(row.stored)}{encoding}>"


def reader_text(reader: Reader) -> str:
    if reader._source.is_closed:
        return "<ztensor.Reader, closed>"
    names = reader.tensor_names
    lines = [f"<ztensor.Reader {_where(reader)!r} {reader.format}, {_count(len(names))}>"]
    shown = names if len(names) <= _MOST_LINES else names[: _MOST_LINES - 1]
    rows = [_row(reader[name]) for name in shown]
    texts = [(row.name, row.dtype, row.shape) for row in rows]
    widths = [max((len(text[i]) for text in texts), default=0) for i in range(3)]
    for row in rows:
        size = "unreadable" if row.cause else size_text(row.stored)
        encoding = "" if row.encoding in ("", "raw") else f" {row.encoding}"
        lines.append(
            f"  {row.name:{widths[0]}}  {row.dtype:{widths[1]}}  {row.shape:{widths[2]}}  {size:>8}{encoding}".rstrip()
        )
    if len(shown) < len(names):
        lines.append(f"  ... and {len(names) - len(shown)} more")
    return "\n".join(lines)


def reader_html(reader: Reader) -> str:
    if reader._source.is_closed:
        return "<p>A closed <code>ztensor.Reader</code></p>"
    names = reader.tensor_names
    rows = [_row(reader[name]) for name in names[:_MOST_ROWS]]
    total = sum(row.stored for row in rows)
    parts = [
        f"<p><b>{html.escape(_where(reader))}</b> · {html.escape(reader.format)} · {_count(len(names))}"
        f" · {size_text(total)}{' in the rows shown' if len(rows) < len(names) else ''}</p>",
        _attributes(reader.attributes),
        _table(rows),
    ]
    if len(rows) < len(names):
        parts.append(f"<p>… and {len(names) - len(rows)} more</p>")
    return "".join(parts)


def tensor_html(tensor: Tensor) -> str:
    try:
        return _table([_row(tensor)]) + _attributes(tensor.attributes)
    except ZTensorError:
        return f"<p>Tensor <b>{html.escape(_plain(tensor.name))}</b> of a closed <code>ztensor.Reader</code></p>"


def size_text(size: int) -> str:
    """ "512 B", "1.5 KB", ... in powers of 1000."""
    amount, units = float(size), ["KB", "MB", "GB", "TB", "PB", "EB"]
    if size < 1000:
        return f"{size} B"
    while amount >= 999.95e3 and len(units) > 1:
        amount /= 1000
        units.pop(0)
    return f"{amount / 1000:.1f} {units[0]}"


def _row(tensor: Tensor) -> _Row:
    handle = tensor._handle
    parts = handle.parts()
    stored = sum(part[7] for part in parts)
    encodings = dict.fromkeys(_plain(part[4]) for part in parts)
    try:
        dtype, cause = handle.type_name, ""
    except ZTensorError as error:
        dtype, cause = "?", "" if error.rule == "layout.unknown" else str(error)
    return _Row(_name(tensor.name), _plain(dtype), str(handle.shape), stored, ", ".join(encodings), cause)


def _table(rows: list[_Row]) -> str:
    largest = max((row.stored for row in rows), default=0)
    lines = ["<table><thead><tr><th>name</th><th>dtype</th><th>shape</th><th>stored</th><th></th></tr></thead><tbody>"]
    for row in rows:
        width = round(120 * row.stored / largest) if largest else 0
        bar = (
            f'<div style="display:inline-block;background:#4c78a8;height:0.7em;width:{width}px"></div>'
            f" {html.escape('' if row.encoding == 'raw' else row.encoding)}"
        )
        if row.cause:
            bar = f'<span style="color:#b22">{html.escape(_plain(row.cause))}</span>'
        lines.append(
            f'<tr><td style="text-align:left"><code>{html.escape(row.name)}</code></td>'
            f"<td>{html.escape(row.dtype)}</td>"
            f"<td>{html.escape(row.shape)}</td><td>{size_text(row.stored)}</td>"
            f'<td style="text-align:left">{bar}</td></tr>'
        )
    return "".join([*lines, "</tbody></table>"])


def _attributes(attributes: dict[Any, Any]) -> str:
    if not attributes:
        return ""
    lines = [
        f"<tr><td><code>{html.escape(_name(str(key)))}</code></td>"
        f'<td style="text-align:left">{html.escape(_short(value))}</td></tr>'
        for key, value in list(attributes.items())[:_MOST_ROWS]
    ]
    return f"<details><summary>attributes: {len(attributes)}</summary><table>{''.join(lines)}</table></details>"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:197]}..."


def _name(name: str) -> str:
    plain = _plain(name)
    return plain if len(plain) <= _MOST_NAME else f"{plain[: _MOST_NAME - 1]}…"


def _plain(text: str) -> str:
    """The text, without characters that would change a terminal or the layout."""
    return text if text.isprintable() else repr(text)[1:-1]


def _where(reader: Reader) -> str:
    path = reader._path
    if path is None:
        return "in memory"
    return path if isinstance(path, str) else f"{path[0]} and {len(path) - 1} more"


def _count(tensors: int) -> str:
    return "1 tensor" if tensors == 1 else f"{tensors} tensors"
