"""One row for each thing measured, and the table of all. Owns how figures are written down."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """Rates are steps a second, beside raw single-row commits a second; `stored` is bytes. None: not measured here."""

    system: str
    kind: str
    runs: int
    steps: int
    added_bytes: int
    rate: float | None = None
    raw: float | None = None
    stored: float | None = None
    page_ms: float | None = None

    def cells(self) -> list[str]:
        ratio = self.rate / self.raw if self.rate is not None and self.raw else None
        return [
            self.system,
            self.kind,
            str(self.runs),
            str(self.steps),
            f"{self.added_bytes} B",
            number(self.rate, "{:,.0f}"),
            number(self.raw, "{:,.0f}"),
            number(ratio, "{:.2f}"),
            number(None if self.stored is None else self.stored / 1e6, "{:.2f}"),
            number(self.page_ms, "{:.1f}"),
        ]


HEAD = ["system", "store", "runs", "steps each", "added a step", "steps/s", "raw/s", "× raw", "MB stored", "page ms"]
LEFT_ALIGNED = 2


def number(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def lines(rows: list[Row]) -> list[str]:
    cells = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEAD))]
    return [
        "  ".join(
            cell.ljust(width) if column < LEFT_ALIGNED else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
